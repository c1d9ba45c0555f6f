import Domain
import Foundation
import Testing

@testable import Collect

/// Figures rather than checks; run in a release build with `FOOTFALL_MEASURE=1`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["FOOTFALL_MEASURE"] != nil), .serialized)
struct DeduplicationMeasurements {
    static let day: Int64 = 86_400_000
    static let start: Int64 = 19_700 * day

    struct Samples {
        var nanoseconds: [Double] = []

        var wall: [Double] = []

        /// Times a piece of work: by the processor time of this thread, because the machine is shared, and by the clock.
        mutating func measure(rows: Int, _ work: () throws -> Void) rethrows {
            let (cpu, clock) = (Samples.time(CLOCK_THREAD_CPUTIME_ID), Samples.time(CLOCK_MONOTONIC))
            try work()
            nanoseconds.append((Samples.time(CLOCK_THREAD_CPUTIME_ID) - cpu) / Double(rows))
            wall.append((Samples.time(CLOCK_MONOTONIC) - clock) / Double(rows))
        }

        private static func time(_ clock: clockid_t) -> Double {
            var moment = timespec()
            clock_gettime(clock, &moment)
            return Double(moment.tv_sec) * 1e9 + Double(moment.tv_nsec)
        }

        func quantile(_ share: Double, _ values: [Double]) -> Double {
            let sorted = values.sorted()
            return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
        }

        var summary: String {
            let mean = nanoseconds.reduce(0, +) / Double(max(1, nanoseconds.count))
            return String(
                format: "mean %.0f p50 %.0f p99 %.0f max %.0f ns/row (clock: p50 %.0f p99 %.0f)", mean,
                quantile(0.5, nanoseconds), quantile(0.99, nanoseconds), quantile(1, nanoseconds), quantile(0.5, wall),
                quantile(0.99, wall))
        }
    }

    /// Inserts new keys in commits of 2,000 and times each commit.
    func fill(
        _ index: DeduplicationIndex, _ generator: inout SeededGenerator, count: Int, from: Int64, to: Int64,
        position: inout Int64
    ) throws -> Samples {
        var samples = Samples()
        let commits = count / 2000
        for commit in 0..<commits {
            let now = from + (to - from) * Int64(commit) / Int64(commits)
            var batch = InteractionBatch()
            for _ in 0..<2000 {
                var row = InteractionRow()
                row.idKey = Key128(high: generator.next(), low: generator.next())
                row.receivedAt = now
                batch.rows.append(row)
            }
            position += 2000
            let end = position
            try samples.measure(rows: 2000) {
                try index.judge(&batch)
                index.commit(through: end, now: now)
            }
        }
        return samples
    }

    @Test("A new key at 100,000, 1 million and 10 million in one day")
    func oneDay() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let index = try DeduplicationIndex.open(
            folder: scratch.path + "/d", seed: 1, logPosition: 0, now: DeduplicationMeasurements.start)
        var generator = SeededGenerator(seed: 1)
        var position: Int64 = 0
        var stored = 0
        let start = DeduplicationMeasurements.start
        for target in [100_000, 900_000, 1_000_000, 9_000_000, 10_000_000, 10_200_000] {
            let samples = try fill(
                index, &generator, count: target - stored, from: start + Int64(stored),
                to: start + Int64(target), position: &position)
            stored = target
            print("one day, up to \(target): \(samples.summary); \(index.report)")
        }
        try restart(index, scratch, position)
    }

    func restart(_ index: DeduplicationIndex, _ scratch: ScratchFolder, _ position: Int64) throws {
        let clock = ContinuousClock()
        print("close: \(clock.measure { index.close() }); \(index.report)")
        let duration = try clock.measure {
            let again = try DeduplicationIndex.open(
                folder: scratch.path + "/d", seed: 1, logPosition: position, now: DeduplicationMeasurements.start)
            print("replay after \(again.replayAfter) of \(position)")
        }
        print("open: \(duration)")
    }

    @Test("A new key behind seven days of 10 million")
    func week() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let index = try DeduplicationIndex.open(
            folder: scratch.path + "/d", seed: 1, logPosition: 0, now: DeduplicationMeasurements.start)
        var generator = SeededGenerator(seed: 2)
        var position: Int64 = 0
        let perDay = Int(ProcessInfo.processInfo.environment["FOOTFALL_MEASURE_DAY"] ?? "") ?? 10_000_000
        for day in 0..<8 {
            let from = DeduplicationMeasurements.start + Int64(day) * DeduplicationMeasurements.day
            let samples = try fill(
                index, &generator, count: perDay, from: from, to: from + DeduplicationMeasurements.day - 1,
                position: &position)
            print("day \(day): \(samples.summary); \(index.report)")
        }
        var repeated = SeededGenerator(seed: 2)
        var samples = Samples()
        // Ids of the second day, sent again.
        for _ in 0..<perDay { _ = (repeated.next(), repeated.next()) }
        let now = DeduplicationMeasurements.start + 7 * DeduplicationMeasurements.day
        for _ in 0..<50 {
            let keys = (0..<2000).map { _ in Key128(high: repeated.next(), low: repeated.next()) }
            try samples.measure(rows: 2000) {
                for key in keys where try !index.contains(key, receivedAt: now) { Issue.record("forgotten") }
            }
        }
        print("duplicates in a file: \(samples.summary)")
        try restart(index, scratch, position)
    }
}
