import Domain
import Testing

@Suite("Names, keys and histograms")
struct NamesAndKeysTests {
    private static func word(_ random: inout SeededGenerator, longest: Int) -> [UInt8] {
        (0..<random.below(longest + 1)).map { _ in random.pick([0x61, 0x62, 0x5f, 0x00, 0xff]) }
    }

    @Test("An index of names finds what a dictionary finds")
    func index() {
        let seed: UInt64 = 41
        var random = SeededGenerator(seed: seed)
        for round in 0..<300 {
            var expected: [String: Int] = [:]
            var names: [String] = []
            for _ in 0..<random.below(round % 10 == 0 ? 500 : 20) {
                let name = String(
                    decoding: Self.word(&random, longest: round % 3 == 0 ? 40 : 4).map { $0 & 0x7f }, as: UTF8.self)
                // Of equal names the first counts.
                if expected[name] == nil { expected[name] = names.count }
                names.append(name)
            }
            let index = ByteNameIndex(names)
            for (name, number) in expected {
                #expect(Array(name.utf8).withUnsafeBytes { index.find($0) } == number, "seed \(seed) round \(round)")
            }
            for _ in 0..<50 {
                let other = Self.word(&random, longest: 5)
                let isText = String(validating: other, as: UTF8.self)
                let wanted = isText.flatMap { expected[$0] }
                #expect(other.withUnsafeBytes { index.find($0) } == wanted, "seed \(seed) round \(round): \(other)")
            }
        }
    }

    @Test("A table of names gives each its number once, and keeps what was said of it")
    func table() {
        let table = NameTable()
        #expect(table.intern("view") == 0 && table.intern("order") == 1 && table.intern("view") == 0)
        #expect(table.index(of: "order") == 1 && table.index(of: "x") == nil)
        #expect(table.name(1) == "order" && table.name(2) == nil && table.names == ["view", "order"])
        #expect(table.salt(of: 0) != table.salt(of: 1) && table.salt(of: 9) == 0)
        let other = NameTable()
        #expect(other.intern("order") == 0 && other.salt(of: 0) == table.salt(of: 1))
        let full = NameTable()
        for number in 0..<65_535 where full.intern("n\(number)") == nil { Issue.record("\(number) was not taken") }
        #expect(full.intern("one more") == nil && full.intern("n65534") == 65_534)
    }

    @Test("The same text has another key in each domain, for each type and under each seed, and the same one again")
    func domains() {
        let seed: UInt64 = 42
        var random = SeededGenerator(seed: seed)
        let domains: [KeyHasher.Domain] = [.interaction, .user, .visitor, .session, .browserSession]
        let names = NameTable()
        let salts = ["product", "post", "artist"].compactMap { names.intern($0) }.map { names.salt(of: $0) }
        var seen: Set<Key128> = []
        var texts: Set<[UInt8]> = []
        for _ in 0..<2000 {
            let text = Self.word(&random, longest: 40)
            guard texts.insert(text).inserted else { continue }
            for hasher in [KeyHasher(seed: 0), KeyHasher(seed: 1), KeyHasher(seed: .max)] {
                let keys = text.withUnsafeBytes { bytes in
                    domains.map { hasher.key(bytes, $0) } + salts.map { hasher.entityKey(bytes, typeSalt: $0) }
                }
                for key in keys {
                    #expect(seen.insert(key).inserted, "seed \(seed): \(text)")
                    #expect(!key.isNone)
                }
                if let string = String(validating: text, as: UTF8.self) {
                    #expect(domains.map { hasher.key(string, $0) } == Array(keys.prefix(domains.count)))
                }
            }
        }
    }

    @Test("Rows resolved from the log have the keys and numbers of the tables")
    func resolver() {
        var random = SeededGenerator(seed: 43)
        let names = NameTable()
        let hasher = KeyHasher(seed: 5)
        let resolver = RowResolver(names: names, hasher: hasher)
        var batch = InteractionBatch()
        var texts: [(type: String, entityType: String, user: String?, visitor: String?, session: String?)] = []
        for number in 0..<500 {
            let some = { (text: String, random: inout SeededGenerator) in random.below(3) == 0 ? nil : text }
            let line = (
                type: "t\(random.below(9))", entityType: "e\(random.below(4))", user: some("u\(number)", &random),
                visitor: some("v\(number)", &random), session: some("s\(number)", &random)
            )
            var row = InteractionRow()
            row.typeName = batch.append(line.type)
            row.entityTypeName = batch.append(line.entityType)
            row.id = batch.append("i\(number)")
            row.entityID = batch.append("p\(number)")
            if let user = line.user { row.userID = batch.append(user) }
            if let visitor = line.visitor { row.anonymousID = batch.append(visitor) }
            if let session = line.session { row.sessionID = batch.append(session) }
            batch.rows.append(row)
            texts.append(line)
        }
        resolver.resolve(&batch)
        for (number, (row, line)) in zip(batch.rows, texts).enumerated() {
            #expect(names.name(row.type) == line.type && names.name(row.entityType) == line.entityType)
            #expect(row.idKey == hasher.key("i\(number)", .interaction))
            let salt = names.salt(of: row.entityType)
            #expect(row.entityKey == Array("p\(number)".utf8).withUnsafeBytes { hasher.entityKey($0, typeSalt: salt) })
            let person =
                line.user.map { hasher.key($0, .user) } ?? line.visitor.map { hasher.key($0, .visitor) } ?? .none
            #expect(row.personKey == person)
            #expect(row.sessionKey == (line.session.map { hasher.key($0, .session) } ?? .none))
        }
    }

    @Test("A histogram counts what counting by hand counts")
    func histogram() {
        let seed: UInt64 = 44
        var random = SeededGenerator(seed: seed)
        for bounds in [Histogram.seconds, Histogram.rows, [0], []] {
            var histogram = Histogram(bounds: bounds)
            var values: [Double] = []
            for _ in 0..<3000 {
                let isOnBound = !bounds.isEmpty && random.below(3) == 0
                let value =
                    isOnBound
                    ? random.pick(bounds) : Double(random.below(1_000_000)) / random.pick([1, 100, 1e6]) - 0.5
                values.append(value)
                histogram.record(value)
            }
            var below = -Double.infinity
            for (index, bound) in (bounds + [.infinity]).enumerated() {
                #expect(histogram.counts[index] == UInt64(values.count { $0 > below && $0 <= bound }), "seed \(seed)")
                below = bound
            }
            #expect(histogram.count == 3000)
            #expect(abs(histogram.sum - values.reduce(0, +)) <= 1e-9 * abs(histogram.sum))
        }
    }
}
