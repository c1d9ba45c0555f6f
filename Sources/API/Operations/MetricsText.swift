internal import Collect
internal import Domain
internal import Foundation
internal import Live
internal import Recommend
internal import Search
internal import Storage
internal import Training

/// The metrics in Prometheus' text format.
struct MetricsText {
    private var bytes: [UInt8] = []

    /// Everything there is to say of a server and its tenants.
    static func render(_ server: FootfallServer) -> [UInt8] {
        var text = MetricsText()
        text.server(server)
        let tenants = server.directory.all
        text.collecting(tenants)
        text.state(tenants)
        text.tasks(tenants)
        text.lists(tenants)
        text.models(tenants)
        return text.bytes
    }

    private mutating func server(_ server: FootfallServer) {
        let figures = server.metrics.current
        family("footfall_http_requests_total", "counter", "Answers by class of status.")
        for status in 1...5 {
            sample("footfall_http_requests_total", [("class", "\(status)xx")], Double(figures.requestsByClass[status]))
        }
        histogram(
            "footfall_http_request_seconds", "Time from the request's head to its answer.", [([], figures.seconds)])
        family("footfall_http_request_bytes_total", "counter", "Bytes of request bodies.")
        sample("footfall_http_request_bytes_total", [], Double(figures.requestBytes))
        family("footfall_http_response_bytes_total", "counter", "Bytes of answers.")
        sample("footfall_http_response_bytes_total", [], Double(figures.responseBytes))
        family("footfall_uptime_seconds", "gauge", "Seconds since the start.")
        sample("footfall_uptime_seconds", [], Double(monotonicNanoseconds() - server.metrics.startedAt) / 1e9)
        family("process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.")
        sample("process_resident_memory_bytes", [], Double(ProcessMemory.residentBytes()))
    }

    private mutating func collecting(_ tenants: [TenantService]) {
        let figures = tenants.map { (name: [("tenant", $0.id)], figures: $0.collector.metrics.current) }
        family("footfall_interactions_total", "counter", "Interactions received, by what became of them.")
        for (name, figures) in figures {
            sample("footfall_interactions_total", name + [("result", "ok")], Double(figures.accepted))
            sample("footfall_interactions_total", name + [("result", "duplicate")], Double(figures.duplicates))
            sample(
                "footfall_interactions_total", name + [("result", "rejected")],
                Double(figures.rejected.values.reduce(0, +)))
        }
        family("footfall_rejected_total", "counter", "Refused interactions by code.")
        for (name, figures) in figures {
            for (code, count) in figures.rejected.sorted(by: { $0.key < $1.key }) {
                sample("footfall_rejected_total", name + [("code", code)], Double(count))
            }
        }
        family("footfall_tracking_success_ratio", "gauge", "Share of the interactions received that are stored.")
        for (name, figures) in figures {
            let rejected = figures.rejected.values.reduce(0, +)
            let all = figures.accepted + figures.duplicates + rejected
            let share = all == 0 ? 1 : Double(figures.accepted + figures.duplicates) / Double(all)
            sample("footfall_tracking_success_ratio", name, share)
        }
        family(
            "footfall_sessions_total", "counter", "Interactions without a session, by whether one was made or found.")
        for (name, figures) in figures {
            sample("footfall_sessions_total", name + [("result", "created")], Double(figures.sessionsCreated))
            sample("footfall_sessions_total", name + [("result", "found")], Double(figures.sessionsFound))
            sample("footfall_sessions_total", name + [("result", "failed")], Double(figures.sessionFailures))
        }
        family("footfall_session_success_ratio", "gauge", "Share of the interactions without a session that got one.")
        for (name, figures) in figures {
            let good = figures.sessionsCreated + figures.sessionsFound
            let all = good + figures.sessionFailures
            sample("footfall_session_success_ratio", name, all == 0 ? 1 : Double(good) / Double(all))
        }
        family("footfall_queue_interactions", "gauge", "Interactions that wait for the writer.")
        for tenant in tenants {
            sample("footfall_queue_interactions", [("tenant", tenant.id)], Double(tenant.collector.queueDepth.rows))
        }
        family("footfall_queue_refused_total", "counter", "Requests refused because the queue was full.")
        for (name, figures) in figures { sample("footfall_queue_refused_total", name, Double(figures.refused)) }
        family("footfall_failed_commits_total", "counter", "Commits that could not be stored.")
        for (name, figures) in figures { sample("footfall_failed_commits_total", name, Double(figures.failedCommits)) }
        histogram(
            "footfall_commit_interactions", "Interactions a commit.", figures.map { ($0.name, $0.figures.commitRows) })
        histogram("footfall_commit_seconds", "Seconds a commit.", figures.map { ($0.name, $0.figures.commitSeconds) })
        histogram(
            "footfall_sync_seconds", "Seconds a commit waited for the disk.",
            figures.map { ($0.name, $0.figures.syncSeconds) })
    }

