import Evaluation
import Numerics
import Testing

@testable import Models

@Suite("Evaluating lists")
struct ListEvaluationTests {
    static func dataset(
        _ train: String, valid: String? = nil, test: String, _ format: DatasetFormat = .lists,
        ignoresOrder: Bool = false
    ) throws -> ListDataset {
        var reader = DatasetReader(format)
        let train = try reader.read(Array(train.utf8), named: "train")
        let valid = try valid.map { try reader.read(Array($0.utf8), named: "valid") }
        let test = try reader.read(Array(test.utf8), named: "test")
        return ListDataset(
            train: train, valid: valid, test: test, itemNames: reader.items.texts, ignoresOrder: ignoresOrder)
    }

    static func names(_ items: some Sequence<UInt32>, _ dataset: ListDataset) -> [String] {
        items.map { dataset.itemNames[Int($0)] }
    }

    @Test("Unknown items have numbers past the catalogue; who has no test is not tested; repeats in a list count once")
    func trials() throws {
        let dataset = try ListEvaluationTests.dataset("u a b\nv b\nw c\n", test: "u x c x\nz a\nv\n")
        #expect(dataset.itemCount == 3)
        #expect(dataset.trials.map(\.person) == [0, 3])
        #expect(ListEvaluationTests.names(dataset.trials[0].relevant, dataset) == ["x", "c"])
        #expect(dataset.trials[0].relevant[0] >= 3)
        #expect(dataset.coldCount == 1 && dataset.isMasked)
    }

    @Test("Validation items stand before the others at an unknown place, or where their times put them")
    func validation() throws {
        let lists = try ListEvaluationTests.dataset("u a b c\n", valid: "u d b\n", test: "u e\n")
        #expect(ListEvaluationTests.names(lists.histories.items(of: 0), lists) == ["d", "a", "b", "c"])
        #expect(lists.histories.positions == [Histories.unknownPosition, 0, 0.5, 1])
        #expect(ListEvaluationTests.names(lists.train.items(of: 0), lists) == ["a", "b", "c"])
        #expect(ListEvaluationTests.names(lists.valid[0], lists) == ["d", "b"])
        let timed = try ListEvaluationTests.dataset(
            "u a 1 1\nu c 1 9\n", valid: "u b 1 5\n", test: "u e 1 99\n", .pairs)
        #expect(ListEvaluationTests.names(timed.histories.items(of: 0), timed) == ["a", "b", "c"])
        #expect(timed.histories.times == [1_000, 5_000, 9_000])
    }

    @Test("An item that comes again stands once, at its latest place, with all its weight")
    func repeats() throws {
        let dataset = try ListEvaluationTests.dataset("u a 2 1\nu b 1 2\nu a 3 3\n", test: "u c 1 9\n", .pairs)
        #expect(ListEvaluationTests.names(dataset.histories.items(of: 0), dataset) == ["b", "a"])
        #expect(dataset.histories.weights == [1, 5])
    }

    @Test("Times of the test say how to hold out, its items do not")
    func shape() throws {
        func cut(_ train: String, _ test: String) throws -> HoldOut.Cut? {
            try ListEvaluationTests.dataset(train, test: test, .pairs).cut
        }
        let train = "u a 1 1\nu b 1 50\nv c 1 2\nv d 1 20\n"
        #expect(try cut(train, "u c 1 30\nv a 1 10\n") == .random(0.2))
        #expect(try cut(train, "u c 1 60\nv a 1 21\n") == .tail(0.2))
        #expect(try cut(train, "u c 1 60\nv a 1 70\n") == .late(0.3))
        #expect(try cut("u a\nu b\n", "u c\n") == nil)
    }

    @Test("Without times, how many of each user's interactions are tested says how to hold out, where it says anything")
    func counts() {
        var random = SplitMix(seed: 6)
        let sizes = (0..<400).map { _ in Int.random(in: 6...60, using: &random) }
        func cut(_ tested: (Int) -> Int) -> HoldOut.Cut? {
            let tested = sizes.map(tested)
            return ListDataset.cut(learned: zip(sizes, tested).map { $0 - $1 }, tested: tested)
        }
        let drawn = cut { size in (0..<size).count { _ in Double.random(in: 0..<1, using: &random) < 0.2 } }
        #expect(drawn == .random(0.2))
        var user = 0
        let late = cut { size in
            user += 1
            return user % 4 == 0 ? size : 0
        }
        #expect(late == .tail(0.2))
        #expect(cut { max(1, $0 / 5) } == nil)
        #expect(cut { _ in 1 } == nil)
        #expect(ListDataset.cut(learned: [10, 20], tested: [3, 5]) == nil)
    }

