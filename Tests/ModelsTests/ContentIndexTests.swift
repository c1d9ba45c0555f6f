import Models
import Numerics
import Testing

@Suite("The content index")
struct ContentIndexTests {
    static func shop() -> ContentIndex {
        var index = ContentIndex()
        index.add(1, .init(categories: ["Shoes"], brand: "Ada", title: "Red running shoe", numbers: ["price": 80]))
        index.add(2, .init(categories: ["Shoes"], brand: "Ada", title: "Blue running shoe", numbers: ["price": 85]))
        index.add(3, .init(categories: ["Shoes"], brand: "Bob", title: "Leather boot", numbers: ["price": 190]))
        index.add(4, .init(categories: ["Books"], brand: "Print", title: "History of printing", numbers: ["price": 20]))
        return index
    }

    @Test("The likest comes first, and an entity is found the moment it is added, changed or gone")
    func live() {
        var index = ContentIndexTests.shop()
        var scratch = ContentScratch()
        #expect(index.similar(to: 1, limit: 10, &scratch).map(\.entity) == [2, 3])
        index.add(5, .init(categories: ["shoes"], brand: "ADA", title: "Red  RUNNING shoe", numbers: ["price": 80]))
        let first = index.similar(to: 1, limit: 1, &scratch)
        #expect(first.map(\.entity) == [5])
        #expect(abs((first.first?.similarity ?? 0) - 1) < 1e-5)
        index.add(5, .init(title: "A history of printing"))
        #expect(index.similar(to: 4, limit: 10, &scratch).map(\.entity) == [5])
        index.remove(2)
        index.remove(2)
        #expect(!index.contains(2) && index.count == 4)
        #expect(index.similar(to: 1, limit: 10, &scratch).map(\.entity) == [3])
        #expect(index.similar(to: 2, limit: 10, &scratch).isEmpty)
        #expect(index.similar(to: 1, limit: 0, &scratch).isEmpty)
    }

    @Test("A profile is answered with what is like all of it; weights below 0 push away")
    func profile() {
        let index = ContentIndexTests.shop()
        var scratch = ContentScratch()
        #expect(index.similar(to: [(1, 1), (4, 0.1)], limit: 3, &scratch).map(\.entity) == [2, 3])
        let alone = index.similar(to: [(1, 1)], limit: 3, &scratch).first { $0.entity == 3 }
        let pushed = index.similar(to: [(1, 1), (2, -1)], limit: 3, &scratch).first { $0.entity == 3 }
        #expect((pushed?.similarity ?? 0) < (alone?.similarity ?? 0))
        #expect(index.similar(to: [(99, 1), (1, .nan), (1, 0)], limit: 3, &scratch).isEmpty)
    }

