public import Domain
internal import Glibc
public import Live
internal import Models
internal import Synchronization

/// What lists need of the catalogue beyond the live state: what filters ask for, when events are over, and which texts
/// resemble each other. Kept by number of the entity; some 200 bytes for each entity with a title, nothing for others.
public final class Catalogue: Sendable {
    fileprivate struct State {
        /// By number of the entity: place among `details` + 1, 0 for none.
        var places: ContiguousArray<UInt32> = []
        var details: ContiguousArray<EntityDetails> = []
        var free: [UInt32] = []
        /// By number of the entity.
        var words: ContiguousArray<ContiguousArray<UInt32>> = []
        /// How many those are: looked at for each of hundreds that share a word, so close together.
        var wordCounts: ContiguousArray<UInt8> = []
        var described = 0
        var postings: [UInt32: Posting] = [:]
        var texts: [String: UInt32] = [:]
        var ends = EndQueue()
        /// Numbers and vectors of the entities that have any.
        var measures = ContentIndex()
        var scratch = ContentScratch()

        func overAt(_ entity: UInt32) -> Int64? {
            let place = Int(entity) < places.count ? Int(places[Int(entity)]) : 0
            return place > 0 ? details[place - 1].overAt : nil
        }
    }

    /// The entities with a word.
    fileprivate struct Posting {
        /// How many.
        var count: Int32 = 0
        /// The latest of them, latest last.
        var latest: ContiguousArray<UInt32> = []
    }

    private let state = Mutex(State())
    private let events = Atomic(0)
    /// When the next end has to be told to the live state.
    private let nextEnd = Atomic(Int64.max)
    private let telling = Mutex(())
    private let popular = Mutex<[String?: PopularBrands]>([:])

    /// Latest entities kept of each word.
    static let latestKept = 48
    /// Words of a title, and with those of the description, that are looked at.
    static let titleWords = 10
    static let words = 16
    /// Latest entities of a word that a look-up goes through.
    static let latestLookedAt = 24
    /// Entities found by their numbers and vectors, and entries of that index that are looked at for them.
    static let measuredAlike = 48
    static let measuresLookedAt = 1_024

    /// An empty catalogue.
    public init() {}

    /// Whether some entity is over at some time.
    public var hasEvents: Bool { events.load(ordering: .relaxed) > 0 }

    // MARK: - Following the log

    /// Takes over what an entity is now.
    public func apply(_ entity: Entity, number: UInt32) {
        guard number < UInt32.max else { return }
        let index = Int(number)
        let reader = DetailsReader(entity.attributes)
        let words = entity.isDeleted ? [] : Catalogue.words(of: entity)
        state.withLock { state in
            while state.places.count <= index {
                state.places.append(0)
                state.words.append([])
                state.wordCounts.append(0)
            }
            var details = reader.details
            details.publishedAt = entity.publishedAt?.milliseconds
            details.labels = entity.labels.compactMap { state.number($0) }
            for (name, value) in reader.values {
                guard let name = state.number(name) else { continue }
                switch value {
                case .number(let number): details.attributes.append(.init(name: name, value: .number(number)))
                case .truth(let truth): details.attributes.append(.init(name: name, value: .truth(truth)))
                case .other: details.attributes.append(.init(name: name, value: .other))
                case .text(let text):
                    if let text = state.number(text) {
                        details.attributes.append(.init(name: name, value: .text(text)))
                    }
                }
            }
            keep(details, index, &state)
            state.setWords(words, index)
            if entity.isDeleted || reader.numbers.isEmpty && reader.vectors.isEmpty {
                state.measures.remove(number)
            } else {
                state.measures.add(number, ContentFeatures(numbers: reader.numbers, vectors: reader.vectors))
            }
        }
    }

    private func keep(_ details: EntityDetails, _ index: Int, _ state: inout State) {
        let place = Int(state.places[index])
        let old = state.overAt(UInt32(index))
        if (details.overAt != nil) != (old != nil) { events.add(old == nil ? 1 : -1, ordering: .relaxed) }
        if details.overAt != old {
            state.ends.move(UInt32(index), from: old, to: details.overAt)
            nextEnd.store(.min, ordering: .releasing)
        }
        if details.isEmpty {
            guard place > 0 else { return }
            state.details[place - 1] = EntityDetails()
            state.free.append(UInt32(place))
            state.places[index] = 0
        } else if place > 0 {
            state.details[place - 1] = details
        } else if let free = state.free.popLast() {
            state.details[Int(free) - 1] = details
            state.places[index] = free
        } else {
            state.details.append(details)
            state.places[index] = UInt32(state.details.count)
        }
    }