    @Test("Lists in order of their names, or of anything that is the same for everybody, are sets; others are not")
    func sorted() throws {
        var random = SplitMix(seed: 8)
        func dataset(_ rows: [[Int]]) throws -> ListDataset {
            let lines = rows.enumerated().map { user, items in
                "u\(user) " + items.map { "\($0)" }.joined(separator: " ")
            }
            return try ListEvaluationTests.dataset(lines.joined(separator: "\n"), test: "u1 10\n")
        }
        // Names of different lengths, so that they stand differently as numbers and as text.
        let rows = (0..<120).map { _ in Array((5..<400).shuffled(using: &random).prefix(12)) }
        let own = try dataset(rows)
        #expect(own.order == .own && own.train.positions.contains(1))
        let ways: [(Int, Int) -> Bool] = [{ $0 < $1 }, { $0 > $1 }, { "\($0)" < "\($1)" }]
        for way in ways {
            let sorted = try dataset(rows.map { $0.sorted(by: way) })
            #expect(sorted.order == .names)
            #expect(sorted.train.positions.allSatisfy { $0 == Histories.unknownPosition })
        }
        // A sorted part behind another.
        let twice = try dataset(rows.map { $0.prefix(9).sorted() + $0.suffix(3).sorted() })
        #expect(twice.order == .names)
        let keys = (0..<400).shuffled(using: &random)
        let dense = (0..<120).map { _ in Array((5..<60).shuffled(using: &random).prefix(12)) }
        #expect(try dataset(dense.map { $0.sorted { keys[$0] < keys[$1] } }).order == .common)
        // Each item has its time, from which users stray: not the same for everybody.
        let trend = dense.map { row in
            row.map { (item: $0, time: Double(keys[$0]) + Double.random(in: 0...200, using: &random)) }
                .sorted { $0.time < $1.time }.map(\.item)
        }
        #expect(try dataset(trend).order == .own)
        // A ring: who has two neighbours has them in the same order, but no list of all items has that order.
        let ring = (0..<120).map { user in (0..<6).map { 100 + keys[(user + $0) % 20] } }
        #expect(try dataset(ring).order == .own)
    }

    @Test("How much orders agree is what counting all users two by two says")
    func agreement() {
        var random = SplitMix(seed: 9)
        let runs = (0..<90).map { _ in (0..<12).map { UInt32($0) }.shuffled(using: &random).prefix(7) }
        let part = DatasetPart(runs: runs.map { run in run.map { DatasetEntry(item: $0) } })
        var (shared, alike) = (0, 0)
        for (place, one) in runs.enumerated() {
            for other in runs[..<place] {
                let common = one.filter(other.contains)
                for left in common {
                    for right in common where left < right {
                        func isFirst(_ run: ArraySlice<UInt32>) -> Bool? {
                            run.first { $0 == left || $0 == right }.map { $0 == left }
                        }
                        shared += 1
                        alike += isFirst(one) == isFirst(other) ? 1 : 0
                    }
                }
            }
        }
        #expect(Precedence(part, items: 12).agreement == Double(alike) / Double(shared))
        #expect(Precedence(DatasetPart(runs: Array(part.runs.prefix(3))), items: 12).agreement == nil)
    }

    @Test("Without order histories are sets")
    func sets() throws {
        let one = try ListEvaluationTests.dataset("u a b c\nv c a\n", test: "u d\n", ignoresOrder: true)
        let other = try ListEvaluationTests.dataset("u a b c\nv a c\n", test: "u d\n", ignoresOrder: true)
        #expect(one.histories == other.histories)
        #expect(one.histories.positions.allSatisfy { $0 == Histories.unknownPosition } && one.histories.times.isEmpty)
    }

