public import Evaluation

/// Data for evaluating lists: what everybody did, and what some did afterwards.
///
/// Items that the training part does not know count as misses where the test has them; who is tested but unknown to the
/// training part has an empty history; who has nothing in the test part is not tested.
public struct ListDataset: Sendable {
    /// A person with what is held back of them.
    public struct Trial: Sendable, Equatable {
        /// Number of the person in the histories.
        public var person: Int
        /// The held-back items, each once. Items unknown to training have numbers from the catalogue's size on.
        public var relevant: [UInt32]
    }

    /// Train and validation part together: each item once a person. Validation items have no known order where the data
    /// has no times; they stand before the others then, at ``Histories/unknownPosition``.
    public let histories: Histories
    /// What to choose on, with its order in any case: the training part alone, or, where times say where the validation items
    /// belong, both parts.
    public let train: Histories
    /// The validation items of each person that are not in ``train``; empty when there are none.
    public let valid: [[UInt32]]
    /// Who is tested.
    public let trials: [Trial]
    /// Whether items of the history are left out of lists. They are, except where a tenth or more of the test is repeats:
    /// there what was done before is a right answer.
    public let isMasked: Bool
    /// How to hold out so that choosing sees what the test will ask, where times tell; `nil` where nothing does.
    public let cut: HoldOut.Cut?
    /// What the order of the training part is; it is forgotten where it is not ``ListOrder/own``.
    public let order: ListOrder
    /// Names of the items, known ones first.
    public let itemNames: [String]

    /// Items that the training or the validation part has.
    public var itemCount: Int { histories.itemCount }
    /// Tested persons without a history.
    public var coldCount: Int { trials.count { histories.places(of: $0.person).isEmpty } }

    /// Puts parts together. With `ignoresOrder`, and where order is not the users' own, ``histories`` are sets: items by number, at unknown positions, without times.
    /// `itemNames` are those of the reader; `isTestLast` says that the test is known to follow what is learned from, person by
    /// person. O(entries).
    public init(
        train: DatasetPart, valid: DatasetPart?, test: DatasetPart, itemNames: [String], ignoresOrder: Bool,
        isTestLast: Bool = false
    ) {
        order = ListOrder(train, names: itemNames)
        let isForgotten = order != .own
        let persons = max(train.runs.count, valid?.runs.count ?? 0, test.runs.count)
        let counts = (0..<persons).map { train.run($0).count + (valid?.run($0).count ?? 0) }
        cut =
            ListDataset.cut(train: train, valid: valid, test: test)
            ?? (isTestLast
                ? .tail(0.2)
                : ListDataset.cut(learned: counts, tested: (0..<persons).map { test.run($0).count }))
        // Known items first, so that the catalogue ends where the unknown ones begin.
        var numbers = [UInt32?](repeating: nil, count: itemNames.count)
        var names: [String] = []
        func number(_ item: UInt32) -> UInt32 {
            if let number = numbers[Int(item)] { return number }
            let number = UInt32(names.count)
            names.append(itemNames[Int(item)])
            numbers[Int(item)] = number
            return number
        }
        func renumbered(_ run: [DatasetEntry]) -> [DatasetEntry] {
            run.map { DatasetEntry(item: number($0.item), weight: $0.weight, time: $0.time) }
        }
        let trainRuns = (0..<persons).map { renumbered(train.run($0)) }
        let validRuns = (0..<persons).map { renumbered(valid?.run($0) ?? []) }
        let known = names.count
        let hasTimes = train.hasTimes && valid?.hasTimes ?? true
        var histories = Histories(itemCount: known)
        var trainOnly = Histories(itemCount: known)
        var trials: [Trial] = []
        var repeated = 0
        var tested = 0
        for person in 0..<persons {
            let ordered = Run(trainRuns[person], placeless: validRuns[person], hasTimes: hasTimes)
            let whole = ignoresOrder || isForgotten ? ordered.set : ordered
            histories.append(whole.entries)
            let isWhole = hasTimes || validRuns[person].isEmpty
            let learned = isWhole ? ordered : Run(trainRuns[person], placeless: [], hasTimes: train.hasTimes)
            trainOnly.append(isForgotten ? learned.set.entries : learned.entries)
            var seen = Set<UInt32>()
            let relevant = renumbered(test.run(person)).map(\.item).filter { seen.insert($0).inserted }
            guard !relevant.isEmpty else { continue }
            trials.append(Trial(person: person, relevant: relevant))
            let own = Set(whole.entries.map(\.item))
            repeated += relevant.count { own.contains($0) }
            tested += relevant.count
        }
        self.histories = histories
        self.train = trainOnly
        self.valid =
            valid == nil || hasTimes
            ? []
            : validRuns.map { run in
                var seen = Set<UInt32>()
                return run.map(\.item).filter { seen.insert($0).inserted }
            }
        self.trials = trials
        isMasked = repeated * 10 < tested || tested == 0
        self.itemNames = names
    }

