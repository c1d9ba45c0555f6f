internal import Domain
internal import Glibc
internal import Live
internal import Synchronization

/// Measures the live state at the size that is promised.
struct LiveBenchmark: Benchmark {
    private var interactions = 10_000_000
    private var entities = 100_000
    private var users = 100_000
    private var seconds = 10.0

    mutating func read(_ arguments: [String]) -> Bool {
        var index = 0
        while index < arguments.count {
            guard index + 1 < arguments.count else { return false }
            let text = arguments[index + 1]
            switch arguments[index] {
            case "--interactions": interactions = Int(text) ?? 0
            case "--entities": entities = Int(text) ?? 0
            case "--users": users = Int(text) ?? 0
            case "--seconds": seconds = Double(text) ?? 0
            default: return false
            }
            index += 2
        }
        return interactions > 0 && entities > 0 && users > 0 && seconds > 0
    }

    func run() -> Bool {
        var workload = LiveWorkload(entities: entities, users: users, total: interactions)
        let baseMemory = residentMemory()
        let plan = Self.plan(workload)
        let state = LiveState(names: workload.names, hasher: workload.hasher, plan: plan)
        Self.describe(state, entities: entities)
        update(state, &workload)
        memory(state, baseMemory)
        profiles(state, workload)
        read(state, &workload)
        return snapshot(state, workload)
    }

    static func plan(_ workload: LiveWorkload) -> LivePlan {
        let weights: [Double] = [2, 1, 5, 10, 3]
        let counters = ["view_count", "search_click_count", "cart_add_count", "order_count", "wishlist_add_count"]
        return LivePlan(
            types: workload.types.indices.map { index in
                LiveType(
                    name: workload.names.name(workload.types[index]) ?? "", index: workload.types[index],
                    weight: weights[index], countsInPopularity: index < 4, counter: counters[index],
                    isPageView: index == 0)
            }, settings: TenantSettings())
    }

    /// Titles and categories for every entity: 200 categories, each entity in one.
    static func describe(_ state: LiveState, entities: Int, also: (Entity) -> Void = { _ in }) {
        for number in 0..<entities {
            var entity = Entity(type: "product", id: LiveWorkload.entityID(number))
            // Four of 5,000 words, so that each is in some eighty titles.
            let words = (1...4).map { "word\((number &* 2_654_435_761 &+ $0 &* 40_503) / 7 % 5000)" }
            entity.title = words.joined(separator: " ")
            entity.categories = ["category \(number % 200)", "group \(number % 30)"]
            entity.brand = "brand \(number % 500)"
            entity.price = "\(5 + number % 300).99"
            entity.currency = "EUR"
            entity.inventory = Int64(number % 50)
            state.apply(entity: entity)
            also(entity)
        }
    }

    // MARK: - Updates

    private func update(_ state: LiveState, _ workload: inout LiveWorkload) {
        var elapsed: UInt64 = 0
        var wall: UInt64 = 0
        var early: (rows: Int, elapsed: UInt64) = (0, 0)
        var late: (rows: Int, elapsed: UInt64) = (0, 0)
        var done = 0
        while done < interactions {
            var batches: [InteractionBatch] = []
            var rows = 0
            while rows < 50_000, done + rows < interactions {
                let count = min(1000, interactions - done - rows)
                batches.append(workload.batch(count))
                rows += count
            }
            let (start, wallStart) = (processorNanoseconds(), nanoseconds())
            for batch in batches { state.apply(batch) }
            let taken = processorNanoseconds() - start
            wall += nanoseconds() - wallStart
            elapsed += taken
            if done >= 50_000, early.rows < 200_000 { early = (early.rows + rows, early.elapsed + taken) }
            if done >= interactions * 9 / 10 { late = (late.rows + rows, late.elapsed + taken) }
            done += rows
        }
        report(
            "live_update",
            [
                "interactions": Double(interactions), "entities": Double(entities), "users": Double(users),
                "per_second": Double(interactions) / Double(elapsed) * 1e9,
                "per_second_elapsed": Double(interactions) / Double(wall) * 1e9,
                "per_second_last_tenth": Double(late.rows) / Double(late.elapsed) * 1e9,
                "cost_ratio_last_to_first":
                    (Double(late.elapsed) / Double(late.rows)) / (Double(early.elapsed) / Double(early.rows)),
            ])
    }