    /// Tells the live state which events are over by now. Next to nothing while none has ended or changed since.
    public func tellEnds(to live: LiveState, now: Int64) {
        guard now >= nextEnd.load(ordering: .acquiring) else { return }
        // One at a time: who comes second finds it told.
        telling.withLock { _ in
            guard now >= nextEnd.load(ordering: .acquiring) else { return }
            let changes = state.withLock { state in
                // Taken out meanwhile, because it asks the rest of the state.
                var ends = EndQueue()
                swap(&ends, &state.ends)
                let reached = ends.reached(now) { state.overAt($0) }
                swap(&ends, &state.ends)
                return ContiguousArray(
                    reached.map { (entity: $0, isOver: (state.overAt($0) ?? .max) <= now) })
            }
            live.note(over: changes)
            // Only now, so that nobody passes by before it is told; and as it is now, lest a change meanwhile be missed.
            state.withLock { state in nextEnd.store(state.ends.next, ordering: .releasing) }
        }
    }

    // MARK: - Reading

    /// What filters ask of entities, in their order; the empty details for one of which nothing is known.
    func details(of entities: ContiguousArray<UInt32>) -> ContiguousArray<EntityDetails> {
        var list: ContiguousArray<EntityDetails> = []
        list.reserveCapacity(entities.count)
        state.withLock { state in
            for entity in entities {
                let place = Int(entity) < state.places.count ? Int(state.places[Int(entity)]) : 0
                list.append(place > 0 ? state.details[place - 1] : EntityDetails())
            }
        }
        return list
    }

    /// Number of a label or of a text of an attribute.
    func text(named name: String) -> UInt32? { state.withLock { $0.texts[name] } }

    /// What shares words with entities, or has like numbers and vectors: at most `limit`, most like first. The likeness of words
    /// is the share of the words of the one, weighted by how rare they are (ln(1 + N/n)), that the other has too, less where
    /// the other has many more; that of numbers and vectors is ``ContentIndex``'s; together words count twice as much as a
    /// vector, and that twice as much as all numbers.
    func resembling(_ entities: ContiguousArray<UInt32>, limit: Int) -> ContiguousArray<Resembling> {
        var best: ContiguousArray<Resembling> = []
        for (place, entity) in entities.enumerated() { state.withLock { $0.addAlike(entity, place, to: &best) } }
        func isMoreAlike(_ left: Resembling, _ right: Resembling) -> Bool {
            if left.likeness != right.likeness { return left.likeness > right.likeness }
            return left.entity != right.entity ? left.entity < right.entity : left.place < right.place
        }
        best.keep(limit, isMoreAlike)
        best.sort(by: isMoreAlike)
        return best
    }

    /// The latest entities of a brand, latest first.
    func latest(ofBrand name: String, limit: Int) -> ContiguousArray<UInt32> {
        state.withLock { state in
            guard let posting = state.postings[Catalogue.brandWord(name)] else { return [] }
            return ContiguousArray(posting.latest.suffix(limit).reversed())
        }
    }

    /// Bytes held, as an estimate from counts: of ten words an entity, and of words with three entities each.
    public var bytes: Int {
        state.withLock { state in
            state.places.capacity * 13 + state.details.capacity * (MemoryLayout<EntityDetails>.stride + 96)
                + state.measures.bytes + state.described * 80 + state.postings.count * 112 + state.texts.count * 64
        }
    }

    // MARK: - Popular brands

    /// Popular entities with their brands, as of a moment.
    struct PopularBrands: Sendable {
        var moment: Int64
        var entities: ContiguousArray<UInt32>
        var brands: ContiguousArray<UInt32>
    }

    /// The popular entities of a type with their brands, at most a second old.
    func popularBrands(type: String?, now: Int64, make: () -> PopularBrands) -> PopularBrands {
        if let held = popular.withLock({ $0[type] }), abs(now &- held.moment) < 1000 { return held }
        let made = make()
        popular.withLock { held in
            if held.count > 64 { held = [:] }
            held[type] = made
        }
        return made
    }

    // MARK: - Words

    /// ln(1 + N/n).
    fileprivate static func rarity(_ all: Int, _ count: Int32) -> Double {
        log1p(Double(max(1, all)) / Double(max(1, count)))
    }