    @Test("Histories cut in two give the same data as files cut in two, by names", arguments: [false, true])
    func halves(ignoresOrder: Bool) throws {
        var random = SplitMix(seed: 11)
        for _ in 0..<30 {
            let names = (0..<12).map { "i\($0)" }
            var before = Histories(itemCount: names.count)
            var after = Histories(itemCount: names.count)
            var (train, test) = ("", "")
            for person in 0..<20 {
                let items = Array(
                    (0..<UInt32(12)).shuffled(using: &random).prefix(Int.random(in: 0...8, using: &random)))
                let cut = Int.random(in: 0...items.count, using: &random)
                before.append(ordered: Array(items.prefix(cut)))
                after.append(ordered: Array(items.dropFirst(cut)))
                train += "u\(person) " + items.prefix(cut).map { names[Int($0)] }.joined(separator: " ") + "\n"
                test += "u\(person) " + items.dropFirst(cut).map { names[Int($0)] }.joined(separator: " ") + "\n"
            }
            let whole = ListDataset(before: before, after: after, itemNames: names, ignoresOrder: ignoresOrder)
            let files = try ListEvaluationTests.dataset(train, test: test, ignoresOrder: ignoresOrder)
            #expect(whole.itemCount == files.itemCount && whole.isMasked && whole.valid.isEmpty)
            #expect(whole.trials.map(\.person) == files.trials.map(\.person) && whole.coldCount == files.coldCount)
            for (one, other) in zip(whole.trials, files.trials) {
                #expect(
                    ListEvaluationTests.names(one.relevant, whole) == ListEvaluationTests.names(other.relevant, files))
                #expect(
                    one.relevant.map { Int($0) < whole.itemCount } == other.relevant.map { Int($0) < files.itemCount })
            }
            for person in 0..<20 {
                let one = ListEvaluationTests.names(whole.histories.items(of: person), whole)
                let other = ListEvaluationTests.names(files.histories.items(of: person), files)
                #expect(ignoresOrder ? one.sorted() == other.sorted() : one == other)
                #expect(
                    ListEvaluationTests.names(whole.train.items(of: person), whole)
                        == ListEvaluationTests.names(files.train.items(of: person), files))
            }
            #expect(whole.histories.positions == files.histories.positions)
        }
    }

    @Test("What serves scores what it would list, in its order, and nothing else")
    func served() throws {
        var random = SplitMix(seed: 12)
        let histories = Worlds.ring(persons: 120, items: 30, length: 6, &random)
        let trained = try Trainer(.init()).train(histories)
        let outcome = try #require(trained)
        let model = ServedItemModel(outcome.model)
        var scratch = ServingScratch()
        for person in stride(from: 0, to: histories.count, by: 7) {
            let run = histories.entries(of: person)
            let opinions = outcome.model.opinions(
                of: run.map { .init(item: $0.item, weight: $0.weight) }, limit: 1_000, &scratch)
            var expected = [Float](repeating: 0, count: histories.itemCount)
            for opinion in opinions { expected[Int(opinion.item)] = opinion.score }
            #expect(!opinions.isEmpty && model.scores(run) == expected)
        }
    }

    @Test("Where the test repeats histories, histories are not masked")
    func masking() throws {
        let repeating = try ListEvaluationTests.dataset("u a b\nv a\n", test: "u a\nv b\n")
        #expect(!repeating.isMasked)
        let evaluation = ListEvaluation(cutoffs: [2], threads: 1)
        let lists = evaluation.lists(of: PopularityModel(repeating.histories), repeating)
        #expect(lists.map { ListEvaluationTests.names($0, repeating) } == [["a", "b"], ["a", "b"]])
        #expect(evaluation.measures(lists, repeating).mean("mrr@2") == 0.75)
    }

    @Test(
        "Lists are the best scores without the history, whatever the threads; who has no history gets the popular ones")
    func lists() throws {
        var random = SplitMix(seed: 4)
        var train = ""
        var test = ""
        for person in 0..<700 {
            let items = Array(0..<40).shuffled(using: &random)
            train += "u\(person) " + items.prefix(5).map { "i\($0)" }.joined(separator: " ") + "\n"
            test += "u\(person) i\(items[6])\n"
        }
        let dataset = try ListEvaluationTests.dataset(train, test: test + "new i0\n")
        let model = WalkModel(dataset.histories, .init())
        let evaluation = ListEvaluation(cutoffs: [3, 7], threads: 2)
        let lists = evaluation.lists(of: model, dataset)
        #expect(lists == ListEvaluation(cutoffs: [7], threads: 1).lists(of: model, dataset))
        for person in stride(from: 0, to: 700, by: 50) {
            let scores = model.scores(dataset.histories.entries(of: person))
            let own = Set(dataset.histories.items(of: person))
            let slow = (0..<UInt32(40)).filter { !own.contains($0) }
                .sorted { (scores[Int($1)], $0) < (scores[Int($0)], $1) }
            #expect(lists[person] == Array(slow.prefix(7)))
        }
        let counts = dataset.histories.personCounts
        #expect(lists.last.map { $0.map { counts[Int($0)] } } == Array(counts.sorted(by: >).prefix(7)))
        let table = evaluation.measures(lists, dataset)
        #expect(table.unitCount == 701 && table.names.contains("ndcg@3") && table.names.contains("map@7"))
        let exposures = evaluation.exposures(lists, dataset)
        #expect(exposures.map(\.cutoff) == [3, 7] && exposures[1].exposure.coverage == 1)
    }

    @Test("Every single model lists something that is right in a world of two halves", arguments: SingleModel.allCases)
    func models(single: SingleModel) throws {
        var train = ""
        var test = ""
        for person in 0..<60 {
            let half = person % 2 * 10
            let items = (0..<6).map { half + (person / 2 + $0) % 10 }
            train += "u\(person) " + items.map { "i\($0)" }.joined(separator: " ") + "\n"
            test += "u\(person) i\(half + (person / 2 + 6) % 10)\n"
        }
        let dataset = try ListEvaluationTests.dataset(train, test: test)
        let evaluation = ListEvaluation(cutoffs: [4], threads: 2)
        let model = try single.fit(dataset.histories, threads: 2, seed: 1)
        let recall = evaluation.measures(evaluation.lists(of: model, dataset), dataset).mean("recall@4") ?? 0
        // Two say the same of everybody.
        #expect([.popularity, .decayedPopularity].contains(single) ? recall > 0.1 : recall > 0.95)
    }
}

