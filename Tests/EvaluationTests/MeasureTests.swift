import Evaluation
import Foundation
import Numerics
import Testing

@Suite("Measures of ranked lists")
struct MeasureTests {
    /// Lists of random length over a small catalogue, with and without relevant items among them.
    static func lists(_ count: Int, seed: UInt64) -> [RankedList] {
        var random = SplitMix(seed: seed)
        return (0..<count).map { _ in
            let items = Array(UInt32(0)..<60).shuffled(using: &random)
            let ranked = Array(items.prefix(Int.random(in: 1...40, using: &random)))
            let relevant = items.shuffled(using: &random).prefix(Int.random(in: 1...30, using: &random))
            return RankedList(ranked: ranked, relevant: Set(relevant))
        }
    }

    @Test("A list that everybody can check by hand")
    func byHand() {
        let list = RankedList(ranked: [7, 1, 8, 2], relevant: [1, 2, 3])
        #expect(list.value(.recall, at: 4) == 2.0 / 3)
        #expect(list.value(.recall, at: 2) == 1.0 / 3)
        #expect(list.value(.precision, at: 10) == 0.2)
        #expect(list.value(.hr, at: 1) == 0)
        #expect(list.value(.hr, at: 2) == 1)
        #expect(list.value(.mrr, at: 4) == 0.5)
        #expect(list.value(.mrr, at: 1) == 0)
        #expect(list.value(.map, at: 4) == (1.0 / 2 + 2.0 / 4) / 3)
        let gain = 1 / log2(3.0) + 1 / log2(5.0)
        let ideal = 1 + 1 / log2(3.0) + 1 / log2(4.0)
        #expect(abs(list.value(.ndcg, at: 4) - gain / ideal) < 1e-12)
        // Cut at 1, the best list has one relevant item, however many there are.
        #expect(RankedList(ranked: [1], relevant: [1, 2, 3]).value(.ndcg, at: 1) == 1)
    }

    @Test("Nothing relevant, no list and no cut-off are 0", arguments: Measure.allCases)
    func nothing(measure: Measure) {
        #expect(RankedList(ranked: [1, 2], relevant: []).value(measure, at: 5) == 0)
        #expect(RankedList(ranked: [], relevant: [1]).value(measure, at: 5) == 0)
        #expect(RankedList(ranked: [1], relevant: [1]).value(measure, at: 0) == 0)
    }

    @Test("Slow versions, straight from the formulas, agree")
    func slow() {
        for list in MeasureTests.lists(300, seed: 3) {
            for cutoff in [1, 3, 10, 50] {
                let cut = Array(list.ranked.prefix(cutoff))
                let isHit = cut.map { list.relevant.contains($0) ? 1.0 : 0.0 }
                let hits = isHit.reduce(0, +)
                var gain = 0.0
                var ideal = 0.0
                var precisions = 0.0
                var reciprocal = 0.0
                for rank in 1...cutoff {
                    if rank <= list.relevant.count { ideal += 1 / log2(Double(rank) + 1) }
                    guard rank <= cut.count, isHit[rank - 1] == 1 else { continue }
                    gain += 1 / log2(Double(rank) + 1)
                    precisions += isHit[..<rank].reduce(0, +) / Double(rank)
                    if reciprocal == 0 { reciprocal = 1 / Double(rank) }
                }
                let slow: [Measure: Double] = [
                    .recall: hits / Double(list.relevant.count), .precision: hits / Double(cutoff),
                    .hr: hits > 0 ? 1 : 0, .mrr: reciprocal, .map: precisions / Double(list.relevant.count),
                    .ndcg: gain / ideal,
                ]
                for measure in Measure.allCases {
                    #expect(abs(list.value(measure, at: cutoff) - (slow[measure] ?? .nan)) < 1e-12)
                }
            }
        }
    }

    @Test(
        "ir-measures, which is trec_eval, agrees to 1e-9",
        .enabled(if: IndependentMeasures.isInstalled, "ir-measures cannot be installed"))
    func independent() throws {
        let lists = MeasureTests.lists(200, seed: 11)
        let cutoffs = [1, 5, 20]
        let rows = try IndependentMeasures.values(lists, cutoffs)
        #expect(rows.count == lists.count * cutoffs.count)
        for row in rows {
            let list = lists[row.list]
            for (measure, value) in zip([Measure.recall, .ndcg, .hr, .mrr, .map, .precision], row.values) {
                #expect(abs(list.value(measure, at: row.cutoff) - value) < 1e-9, "\(measure)@\(row.cutoff)")
            }
        }
    }
}

/// scripts/measures.
enum IndependentMeasures {
    static let isInstalled = (try? run(["install"]))?.status == 0

    static func values(_ lists: [RankedList], _ cutoffs: [Int]) throws -> [(list: Int, cutoff: Int, values: [Double])] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("lists-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let text = lists.map { list in
            let ranked = list.ranked.map(String.init).joined(separator: " ")
            return "\(ranked) | \(list.relevant.map(String.init).joined(separator: " "))\n"
        }
        try text.joined().write(to: file, atomically: true, encoding: .utf8)
        let answer = try run([file.path] + cutoffs.map(String.init))
        #expect(answer.status == 0)
        return answer.text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").compactMap { Double($0) }
            guard fields.count == 8 else { return nil }
            return (Int(fields[0]), Int(fields[1]), Array(fields[2...]))
        }
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = folder.appendingPathComponent("scripts/measures")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
