public import Evaluation

/// What the order of lists without times says.
public enum ListOrder: Sendable, Equatable {
    /// Each user has an order of their own: as far as can be seen, that of what happened.
    case own
    /// Items stand in order of their names, or against it.
    case names
    /// Whoever has two items has them in the same order: that of some list of all items.
    case common

    /// The order of a part. What has times is in their order. O(entries + 20 million).
    public init(_ part: DatasetPart, names: [String]) {
        guard !part.hasTimes else {
            self = .own
            return
        }
        if ListOrder.isOfNames(part, names) {
            self = .names
        } else {
            let precedence = Precedence(part, items: names.count)
            // A ring, or series of episodes, is the same for everybody who is in it, and yet no list of all items.
            let isCommon = precedence.agreement ?? 0 >= 0.98 && precedence.shareOfOneOrder ?? 0 >= 0.95
            self = isCommon ? .common : .own
        }
    }

    /// Whether nearly all neighbours, or all in nearly all lists but for one place (a sorted part behind another), rise by
    /// name as number or as text, or nearly all fall.
    private static func isOfNames(_ part: DatasetPart, _ names: [String]) -> Bool {
        let numbers = names.map { Int($0) }
        var ranks = [Int](repeating: 0, count: names.count)
        for (rank, item) in names.indices.sorted(by: { names[$0] < names[$1] }).enumerated() { ranks[item] = rank }
        var counts = [Runs(), Runs()]
        for run in part.runs {
            counts[0].add(run.map { numbers[Int($0.item)] })
            counts[1].add(run.map { ranks[Int($0.item)] })
        }
        return counts.contains { $0.isSorted }
    }

    /// How many neighbours in lists rise and fall.
    private struct Runs {
        private var (pairs, rising, falling) = (0, 0, 0)
        private var (long, inTwo) = (0, 0)

        mutating func add(_ values: [Int?]) {
            var breaks = 0
            for (left, right) in zip(values, values.dropFirst()) {
                pairs += 1
                guard let left, let right else {
                    breaks += 1
                    continue
                }
                rising += left <= right ? 1 : 0
                falling += left >= right ? 1 : 0
                breaks += left <= right ? 0 : 1
            }
            // Eight items of another order stand so once in 160 times.
            guard values.count >= 8 else { return }
            long += 1
            inTwo += breaks <= 1 ? 1 : 0
        }

        /// Few pairs or lists may stand so by chance.
        var isSorted: Bool {
            (pairs >= 100 && max(rising, falling) * 100 >= pairs * 99) || (long >= 50 && inTwo * 100 >= long * 98)
        }
    }
}

/// How often items stand before others in lists: of the 256 items that most lists have, each pair of them.
struct Precedence {
    private let count: Int
    /// Lists in which the row's item stands before the column's.
    private var before: [Int]

    /// Counts in lists of items below `items`. O(entries + 20 million).
    init(_ part: DatasetPart, items: Int) {
        var lists = [Int](repeating: 0, count: items)
        for run in part.runs { for item in Set(run.map(\.item)) { lists[Int(item)] += 1 } }
        let most = lists.indices.sorted { (lists[$1], $0) < (lists[$0], $1) }.prefix(256)
        var places = [Int?](repeating: nil, count: items)
        for (place, item) in most.enumerated() { places[item] = place }
        count = most.count
        before = Array(repeating: 0, count: count * count)
        let kept = part.runs.map { run in run.compactMap { places[Int($0.item)] } }
        // Of very many pairs, those of every so many users are enough.
        let pairs = kept.reduce(0) { $0 + $1.count * $1.count / 2 }
        for user in stride(from: 0, to: kept.count, by: 1 + pairs / 20_000_000) {
            var seen: [Int] = []
            for place in kept[user] where !seen.contains(place) {
                for earlier in seen { before[earlier * count + place] += 1 }
                seen.append(place)
            }
        }
    }

    /// How probable it is that two users who have the same two items have them in the same order: a half where order is
    /// chance, up to 0.92 where items come up one after the other over time, 1 where lists are sorted alike. `nil` where too
    /// few lists share two items.
    var agreement: Double? {
        var (shared, alike) = (0, 0)
        for one in 0..<count {
            for other in 0..<one {
                let (first, second) = (before[one * count + other], before[other * count + one])
                shared += (first + second) * (first + second - 1)
                alike += first * (first - 1) + second * (second - 1)
            }
        }
        return shared >= 2_000 ? Double(alike) / Double(shared) : nil
    }

    /// The share of all pairs in lists that stand as in one order of all items: by how often they stand before others.
    /// `nil` where there are no pairs.
    var shareOfOneOrder: Double? {
        let wins = (0..<count).map { item -> Double in
            let (first, second) = (0..<count).reduce((0, 0)) {
                ($0.0 + before[item * count + $1], $0.1 + before[$1 * count + item])
            }
            return Double(first) / Double(max(1, first + second))
        }
        let order = wins.indices.sorted { (wins[$1], $0) < (wins[$0], $1) }
        var (all, right) = (0, 0)
        for (place, one) in order.enumerated() {
            for other in order[..<place] {
                right += before[other * count + one]
                all += before[other * count + one] + before[one * count + other]
            }
        }
        return all > 0 ? Double(right) / Double(all) : nil
    }
}