    private mutating func state(_ tenants: [TenantService]) {
        family("footfall_memory_bytes", "gauge", "Memory by what it holds; an estimate, capacity included.")
        sample("footfall_memory_bytes", [("owner", "spare_pages")], Double(LiveState.sparePageBytes))
        for tenant in tenants {
            for share in tenant.live.memory() {
                sample(
                    "footfall_memory_bytes", [("tenant", tenant.id), ("owner", share.owner)], Double(share.bytes))
            }
            sample(
                "footfall_memory_bytes", [("tenant", tenant.id), ("owner", "catalogue")],
                Double(tenant.catalogue.bytes))
            sample(
                "footfall_memory_bytes", [("tenant", tenant.id), ("owner", "list_pages")], Double(tenant.pages.bytes))
            let report = tenant.collector.deduplicationReport
            sample(
                "footfall_memory_bytes", [("tenant", tenant.id), ("owner", "deduplication")],
                Double(report.memoryBytes))
            sample(
                "footfall_memory_bytes", [("tenant", tenant.id), ("owner", "search")],
                Double(tenant.search.wordMemory.bytes))
        }
        family("footfall_deduplication_keys", "gauge", "Interaction ids remembered.")
        for tenant in tenants {
            sample(
                "footfall_deduplication_keys", [("tenant", tenant.id)],
                Double(tenant.collector.deduplicationReport.keys))
        }
        family("footfall_storage_bytes", "gauge", "Bytes on disk by part.")
        for tenant in tenants {
            for size in tenant.store.sizes() {
                sample("footfall_storage_bytes", [("tenant", tenant.id), ("part", size.part)], Double(size.bytes))
            }
        }
        family(
            "footfall_refused_dropped_total", "counter",
            "Refused interactions and error reports that made room for newer ones.")
        for tenant in tenants {
            sample(
                "footfall_refused_dropped_total", [("tenant", tenant.id)], Double(tenant.store.droppedRefused))
        }
        family("footfall_log_position", "gauge", "Last position of the log.")
        for tenant in tenants {
            sample("footfall_log_position", [("tenant", tenant.id)], Double(tenant.store.lastPosition))
        }
        family("footfall_snapshot_position", "gauge", "Log position of the newest snapshot.")
        for tenant in tenants {
            sample("footfall_snapshot_position", [("tenant", tenant.id)], Double(tenant.snapshots.position))
        }
        family("footfall_recovery_seconds", "gauge", "Seconds from opening a tenant to its being ready.")
        for tenant in tenants {
            sample("footfall_recovery_seconds", [("tenant", tenant.id)], tenant.recovery.seconds)
        }
        family("footfall_recovery_replayed_interactions", "gauge", "Interactions read from the log at the start.")
        for tenant in tenants {
            sample(
                "footfall_recovery_replayed_interactions", [("tenant", tenant.id)],
                Double(tenant.recovery.replayedRows))
        }
    }
}

extension MetricsText {
    private mutating func tasks(_ tenants: [TenantService]) {
        let states = tenants.flatMap { tenant in
            TaskName.allCases.map { name in
                (labels: [("tenant", tenant.id), ("task", name.rawValue)], state: tenant.tasks.state(name))
            }
        }
        family("footfall_task_runs_total", "counter", "Runs of scheduled tasks, by how they ended.")
        for (labels, state) in states {
            sample("footfall_task_runs_total", labels + [("result", "ok")], Double(state.successes))
            sample("footfall_task_runs_total", labels + [("result", "failed")], Double(state.failures))
        }
        family("footfall_task_seconds", "gauge", "Seconds that a task's last run took.")
        for (labels, state) in states { sample("footfall_task_seconds", labels, state.lastSeconds) }
        family("footfall_task_rows", "gauge", "Rows that a task's last run wrote or removed.")
        for (labels, state) in states { sample("footfall_task_rows", labels, Double(state.lastRows)) }
        family(
            "footfall_task_last_success_timestamp_seconds", "gauge",
            "When a task last ended well, in seconds since the epoch; 0 before that.")
        for (labels, state) in states {
            sample(
                "footfall_task_last_success_timestamp_seconds", labels, Double((state.lastSuccess ?? 0) / 1000))
        }
        family("footfall_task_failing", "gauge", "How often in a row a task has failed.")
        for (labels, state) in states { sample("footfall_task_failing", labels, Double(state.failuresInARow)) }
    }