    private func memory(_ state: LiveState, _ base: Double) {
        let shares = state.memory()
        var total = 0
        for share in shares {
            report("live_memory_\(share.owner)", ["mib": Double(share.bytes) / 1_048_576])
            total += share.bytes
        }
        report("live_memory", ["mib": Double(total) / 1_048_576, "resident_mib": residentMemory() - base])
    }

    // MARK: - Profiles and neighbours

    /// What a recommendation reads: a profile, the neighbours of 20 of its entities, the features of all of those.
    private func profiles(_ state: LiveState, _ workload: LiveWorkload) {
        let now = LiveWorkload.start + LiveWorkload.span
        var spent: (profile: UInt64, neighbours: UInt64, features: UInt64) = (0, 0, 0)
        var (found, looked) = (0, 0)
        let rounds = 2000
        for round in 0..<rounds {
            let start = processorNanoseconds()
            let profile = state.profile(user: "user-\((round * 7919) % users)", now: now)
            let known = processorNanoseconds()
            let seeds = Array((profile?.recent ?? []).prefix(20).map(\.entity))
            let neighbours = state.neighbours(ofEach: seeds, limit: 20, now: now).flatMap { $0 }
            let met = processorNanoseconds()
            looked += state.features(of: neighbours.map(\.entity), now: now).count
            spent.profile += known - start
            spent.neighbours += met - known
            spent.features += processorNanoseconds() - met
            found += seeds.count
        }
        report(
            "live_profiles",
            [
                "profiles": Double(rounds), "profile_us": Double(spent.profile) / Double(rounds) / 1000,
                "neighbours_us_each": Double(spent.neighbours) / Double(max(1, found)) / 1000,
                "features_ns_each": Double(spent.features) / Double(max(1, looked)),
            ])
    }

    // MARK: - Snapshots

    private static var path: String {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return "\(folder)/footfall-bench-\(getpid()).live"
    }

    private func snapshot(_ state: LiveState, _ workload: LiveWorkload) -> Bool {
        let path = Self.path
        defer { unlink(path) }
        let start = nanoseconds()
        let frozen = state.freeze()
        let froze = nanoseconds()
        do {
            try frozen.write(to: path)
        } catch {
            say("The snapshot could not be written: \(error)", to: STDERR_FILENO)
            return false
        }
        let written = nanoseconds()
        var status = stat()
        stat(path, &status)
        let before = processorNanoseconds()
        let loading = LiveState.load(
            from: path, names: workload.names, hasher: workload.hasher, plan: Self.plan(workload))
        let processor = processorNanoseconds() - before
        guard case .loaded(let loaded) = loading, loaded.position == state.position else {
            say("The snapshot could not be loaded.", to: STDERR_FILENO)
            return false
        }
        report(
            "live_snapshot",
            [
                "mib": Double(status.st_size) / 1_048_576, "freeze_us": Double(froze - start) / 1000,
                "write_ms": Double(written - froze) / 1e6, "load_ms": Double(nanoseconds() - written) / 1e6,
                "load_processor_ms": Double(processor) / 1e6,
            ])
        return true
    }

    // MARK: - Reads