    @Test("Vectors and numbers that are none, or of another length, are left out and counted")
    func badAttributes() {
        var index = ContentIndex()
        #expect(index.add(1, .init(vectors: ["image": [1, 2, 3]])) == .init())
        #expect(index.add(2, .init(vectors: ["image": [1, 2]])).vectors == 1)
        #expect(index.add(3, .init(vectors: ["image": [1, .nan, 2], "sound": [0, 0], "none": []])).vectors == 3)
        #expect(index.add(4, .init(vectors: ["image": [.infinity, 0, 1]])).vectors == 1)
        #expect(index.add(5, .init(numbers: ["a": .nan, "b": .infinity, "c": 1e300, "d": 3])).numbers == 3)
        #expect(index.add(6, .init(vectors: ["image": [3e38, 3e38, 3e38]])) == .init())
        #expect(index.add(7, .init(vectors: ["image": [Float](repeating: 1, count: 5_000)])).vectors == 1)
        #expect(index.add(8, .init(vectors: ["image": [1.1, 2, 3.1]])) == .init())
        var scratch = ContentScratch()
        for entity in 1...8 as ClosedRange<UInt32> {
            #expect(
                index.similar(to: entity, limit: 9, &scratch).allSatisfy { $0.similarity > 0 && $0.similarity <= 1 })
        }
        #expect(index.similar(to: 1, limit: 1, &scratch).map(\.entity) == [8])
        // When nobody holds it any more, a name's vectors may have another length.
        for entity in 1...8 as ClosedRange<UInt32> { index.remove(entity) }
        #expect(index.count == 0)
        #expect(index.add(9, .init(vectors: ["image": [1, 2]])) == .init())
    }

    /// The index's own formula over all pairs, with nothing bounded, for words alone.
    static func slow(_ titles: [UInt32: [String]], _ entity: UInt32) -> [UInt32: Double] {
        var holders: [String: Double] = [:]
        for words in titles.values { for word in Set(words) { holders[word, default: 0] += 1 } }
        func vector(_ words: [String]) -> [String: Double] {
            var vector: [String: Double] = [:]
            for word in words { vector[word, default: 0] += 1 }
            for (word, times) in vector {
                vector[word] =
                    (1 + Double(Float(times).logarithm))
                    * Double((1 + Float(titles.count) / Float(holders[word] ?? 1)).logarithm)
            }
            return vector
        }
        let own = vector(titles[entity] ?? [])
        let length = own.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var cosines: [UInt32: Double] = [:]
        for (other, words) in titles where other != entity {
            let their = vector(words)
            let product = own.reduce(0) { $0 + $1.value * (their[$1.key] ?? 0) }
            let lengths = length * their.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if product > 0 { cosines[other] = product / lengths }
        }
        return cosines
    }

    @Test("After any order of additions, changes and removals the answer is that of a slow search over what is there")
    func oracle() {
        var random = SplitMix(seed: 11)
        var index = ContentIndex()
        var titles: [UInt32: [String]] = [:]
        var scratch = ContentScratch()
        for step in 0..<1_500 {
            let entity = UInt32.random(in: 0..<60, using: &random)
            if Int.random(in: 0..<3, using: &random) == 0 {
                index.remove(entity)
                titles[entity] = nil
            } else {
                let words = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    "w\(Int.random(in: 0..<25, using: &random))"
                }
                index.add(entity, .init(title: words.joined(separator: " ")))
                titles[entity] = words
            }
            #expect(index.count == titles.count)
            guard step % 25 == 0, let asked = titles.keys.sorted().first else { continue }
            let expected = ContentIndexTests.slow(titles, asked)
            let found = index.similar(to: asked, limit: 100, &scratch)
            #expect(Set(found.map(\.entity)) == Set(expected.keys))
            for match in found { #expect(abs(Double(match.similarity) - (expected[match.entity] ?? 9)) < 1e-4) }
            #expect(zip(found, found.dropFirst()).allSatisfy { $0.similarity >= $1.similarity })
        }
    }

    @Test("The nearest of many vectors is found, and the nearest of many numbers")
    func nearest() {
        var random = SplitMix(seed: 2)
        var index = ContentIndex()
        for entity in 0..<3_000 as Range<UInt32> {
            index.add(
                entity,
                .init(
                    numbers: ["size": Double.random(in: 0...1_000, using: &random)],
                    vectors: ["v": (0..<16).map { _ in Float(random.nextNormal()) }]))
        }
        var scratch = ContentScratch()
        var found = 0
        for twin in 0..<100 as Range<UInt32> {
            let vector = (0..<16).map { _ in Float(random.nextNormal()) }
            index.add(10_000, .init(vectors: ["v": vector]))
            index.add(10_001, .init(vectors: ["v": vector.map { $0 + Float(random.nextNormal()) * 0.1 }]))
            found += index.similar(to: 10_000, limit: 5, &scratch).first?.entity == 10_001 ? 1 : 0
            index.add(20_000 + twin, .init(numbers: ["size": 2_000 + Double(twin) * 50]))
        }
        #expect(found >= 95)
        #expect(index.similar(to: 20_050, limit: 2, &scratch).allSatisfy { (20_048...20_052).contains($0.entity) })
    }

    @Test("A search's cost does not grow with the catalogue")
    func bounded() {
        var index = ContentIndex()
        for entity in 0..<20_000 as Range<UInt32> {
            index.add(entity, .init(categories: ["all"], brand: "one", title: "the same \(entity % 7)"))
        }
        var scratch = ContentScratch()
        let time = ContinuousClock().measure {
            for entity in 0..<200 as Range<UInt32> {
                #expect(index.similar(to: entity, limit: 50, &scratch).count == 50)
            }
        }
        #expect(time < .seconds(2))
    }

    @Test("Words of any script, without marks and case")
    func words() {
        var index = ContentIndex()
        index.add(1, .init(title: "東京の本"))
        index.add(2, .init(title: "本は東京"))
        index.add(3, .init(title: "CAFE\u{301}, crème"))
        index.add(4, .init(title: "cafe"))
        index.add(5, .init(title: String(repeating: "x", count: 100_000) + " \u{0}\u{FFFF} 🙂"))
        index.add(6, .init(title: ""))
        var scratch = ContentScratch()
        #expect(index.similar(to: 1, limit: 5, &scratch).map(\.entity) == [2])
        #expect(index.similar(to: 3, limit: 5, &scratch).map(\.entity) == [4])
        #expect(index.similar(to: 5, limit: 5, &scratch).isEmpty)
        #expect(index.similar(to: 6, limit: 5, &scratch).isEmpty)
    }
}