    private static func words(of entity: Entity) -> ContiguousArray<UInt32> {
        var words: ContiguousArray<UInt32> = []
        func add(_ text: String, upTo most: Int, longerThan shortest: Int) {
            var text = text
            text.withUTF8 { bytes in
                var start = 0
                for index in 0...bytes.count {
                    let isWord = index < bytes.count && Catalogue.isWord(bytes[index])
                    if isWord { continue }
                    if index - start > shortest, words.count < most {
                        let word = hash(UnsafeBufferPointer(rebasing: bytes[start..<index]))
                        if !words.contains(word) { words.append(word) }
                    }
                    start = index + 1
                    if words.count >= most { return }
                }
            }
        }
        if let brand = entity.brand { words.append(brandWord(brand)) }
        add(entity.title ?? "", upTo: titleWords, longerThan: 1)
        add(entity.description ?? "", upTo: Catalogue.words, longerThan: 3)
        return words
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 128...255: true
        default: false
        }
    }

    static func brandWord(_ name: String) -> UInt32 {
        var name = name
        return name.withUTF8 { hash($0) ^ 0x8000_0001 }
    }

    /// FNV-1a, large letters as small ones; never the greatest number.
    private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in word {
            let small = (65...90).contains(byte) ? byte | 32 : byte
            hash = (hash ^ UInt32(small)) &* 16_777_619
        }
        return hash == .max ? 0 : hash
    }
}

extension Catalogue.State {
    /// Adds what shares a word with an entity, in no order that matters.
    fileprivate mutating func addAlike(_ entity: UInt32, _ place: Int, to found: inout ContiguousArray<Resembling>) {
        guard Int(entity) < words.count else { return }
        var sums = NumberTable(capacity: 256)
        var whole = 0.0
        let own = words[Int(entity)]
        // A word that one in twenty has says little, and is dear to follow.
        let most = Int32(clamping: max(50, described / 20))
        for word in own {
            guard let posting = postings[word] else { continue }
            let rarity = Catalogue.rarity(described, posting.count)
            whole += rarity
            guard posting.count > 1, posting.count <= most else { continue }
            for other in posting.latest.suffix(Catalogue.latestLookedAt) where other != entity {
                sums.add(other, rarity)
            }
        }
        var alike = NumberTable(capacity: sums.count)
        sums.forEach { other, sum in
            let count = Int(other) < wordCounts.count ? Int(wordCounts[Int(other)]) : 0
            guard count > 0 else { return }
            alike.set(other, min(1, sum / whole) * min(1, Double(own.count) / Double(count)).squareRoot())
        }
        addMeasured(entity, whole > 0, &alike)
        alike.forEach { other, likeness in
            found.append(Resembling(entity: other, likeness: likeness, place: place))
        }
    }

    /// Brings in what numbers and vectors say of an entity that has any, beside its words where it has such.
    private mutating func addMeasured(_ entity: UInt32, _ hasWords: Bool, _ alike: inout NumberTable) {
        let weight = Double(measures.weight(of: entity))
        guard weight > 0 else { return }
        var others: [UInt32] = []
        alike.forEach { other, _ in others.append(other) }
        let words = hasWords ? 2.0 : 0
        for match in measures.matches(
            entity, with: others, limit: Catalogue.measuredAlike, budget: Catalogue.measuresLookedAt, &scratch)
        {
            let said = words * alike.value(match.entity) + weight * Double(match.similarity)
            alike.set(match.entity, said / (words + weight))
        }
        // What has none of it is not like it in that.
        for other in others where !measures.contains(other) {
            alike.set(other, words * alike.value(other) / (words + weight))
        }
    }

    /// Number of a text, given now if it is new.
    fileprivate mutating func number(_ text: String) -> UInt32? {
        if let number = texts[text] { return number }
        guard let number = UInt32(exactly: texts.count), number < .max else { return nil }
        texts[text] = number
        return number
    }

    fileprivate mutating func setWords(_ fresh: ContiguousArray<UInt32>, _ index: Int) {
        let old = words[index]
        if old == fresh { return }
        if !old.isEmpty { described -= 1 }
        if !fresh.isEmpty { described += 1 }
        for word in old where !fresh.contains(word) {
            guard var posting = postings[word] else { continue }
            posting.count -= 1
            posting.latest.removeAll { $0 == UInt32(index) }
            postings[word] = posting.count > 0 ? posting : nil
        }
        for word in fresh where !old.contains(word) {
            var posting = postings.removeValue(forKey: word) ?? .init()
            posting.count += 1
            if posting.latest.count >= Catalogue.latestKept { posting.latest.removeFirst() }
            posting.latest.append(UInt32(index))
            postings[word] = posting
        }
        words[index] = fresh
        wordCounts[index] = UInt8(clamping: fresh.count)
    }
}

extension Catalogue {
    /// Takes over what an entity, which the live state knows already, is now.
    public func apply(_ entity: Entity, in live: LiveState) {
        guard let number = live.entityNumber(type: entity.type, id: entity.id) else { return }
        apply(entity, number: number)
    }
}