    private mutating func lists(_ tenants: [TenantService]) {
        let figures = tenants.compactMap { tenant in
            tenant.lists.map { (name: [("tenant", tenant.id)], figures: $0.figures, bytes: $0.bytes) }
        }
        family("footfall_lists_total", "counter", "Served lists by what became of them.")
        for (name, figures, _) in figures {
            sample("footfall_lists_total", name + [("result", "kept")], Double(figures.kept))
            sample("footfall_lists_total", name + [("result", "dropped")], Double(figures.dropped))
            sample("footfall_lists_total", name + [("result", "removed")], Double(figures.removed))
        }
        family("footfall_list_interactions_total", "counter", "Interactions that name a list, by what became of that.")
        for (name, figures, _) in figures {
            sample("footfall_list_interactions_total", name + [("result", "kept")], Double(figures.attributed))
            sample(
                "footfall_list_interactions_total", name + [("result", "dropped")],
                Double(figures.attributionsDropped))
        }
        family("footfall_list_failed_commits_total", "counter", "Commits of served lists that could not be stored.")
        for (name, figures, _) in figures {
            sample("footfall_list_failed_commits_total", name, Double(figures.failedCommits))
        }
        let measures: [(name: ListMeasure.Name, family: String, help: String)] = [
            (.lists, "footfall_list_served_total", "Lists served, by surface."),
            (.items, "footfall_list_items_total", "Entities on served lists, by surface and source."),
            (.views, "footfall_list_views_total", "Entities of lists that were seen."),
            (.clicks, "footfall_list_clicks_total", "Entities of lists that were clicked, each once a list."),
            (.conversions, "footfall_list_conversions_total", "Orders of entities that were clicked on a list."),
            (.revenue, "footfall_list_revenue_total", "What those orders came to, by currency."),
        ]
        let totals = tenants.compactMap { tenant in tenant.lists.map { (tenant.id, $0.totals) } }
        for (name, family, help) in measures {
            self.family(family, "counter", help)
            for (tenant, sums) in totals {
                let own = sums.filter { $0.key.name == name }.sorted {
                    ($0.key.surface, $0.key.source, $0.key.model, $0.key.currency)
                        < ($1.key.surface, $1.key.source, $1.key.model, $1.key.currency)
                }
                for (measure, amount) in own {
                    var labels = [("tenant", tenant), ("surface", measure.surface), ("model", measure.model)]
                    if name != .lists { labels.append(("source", measure.source)) }
                    if name == .revenue { labels.append(("currency", measure.currency)) }
                    sample(family, labels, amount)
                }
            }
        }
        family("footfall_list_bytes", "gauge", "Bytes on disk of served lists.")
        for (name, _, bytes) in figures { sample("footfall_list_bytes", name, Double(bytes)) }
    }
}

extension MetricsText {
    private mutating func models(_ tenants: [TenantService]) {
        let all = tenants.map { (name: [("tenant", $0.id)], keeper: $0.models, status: $0.models.status) }
        family("footfall_model_version", "gauge", "The learned model in service; 0 for none.")
        for (name, keeper, _) in all { sample("footfall_model_version", name, Double(keeper.current?.version ?? 0)) }
        family("footfall_model_items", "gauge", "Entities that the model in service knows.")
        for (name, keeper, _) in all { sample("footfall_model_items", name, Double(keeper.current?.itemCount ?? 0)) }
        family("footfall_model_memory_bytes", "gauge", "Memory of the model in service; an estimate.")
        for (name, keeper, _) in all { sample("footfall_model_memory_bytes", name, Double(keeper.memoryBytes)) }
        family("footfall_model_bytes", "gauge", "Bytes on disk of all models that are kept.")
        for (name, keeper, _) in all { sample("footfall_model_bytes", name, Double(keeper.store.bytes)) }
        family("footfall_trainings_total", "counter", "Trainings since the start, by how they ended.")
        for (name, _, status) in all {
            sample("footfall_trainings_total", name + [("result", "kept")], Double(status.kept))
            sample("footfall_trainings_total", name + [("result", "not_kept")], Double(status.rejected))
            sample("footfall_trainings_total", name + [("result", "failed")], Double(status.failed))
        }
        family("footfall_training_running", "gauge", "Whether a training is under way.")
        for (name, _, status) in all {
            sample("footfall_training_running", name, status.state == "running" ? 1 : 0)
        }
        family("footfall_training_seconds", "gauge", "Seconds that the last training took.")
        for (name, _, status) in all { sample("footfall_training_seconds", name, status.last?.seconds ?? 0) }
    }
}

// MARK: - The format

extension MetricsText {
    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(10)
    }

    private mutating func family(_ name: String, _ kind: String, _ help: String) {
        line("# HELP \(name) \(help)")
        line("# TYPE \(name) \(kind)")
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        let inner = labels.map { label in
            let escaped = label.1.replacingOccurrences(of: "\\", with: "\\\\")
                .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
            return "\(label.0)=\"\(escaped)\""
        }.joined(separator: ",")
        let number = Int64(exactly: value).map { "\($0)" } ?? "\(value)"
        line(inner.isEmpty ? "\(name) \(number)" : "\(name){\(inner)} \(number)")
    }

    private mutating func histogram(
        _ name: String, _ help: String, _ series: [(labels: [(String, String)], values: Histogram)]
    ) {
        family(name, "histogram", help)
        for (labels, values) in series {
            var total: UInt64 = 0
            for (bound, count) in zip(values.bounds, values.counts) {
                total += count
                sample("\(name)_bucket", labels + [("le", "\(bound)")], Double(total))
            }
            sample("\(name)_bucket", labels + [("le", "+Inf")], Double(values.count))
            sample("\(name)_sum", labels, values.sum)
            sample("\(name)_count", labels, Double(values.count))
        }
    }
}

/// What the kernel says of this process.
enum ProcessMemory {
    /// Bytes of memory in RAM; 0 when the kernel does not say.
    static func residentBytes() -> Int64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int64(fields[1]) else { return 0 }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
