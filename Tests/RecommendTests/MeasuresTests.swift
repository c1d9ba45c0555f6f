import Domain
import Testing

@testable import Recommend

@Suite("Likeness of catalogue entries by their numbers and vectors")
struct MeasuresTests {
    private func entity(_ id: String, title: String? = nil, _ attributes: String) -> Entity {
        var entity = Entity(type: "product", id: id)
        entity.title = title
        entity.attributes = attributes
        return entity
    }

    @Test("The nearest by vector are found at once, among many of the same words, and no more once they are gone")
    func vectors() {
        var random = SeededRandom(5)
        let catalogue = Catalogue()
        var slow: [[Double]] = []
        for number in 0..<300 {
            // Pairs that differ little.
            var vector = (0..<16).map { _ in Double(random.below(2001) - 1000) / 1000 }
            if number % 2 == 1 { vector = slow[number - 1].map { $0 + Double(random.below(100)) / 10_000 } }
            slow.append(vector)
            let text = vector.map { "\($0)" }.joined(separator: ",")
            catalogue.apply(entity("e\(number)", title: "Lamp", #"{"look":[\#(text)]}"#), number: UInt32(number))
        }
        for number in stride(from: 0, to: 300, by: 2) {
            let found = catalogue.resembling([UInt32(number)], limit: 20)
            #expect(found.first?.entity == UInt32(number + 1))
            #expect(!found.contains { $0.entity == UInt32(number) })
            for match in found { #expect((0...1).contains(match.likeness)) }
        }
        var gone = entity("e1", title: "Lamp", "{}")
        gone.isDeleted = true
        catalogue.apply(gone, number: 1)
        #expect(!catalogue.resembling([0], limit: 20).contains { $0.entity == 1 })
        #expect(catalogue.bytes > 300 * 16 * 4)
    }

    @Test("Numbers that are near make alike, and what has none of them is less so than what has the same")
    func numbers() {
        let catalogue = Catalogue()
        for number in 0..<40 {
            let attributes = #"{"year":\#(1950 + number),"start_time":"2026-01-01T00:00:00Z"}"#
            catalogue.apply(entity("n\(number)", title: "Film\(number)", attributes), number: UInt32(number))
        }
        let found = catalogue.resembling([10], limit: 10).map(\.entity)
        #expect(Set(found.prefix(2)) == [9, 11])
        catalogue.apply(entity("a", title: "Blue chair", #"{"width":50}"#), number: 50)
        catalogue.apply(entity("b", title: "Blue chair", #"{"width":50}"#), number: 51)
        catalogue.apply(entity("c", title: "Blue chair", "{}"), number: 52)
        let chairs = catalogue.resembling([50], limit: 10)
        #expect(chairs.map(\.entity).prefix(2) == [51, 52])
        #expect(chairs[0].likeness > chairs[1].likeness)
    }

    @Test(
        "A list of numbers is a vector unless it is a scale; long ones are no values for filters",
        arguments: [
            ("[1,0,0]", true, 3), ("[0.5,0.25,0.1]", true, 3), ("[38,39,40]", false, 3), ("[1,2]", false, 2),
            (#"[1,"a",3]"#, false, 3), ("[" + (0..<20).map { "\($0 % 3)" }.joined(separator: ",") + "]", true, 1),
        ])
    func lists(text: String, isVector: Bool, values: Int) {
        let reader = DetailsReader(#"{"a":\#(text)}"#)
        #expect((reader.vectors["a"] != nil) == isVector)
        #expect(reader.values.count == values)
    }

    @Test("Vectors of another length, of nothing but 0 or too great are passed over")
    func odd() {
        let catalogue = Catalogue()
        for (number, vector) in ["[1,0,0]", "[1,0,0,0]", "[0,0,0]", "[1e38,1e38,1e38]", "[1,0.1,0]"].enumerated() {
            catalogue.apply(entity("o\(number)", #"{"v":\#(vector)}"#), number: UInt32(number))
        }
        #expect(catalogue.resembling([0], limit: 10).first?.entity == 4)
        for number in 0..<5 as Range<UInt32> {
            for match in catalogue.resembling([number], limit: 10) { #expect((0...1).contains(match.likeness)) }
        }
    }
}