    private func read(_ state: LiveState, _ workload: inout LiveWorkload) {
        let now = LiveWorkload.start + LiveWorkload.span
        let first = processorNanoseconds()
        _ = state.popular(PopularQuery(mode: .trending), now: now)
        report("live_popular_first", ["processor_ms": Double(processorNanoseconds() - first) / 1e6])
        let queries = Self.queries()
        let all = processorNanoseconds()
        for query in queries { _ = state.popular(query, now: now) }
        report(
            "live_popular_boards",
            ["queries": Double(queries.count), "processor_ms_to_make": Double(processorNanoseconds() - all) / 1e6])
        let warm = processorNanoseconds()
        state.maintain(now: now)
        report("live_maintain_first", ["processor_ms": Double(processorNanoseconds() - warm) / 1e6])
        let trending = [PopularQuery(mode: .trending, limit: 20)]
        for (name, queries, writes, snapshots) in [
            ("live_popular", trending, 0, false), ("live_popular", trending, 20_000, false),
            ("live_popular_mixed", queries, 0, false), ("live_popular_mixed", queries, 20_000, false),
            ("live_popular_snapshot", trending, 20_000, true),
        ] {
            let (latencies, processor) = paced(
                state, &workload, queries, writes: writes, snapshots: snapshots, now: now)
            report(
                name,
                [
                    "entities": Double(entities), "writes_per_second": Double(writes), "per_second": 5000,
                    "p50_us": percentile(latencies, 0.5) / 1000, "p99_us": percentile(latencies, 0.99) / 1000,
                    "p999_us": percentile(latencies, 0.999) / 1000, "max_us": percentile(latencies, 1) / 1000,
                    "processor_us": processor / 1000,
                ])
        }
    }

    /// 5,000 requests a second from this thread, timed from when each was due; and the processor time of one.
    private func paced(
        _ state: LiveState, _ workload: inout LiveWorkload, _ queries: [PopularQuery], writes: Int,
        snapshots: Bool, now: Int64
    ) -> (latencies: [UInt64], processor: Double) {
        let stop = Atomic(false)
        let count = Int(seconds * 5000)
        var latencies: [UInt64] = []
        latencies.reserveCapacity(count)
        var batches: [InteractionBatch] = []
        if writes > 0 {
            for _ in 0..<Int(seconds * 200) { batches.append(workload.batch(writes / 200, now: now)) }
        }
        let writer = Worker { [batches] in
            let start = nanoseconds()
            for (index, batch) in batches.enumerated() where !stop.load(ordering: .relaxed) {
                let due = start + UInt64(index) * 5_000_000
                let present = nanoseconds()
                if due > present { usleep(UInt32((due - present) / 1000)) }
                state.apply(batch)
                if index % 20 == 0 { state.maintain(now: now) }
            }
        }
        let path = Self.path
        defer { unlink(path) }
        let saver = Worker {
            guard snapshots else { return }
            let frozen = state.freeze()
            // Background work does not get in the way of readers, whatever priority this runs at.
            var parameters = sched_param()
            pthread_setschedparam(pthread_self(), SCHED_OTHER, &parameters)
            try? frozen.write(to: path)
        }
        var processor: UInt64 = 0
        let start = nanoseconds()
        for index in 0..<count {
            let due = start + UInt64(index) * 200_000
            var present = nanoseconds()
            if due > present + 60_000 {
                usleep(UInt32((due - present - 50_000) / 1000))
                present = nanoseconds()
            }
            while nanoseconds() < due {}
            let before = processorNanoseconds()
            _ = state.popular(queries[index % queries.count], now: now + Int64(index / 5))
            processor += processorNanoseconds() - before
            latencies.append(nanoseconds() - due)
        }
        stop.store(true, ordering: .relaxed)
        writer.join()
        saver.join()
        return (latencies.sorted(), Double(processor) / Double(count))
    }

    /// Every mode and window, half of them narrowed to one of a few categories or to a type.
    private static func queries() -> [PopularQuery] {
        var queries: [PopularQuery] = []
        for (number, mode) in PopularMode.allCases.enumerated() {
            for window in TimeWindow.allCases {
                queries.append(PopularQuery(mode: mode, window: window, limit: 20))
                queries.append(
                    PopularQuery(
                        mode: mode, window: window, entityType: number % 2 == 0 ? "product" : nil,
                        category: number % 3 == 0 ? nil : "category \(number)", limit: 20))
            }
        }
        return queries
    }
}
