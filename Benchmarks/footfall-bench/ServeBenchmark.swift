internal import Domain
internal import Glibc
internal import Live
internal import Recommend

/// Measures what a list costs at the size that is promised, without a server.
struct ServeBenchmark: Benchmark {
    private var interactions = 10_000_000
    private var entities = 100_000
    private var users = 100_000
    private var lists = 5000

    mutating func read(_ arguments: [String]) -> Bool {
        var index = 0
        while index < arguments.count {
            guard index + 1 < arguments.count, let value = Int(arguments[index + 1]) else { return false }
            switch arguments[index] {
            case "--interactions": interactions = value
            case "--entities": entities = value
            case "--users": users = value
            case "--lists": lists = value
            default: return false
            }
            index += 2
        }
        return interactions > 0 && entities > 0 && users > 0 && lists > 0
    }

    func run() -> Bool {
        var workload = LiveWorkload(entities: entities, users: users, total: interactions)
        let state = LiveState(names: workload.names, hasher: workload.hasher, plan: LiveBenchmark.plan(workload))
        let catalogue = Catalogue()
        LiveBenchmark.describe(state, entities: entities) { catalogue.apply($0, in: state) }
        var done = 0
        while done < interactions {
            let count = min(1000, interactions - done)
            state.apply(workload.batch(count))
            done += count
        }
        let now = LiveWorkload.start + LiveWorkload.span
        let knowledge = LiveKnowledge(state, names: workload.names, sessionTimeout: 1_800_000, catalogue: catalogue)
        let recommender = Recommender(knowledge, settings: RankingSettings())
        let kinds: [(name: String, change: (inout Question) -> Void)] = [
            ("serve_personal", { _ in }),
            (
                "serve_filtered",
                { question in
                    question.filters.onlyInStock = true
                    question.filters.priceMinimum = 20
                    question.filters.priceMaximum = 200
                    question.filters.entityType = "product"
                }
            ),
            (
                "serve_narrow",
                { question in
                    question.filters.priceMinimum = 304.5
                    question.filters.onlyInStock = true
                }
            ),
        ]
        for (name, change) in kinds {
            var times: [UInt64] = []
            var items = 0
            for round in 0..<(lists + 200) {
                var question = Question(.audience(Audience(user: "user-\((round &* 7919) % users)")))
                change(&question)
                let start = processorNanoseconds()
                let list = recommender.list(for: question, now: now)
                for item in list.items { items += item.reason.sentence.utf8.count > 0 ? 1 : 0 }
                // The first ones make what later ones find.
                if round >= 200 { times.append(processorNanoseconds() - start) }
                if round % 100 == 0 { state.maintain(now: now) }
            }
            let sum = times.reduce(0, +)
            times.sort()
            report(
                name,
                [
                    "processor_us": Double(sum) / Double(times.count) / 1000,
                    "p50_us": percentile(times, 0.5) / 1000, "p99_us": percentile(times, 0.99) / 1000,
                    "items": Double(items) / Double(lists + 200), "entities": Double(entities),
                ])
        }
        return true
    }
}
