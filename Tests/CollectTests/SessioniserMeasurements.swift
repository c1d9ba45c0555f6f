import Domain
import Foundation
import Testing

@testable import Collect

/// Figures rather than checks; run in a release build with `FOOTFALL_MEASURE=1`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["FOOTFALL_MEASURE"] != nil), .serialized)
struct SessioniserMeasurements {
    @Test("A row at 100,000 and 1 million active visitors", arguments: [100_000, 1_000_000], [false, true])
    func row(visitors: Int, withBrowserSession: Bool) {
        let hasher = KeyHasher(seed: 3)
        let subject = Sessioniser(hasher: hasher)
        var generator = SeededGenerator(seed: 4)
        let keys = (0..<visitors).map { hasher.key("visitor-\($0)", .visitor) }
        let clock = ContinuousClock()
        var now: Int64 = 1_700_000_000_000
        for phase in ["new", "known"] {
            var samples = DeduplicationMeasurements.Samples()
            var next = 0
            for _ in 0..<(visitors / 100) {
                now += 10
                var batch = InteractionBatch()
                for _ in 0..<100 {
                    var row = InteractionRow()
                    row.occurredAt = now
                    row.receivedAt = now
                    row.personKey = phase == "new" ? keys[next] : keys[Int.random(in: 0..<visitors, using: &generator)]
                    if withBrowserSession {
                        row.browserSessionID = batch.append("0f8fad5b-d9cb-469f-a165-70867728950e")
                    }
                    next += 1
                    batch.rows.append(row)
                }
                samples.measure(rows: 100) {
                    subject.assign(&batch)
                    subject.commit()
                }
            }
            print("\(visitors) visitors, browser session \(withBrowserSession), \(phase): \(samples.summary)")
        }
        print(subject.report)
        var bytes: [UInt8] = []
        print("encode: \(clock.measure { bytes = subject.encoded() }), \(bytes.count) bytes")
        let copy = Sessioniser(hasher: hasher)
        print("decode: \(clock.measure { _ = bytes.withUnsafeBytes { copy.decode($0) } })")
    }
}
