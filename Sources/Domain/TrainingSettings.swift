internal import JSON

/// How and when models are trained, per tenant.
public struct TrainingSettings: Sendable, Equatable {
    /// Hours between two trainings when there is anything new; `nil`: none by the clock.
    public var intervalHours: Double? = 24
    /// Share of new interactions, of those that the current model learned from, at which a training is due before its time;
    /// `nil`: none for that.
    public var newShare: Double? = 0.2
    /// Days after which an interaction counts half in training.
    public var halfLifeDays = 90.0
    /// The latest entities of each person that are learned from.
    public var longestHistory = 1_000
    /// Memory that a training may take, in MiB.
    public var memoryMiB = 2_048

    /// The documented defaults.
    public init() {}

    /// Takes the fields that are its own from a settings document.
    mutating func merge(_ reader: inout DocumentReader) throws(FootfallError) {
        func number(_ name: String, _ range: ClosedRange<Double>, nullable: Bool = true) throws(FootfallError)
            -> Double??
        {
            guard let value = reader.value(name) else { return nil }
            if nullable, value.isNull { return .some(nil) }
            guard let number = value.doubleValue, range.contains(number) else {
                let bounds = "a number between \(range.lowerBound) and \(range.upperBound)"
                throw FootfallError(
                    "invalid_settings", "\"\(name)\" must be \(bounds)\(nullable ? ", or null" : "").", path: "/\(name)"
                )
            }
            return .some(number)
        }
        if let hours = try number("training_interval_hours", 0.01...87_600) { intervalHours = hours }
        if let share = try number("training_new_share", 0.001...1_000) { newShare = share }
        if case .some(.some(let days)) = try number("training_half_life_days", 0.1...36_500, nullable: false) {
            halfLifeDays = days
        }
        longestHistory =
            try reader.integer("training_longest_history", in: 2...100_000).map { Int($0) } ?? longestHistory
        memoryMiB = try reader.integer("training_memory_mib", in: 64...1_048_576).map { Int($0) } ?? memoryMiB
    }

    /// Its fields of a settings document.
    var fields: [(name: String, value: JSONValue)] {
        [
            ("training_interval_hours", intervalHours.map { .double($0) } ?? .null),
            ("training_new_share", newShare.map { .double($0) } ?? .null),
            ("training_half_life_days", .double(halfLifeDays)),
            ("training_longest_history", .integer(Int64(longestHistory))),
            ("training_memory_mib", .integer(Int64(memoryMiB))),
        ]
    }
}