@Suite("Evaluating sessions")
struct SessionEvaluationTests {
    @Test("Each place is predicted from what stands before it; unknown items are passed over, and missed")
    func protocolOfPlaces() throws {
        var reader = DatasetReader(.sessions)
        let header = "SessionId\tItemId\tTime\n"
        let train = try reader.read(Array((header + "1\ta\t0\n1\tb\t1\n2\tb\t5\n2\tc\t6\n").utf8), named: "train")
        let test = try reader.read(
            Array((header + "1\ta\t9\n1\tx\t10\n1\tb\t11\n1\tc\t12\n2\tc\t20\n").utf8), named: "test")
        let dataset = SessionDataset(train: train, valid: nil, test: test, itemNames: reader.items.texts)
        #expect(dataset.itemCount == 3 && dataset.predictionCount == 3)
        let result = SessionEvaluation(cutoffs: [1, 5], threads: 2).run(
            TransitionModel(dataset.sessions, .next), dataset)
        // a → x is missed; a, x → b is the best guess after a; a, x, b → c after b.
        #expect(result.table.mean("hr@1") == 2.0 / 3 && result.table.mean("mrr@5") == 2.0 / 3)
        #expect(result.histories == [[0], [0], [0, 1]])
        #expect(result.lists == [[1], [1], [2]])
        #expect(result.table.unitCount == 1 && result.table.predictions == [3])
    }

    @Test("The same on any number of threads, and as the slow way counts")
    func slow() throws {
        let world = SessionWorld.ring(sessions: 300, itemCount: 30, seed: 12)
        let tests = SessionWorld.ring(sessions: 200, itemCount: 30, seed: 13)
        func part(_ histories: Histories) -> DatasetPart {
            DatasetPart(
                runs: (0..<histories.count).map { session in
                    histories.entries(of: session).map { DatasetEntry(item: $0.item, time: $0.time) }
                }, hasTimes: true)
        }
        let dataset = SessionDataset(
            train: part(world), valid: nil, test: part(tests), itemNames: (0..<30).map { "\($0)" })
        let model = SessionRecommender(dataset.sessions)
        let result = SessionEvaluation(cutoffs: [3], threads: 2).run(model, dataset)
        #expect(result.table == SessionEvaluation(cutoffs: [3], threads: 1).run(model, dataset).table)
        var (hits, reciprocal, count) = (0.0, 0.0, 0.0)
        for session in dataset.tests {
            for place in 1..<session.count {
                let before = session[..<place].map(\.item)
                let scores = SessionWorld.scores(model, before, at: session[place - 1].time)
                let answer = Int(session[place].item)
                let rank =
                    1
                    + scores.indices.count {
                        scores[$0] > scores[answer] || scores[$0] == scores[answer] && $0 < answer
                    }
                count += 1
                if scores[answer] > 0, rank <= 3 {
                    hits += 1
                    reciprocal += 1 / Double(rank)
                }
            }
        }
        #expect(abs((result.table.mean("hr@3") ?? 0) - hits / count) < 1e-12)
        #expect(abs((result.table.mean("mrr@3") ?? 0) - reciprocal / count) < 1e-12)
        #expect(hits / count > 0.5)
    }
}
