internal import Numerics

/// A part of the histories that is kept from training, to choose on: what was known, and what came after.
public struct HoldOut: Sendable, Equatable {
    /// How histories are cut.
    public enum Cut: Sendable, Equatable {
        /// The last share of each history.
        case tail(Double)
        /// The last entry, again and again: each of the last few entries is asked for with what came before it.
        case last
        /// A share of each history, drawn at random.
        case random(Double)
        /// The last share of every second history, and a share of the others that is drawn at random: for when nobody says
        /// which of the two will be asked.
        case mixed(Double)
        /// What happened in the last share of all entries by time.
        case late(Double)
    }

    /// What a model may learn from.
    public var training: Histories
    /// The histories that are asked about.
    public var queries: Histories
    /// For each of them what was held back: items that its history does not have.
    public var truth: [[UInt32]]

    /// Entries that ``Cut/last`` asks for in each history.
    static let lastEntries = 5

    /// Cuts histories. At most `maximum` are asked about, evenly chosen. Entries of unknown place stay in training, but for
    /// ``Cut/random(_:)``.
    public init(_ histories: Histories, _ cut: Cut, maximum: Int = 4_000, seed: UInt64 = 1) {
        var random = SplitMix(seed: seed)
        var training = Histories(itemCount: histories.itemCount)
        var asked: [(history: [Histories.Entry], truth: [UInt32])] = []
        let edge = HoldOut.edge(histories, cut)
        for person in 0..<histories.count {
            let all = histories.entries(of: person)
            var (kept, held): ([Histories.Entry], [Histories.Entry]) = (all, [])
            let known = all.count { $0.position >= 0 }
            let unknown = all.count - known
            let way =
                if case .mixed(let share) = cut { person % 2 == 0 ? Cut.tail(share) : .random(share) } else { cut }
            switch way {
            case .mixed: break
            case .tail(let share):
                let length = known < 2 ? known : max(1, Int((Double(known) * (1 - share)).rounded()))
                (kept, held) = (Array(all.prefix(unknown + length)), Array(all.dropFirst(unknown + length)))
            case .late:
                if let edge {
                    kept = all.filter { ($0.time ?? 0) < edge }
                    held = all.filter { ($0.time ?? 0) >= edge }
                }
            case .last:
                let length = max(min(1, all.count), all.count - HoldOut.lastEntries)
                kept = Array(all.prefix(length))
                for place in length..<all.count where all[place].weight > 0 {
                    asked.append((HoldOut.placed(Array(all[..<place])), [all[place].item]))
                }
            case .random(let share):
                let isHeld = all.map { _ in Double.random(in: 0..<1, using: &random) < share }
                if isHeld.contains(false) {
                    kept = zip(all, isHeld).filter { !$0.1 }.map(\.0)
                    held = zip(all, isHeld).filter { $0.1 }.map(\.0)
                }
            }
            kept = HoldOut.placed(kept)
            training.append(kept)
            if !kept.isEmpty, !held.isEmpty { asked.append((kept, held.filter { $0.weight > 0 }.map(\.item))) }
        }
        self.init(training: training, asked: asked, maximum: maximum)
    }

    /// A hold-out that is given: for each history what came after it.
    public init(_ training: Histories, truth: [[UInt32]], maximum: Int = 4_000) {
        let asked = zip(0..<training.count, truth).map { (training.entries(of: $0.0), $0.1) }
        self.init(training: training, asked: asked, maximum: maximum)
    }

    private init(training: Histories, asked: [(history: [Histories.Entry], truth: [UInt32])], maximum: Int) {
        let usable: [(history: [Histories.Entry], truth: [UInt32])] = asked.compactMap { history, truth in
            let own = Set(history.map(\.item))
            var seen: Set<UInt32> = []
            let left = truth.filter { !own.contains($0) && seen.insert($0).inserted }
            return history.isEmpty || left.isEmpty ? nil : (history, left)
        }
        self.training = training
        queries = Histories(itemCount: training.itemCount)
        truth = []
        let count = min(max(0, maximum), usable.count)
        for place in 0..<count {
            let one = usable[place * usable.count / count]
            queries.append(one.history)
            truth.append(one.truth)
        }
    }

    /// The same with histories as sets: nobody can tell from them what came first.
    var withoutOrder: HoldOut {
        var plain = self
        plain.training = training.withoutOrder
        plain.queries = queries.withoutOrder
        return plain
    }

    /// The moment from which on ``Cut/late(_:)`` holds back.
    private static func edge(_ histories: Histories, _ cut: Cut) -> Int64? {
        guard case .late(let share) = cut, !histories.times.isEmpty else { return nil }
        let times = histories.times.sorted()
        return times[min(times.count - 1, Int(Double(times.count) * (1 - share)))]
    }

    /// The same entries with places from 0 to 1 again, where places are known.
    static func placed(_ entries: [Histories.Entry]) -> [Histories.Entry] {
        let known = entries.count { $0.position >= 0 }
        var next = 0
        return entries.map { entry in
            guard entry.position >= 0 else { return entry }
            var entry = entry
            entry.position = Histories.position(next, of: known)
            next += 1
            return entry
        }
    }
}
