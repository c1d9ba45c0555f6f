internal import Foundation
internal import Models
internal import Numerics
internal import Synchronization

/// Lists of a file (a line a person: a name, then numbers of items, oldest first), those to learn from and those held back.
enum HeldOut {
    /// Both files, over one catalogue. The held-back file has the same persons on the same lines.
    static func read(train: String, test: String) -> (known: Histories, held: [Set<UInt32>])? {
        guard let trainLines = lines(train), let testLines = lines(test), trainLines.count == testLines.count else {
            return nil
        }
        let most = (trainLines + testLines).reduce(UInt32(0)) { max($0, $1.max() ?? 0) }
        var known = Histories(itemCount: Int(most) + 1)
        for line in trainLines { known.append(ordered: line) }
        return (known, testLines.map { Set($0) })
    }

    private static func lines(_ path: String) -> [[UInt32]]? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return text.utf8.split(separator: UInt8(ascii: "\n")).map { line in
            line.split(separator: UInt8(ascii: " ")).dropFirst().compactMap { UInt32(Substring($0)) }
        }
    }

    /// Mean recall and NDCG of the first 20 over persons of whom something was held back; what is known is left out.
    static func quality(
        _ model: some ItemModel, _ known: Histories, _ held: [Set<UInt32>], threads: Int
    ) -> (recall: Double, gain: Double, persons: Int) {
        let sums = Mutex((recall: 0.0, gain: 0.0, persons: 0))
        Parallel.ranges(known.count, grain: 256, threads: threads) { range in
            let histories = known.slice(range)
            var scores = [Float](repeating: 0, count: range.count * known.itemCount)
            scores.withUnsafeMutableBufferPointer { model.score(histories, into: $0) }
            var top = TopSelection(capacity: 20)
            for (index, person) in range.enumerated() where !held[person].isEmpty {
                for item in known.items(of: person) { scores[index * known.itemCount + Int(item)] = -.infinity }
                top.removeAll()
                for item in 0..<known.itemCount { top.add(UInt32(item), scores[index * known.itemCount + item]) }
                var (hits, gain, ideal) = (0, 0.0, 0.0)
                for (place, entry) in top.sorted().enumerated() where held[person].contains(entry.index) {
                    hits += 1
                    gain += 1 / (Double(place) + 2).logarithm
                }
                for place in 0..<min(20, held[person].count) { ideal += 1 / (Double(place) + 2).logarithm }
                sums.withLock {
                    $0.recall += Double(hits) / Double(held[person].count)
                    $0.gain += gain / ideal
                    $0.persons += 1
                }
            }
        }
        let (recall, gain, persons) = sums.withLock { $0 }
        return (recall / Double(max(1, persons)), gain / Double(max(1, persons)), persons)
    }
}
