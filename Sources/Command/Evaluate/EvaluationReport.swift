internal import Evaluation
internal import JSON

/// What an evaluation found.
struct EvaluationReport {
    /// What one model did.
    struct Row {
        var name: String
        /// Means with their intervals, in order of the table's names.
        var estimates: [Bootstrap.Estimate]
        /// What the first model has more than this one; empty for the first.
        var differences: [Bootstrap.Estimate] = []
        var exposures: [(cutoff: Int, exposure: Exposure)]
        var choosingSeconds = 0.0
        var trainingSeconds = 0.0
        var scoringSeconds = 0.0
        /// Hyper-parameters that were chosen, for people.
        var parameters: [String: String] = [:]
    }

    /// Names of the measures: `recall@20`.
    var names: [String]
    /// The models, the first one being what the others are set beside.
    var rows: [Row]
    /// Models that were asked for and could not be had, and why.
    var leftOut: [(name: String, reason: String)]
    /// Facts about the data, in order.
    var facts: [(name: String, value: Int)]
    var isMasked: Bool
    /// Of a tenant's log: the moment from which on it was held back.
    var cutAt: String?
    var peakMemoryBytes = 0

    /// One JSON object: the first model's measures by name, and all else beside them.
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if let first = rows.first {
            for (name, estimate) in zip(names, first.estimates) {
                writer.key(name)
                writer.double(estimate.mean)
            }
            writer.key("model")
            writer.string(first.name)
            put("choosing_cpu_seconds", first.choosingSeconds, &writer)
            put("training_cpu_seconds", first.trainingSeconds, &writer)
            put("scoring_cpu_seconds", first.scoringSeconds, &writer)
        }
        writer.key("peak_memory_bytes")
        writer.integer(peakMemoryBytes)
        for (name, value) in facts {
            writer.key(name)
            writer.integer(value)
        }
        if let cutAt {
            writer.key("cut_at")
            writer.string(cutAt)
        }
        writer.key("history_masked")
        writer.bool(isMasked)
        writer.key("models")
        writer.beginObject()
        for row in rows {
            writer.key(row.name)
            put(row, &writer)
        }
        writer.endObject()
        if !leftOut.isEmpty {
            writer.key("left_out")
            writer.beginObject()
            for (name, reason) in leftOut {
                writer.key(name)
                writer.string(reason)
            }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes + [10]
    }

    private func put(_ row: Row, _ writer: inout JSONWriter) {
        writer.beginObject()
        for (place, name) in names.enumerated() {
            writer.key(name)
            writer.double(row.estimates[place].mean)
        }
        for (cutoff, exposure) in row.exposures {
            put("coverage@\(cutoff)", exposure.coverage, &writer)
            put("novelty@\(cutoff)", exposure.novelty, &writer)
            put("gini@\(cutoff)", exposure.gini, &writer)
            put("listed_popularity@\(cutoff)", exposure.listedPopularity, &writer)
            put("popularity_bias@\(cutoff)", exposure.popularityBias, &writer)
        }
        put("history_popularity", row.exposures.first?.exposure.historyPopularity ?? 0, &writer)
        put("choosing_cpu_seconds", row.choosingSeconds, &writer)
        put("training_cpu_seconds", row.trainingSeconds, &writer)
        put("scoring_cpu_seconds", row.scoringSeconds, &writer)
        writer.key("confidence_intervals")
        writer.beginObject()
        for (name, estimate) in zip(names, row.estimates) {
            writer.key(name)
            put([estimate.lower, estimate.upper], &writer)
        }
        writer.endObject()
        if !row.differences.isEmpty {
            writer.key("first_minus_this")
            writer.beginObject()
            for (name, difference) in zip(names, row.differences) {
                writer.key(name)
                writer.beginObject()
                put("mean", difference.mean, &writer)
                writer.key("interval")
                put([difference.lower, difference.upper], &writer)
                put("p", difference.probability, &writer)
                writer.endObject()
            }
            writer.endObject()
        }
        if !row.parameters.isEmpty {
            writer.key("parameters")
            writer.beginObject()
            for name in row.parameters.keys.sorted() {
                writer.key(name)
                writer.string(row.parameters[name] ?? "")
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private func put(_ key: String, _ value: Double, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.double(value)
    }

    private func put(_ values: [Double], _ writer: inout JSONWriter) {
        writer.beginArray()
        for value in values { writer.double(value) }
        writer.endArray()
    }
}