    /// What the same persons did before a moment, and what was new to them from then on, both in the same order of persons.
    /// Items that nobody had before count as unknown to training. `itemNames` stand for the numbers of both.
    /// O(entries + items).
    public init(before: Histories, after: Histories, itemNames: [String], ignoresOrder: Bool) {
        var isKnown = [Bool](repeating: false, count: itemNames.count)
        for item in before.items { isKnown[Int(item)] = true }
        let order = isKnown.indices.filter { isKnown[$0] } + isKnown.indices.filter { !isKnown[$0] }
        var numbers = [UInt32](repeating: 0, count: itemNames.count)
        for (number, item) in order.enumerated() { numbers[item] = UInt32(truncatingIfNeeded: number) }
        let known = isKnown.count { $0 }
        var ordered = Histories(itemCount: known)
        var trials: [Trial] = []
        for person in 0..<max(before.count, after.count) {
            var entries = person < before.count ? before.entries(of: person) : []
            for place in entries.indices { entries[place].item = numbers[Int(entries[place].item)] }
            ordered.append(entries)
            guard person < after.count else { continue }
            var seen = Set(entries.map(\.item))
            let relevant = after.items(of: person).map { numbers[Int($0)] }.filter { seen.insert($0).inserted }
            if !relevant.isEmpty { trials.append(Trial(person: person, relevant: relevant)) }
        }
        histories = ignoresOrder ? ordered.withoutOrder : ordered
        train = ordered
        valid = []
        cut = nil
        self.order = .own
        self.trials = trials
        isMasked = true
        self.itemNames = order.map { itemNames[$0] }
    }
}

/// A person's entries as histories have them: each item once, at its latest place, with the sum of its weights.
private struct Run {
    var entries: [Histories.Entry] = []

    init(_ ordered: [DatasetEntry], placeless: [DatasetEntry], hasTimes: Bool) {
        var run = ordered
        var unplaced = placeless
        if hasTimes, !placeless.isEmpty {
            run = (ordered + placeless).enumerated().sorted {
                let (left, right) = ($0.element.time ?? 0, $1.element.time ?? 0)
                return left != right ? left < right : $0.offset < $1.offset
            }.map(\.element)
            unplaced = []
        }
        let latest = Run.merged(run)
        let placed = Set(latest.map(\.item))
        for entry in Run.merged(unplaced) where !placed.contains(entry.item) {
            entries.append(.init(item: entry.item, weight: entry.weight))
        }
        for (place, entry) in latest.enumerated() {
            entries.append(
                .init(
                    item: entry.item, weight: entry.weight, position: Histories.position(place, of: latest.count),
                    time: hasTimes ? entry.time : nil))
        }
    }

    /// The entries without their order: by number, of unknown place and time.
    var set: Run {
        var set = self
        set.entries = Histories.withoutOrder(entries)
        return set
    }

    private static func merged(_ run: [DatasetEntry]) -> [DatasetEntry] {
        var sums: [UInt32: Float] = [:]
        for entry in run { sums[entry.item, default: 0] += entry.weight }
        guard sums.count < run.count else { return run }
        var kept: [DatasetEntry] = []
        for entry in run.reversed() {
            guard let sum = sums.removeValue(forKey: entry.item) else { continue }
            kept.append(DatasetEntry(item: entry.item, weight: sum, time: entry.time))
        }
        return kept.reversed()
    }
}
