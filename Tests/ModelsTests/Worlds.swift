import Models
import Numerics

/// Small worlds to learn from.
enum Worlds {
    /// Histories drawn at random, each item at most once in each.
    static func random(persons: Int, items: Int, longest: Int, _ random: inout SplitMix) -> Histories {
        var histories = Histories(itemCount: items)
        for _ in 0..<persons {
            let length = Int.random(in: 1...longest, using: &random)
            histories.append(ordered: Array((0..<UInt32(items)).shuffled(using: &random).prefix(length)))
        }
        return histories
    }

    /// A ring: everybody goes from an item to the next, from a start of their own, now and then a step aside.
    static func ring(persons: Int, items: Int, length: Int, _ random: inout SplitMix) -> Histories {
        var histories = Histories(itemCount: items)
        for _ in 0..<persons {
            var item = Int.random(in: 0..<items, using: &random)
            var run: [UInt32] = []
            while run.count < length {
                if !run.contains(UInt32(item)) { run.append(UInt32(item)) }
                item = (item + (Int.random(in: 0..<4, using: &random) == 0 ? 2 : 1)) % items
            }
            histories.append(ordered: run)
        }
        return histories
    }

    /// The same histories in an order without meaning.
    static func shuffled(_ histories: Histories, _ random: inout SplitMix) -> Histories {
        var shuffled = Histories(itemCount: histories.itemCount)
        for person in 0..<histories.count {
            shuffled.append(ordered: histories.items(of: person).shuffled(using: &random))
        }
        return shuffled
    }
}
