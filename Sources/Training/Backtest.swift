internal import Evaluation
internal import Models
internal import Numerics

/// What persons did after a cut, and what models say of it from what those persons did before. Only what is new to a person
/// counts: what was had before, lists leave out.
struct Backtest: Sendable {
    /// Persons looked at; with more, as many of them drawn at random.
    static let mostPersons = 5_000
    /// Items of a list that count.
    static let cutoff = 20
    /// The measures, the one that decides first.
    static let measures: [Measure] = [.ndcg, .recall, .hr, .mrr, .map, .precision]

    private let before: Histories
    private let after: Histories
    /// The persons that are looked at.
    let persons: [Int]

    /// The persons of a split of whom something is known on both sides.
    init(before: Histories, after: Histories, seed: UInt64 = 1) {
        self.before = before
        self.after = after
        var eligible = (0..<min(before.count, after.count)).filter { person in
            !after.places(of: person).isEmpty && before.places(of: person).contains { before.weights[$0] > 0 }
        }
        if eligible.count > Self.mostPersons {
            var random = SplitMix(seed: seed)
            eligible = eligible.shuffled(using: &random).prefix(Self.mostPersons).sorted()
        }
        persons = eligible
    }

    /// What a model listed, and how good that was.
    struct Result {
        /// The measures, each person a unit.
        var table: MeasureTable
        /// The list of each person.
        var lists: [[UInt32]] = []
    }

    /// Measures a model. `own` are the numbers that the model has for the items of the histories.
    func run(_ model: ServingModel, own: [UInt32?], isCancelled: () -> Bool) -> Result? {
        var result = Result(table: MeasureTable(names: Self.measures.map { $0.name(at: Self.cutoff) }))
        var back = [UInt32](repeating: .max, count: model.itemCount)
        for (item, number) in own.enumerated() {
            if let number, Int(number) < back.count { back[Int(number)] = UInt32(item) }
        }
        var scratch = ServingScratch()
        for person in persons {
            if isCancelled() { return nil }
            let history = before.places(of: person).compactMap { place in
                own[Int(before.items[place])].map { ServingModel.Action(item: $0, weight: before.weights[place]) }
            }
            let opinions = model.opinions(of: history, limit: Self.cutoff, admits: { back[Int($0)] != .max }, &scratch)
            let list = RankedList(
                ranked: opinions.map { back[Int($0.item)] }, relevant: Set(after.items(of: person)))
            result.table.append(Self.measures.map { list.value($0, at: Self.cutoff) })
            result.lists.append(list.ranked)
        }
        return result
    }

    /// What lists show, by name: coverage of the catalogue and the like.
    func exposure(of lists: [[UInt32]]) -> [String: Double] {
        let exposure = Exposure(
            lists: lists, histories: persons.map { Array(before.items(of: $0)) }, popularity: before.personCounts,
            persons: before.activeCount)
        return [
            "coverage@\(Self.cutoff)": exposure.coverage, "novelty@\(Self.cutoff)": exposure.novelty,
            "gini@\(Self.cutoff)": exposure.gini, "popularity_bias@\(Self.cutoff)": exposure.popularityBias,
        ]
    }
}
