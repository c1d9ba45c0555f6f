import Foundation
import Testing

@testable import Collect

/// Figures rather than checks; run in a release build with `FOOTFALL_MEASURE=1`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["FOOTFALL_MEASURE"] != nil), .serialized)
struct BoundedQueueMeasurements {
    @Test("Handing an element over")
    func handingOver() {
        let queue = BoundedQueue<[Int]>(maximumRows: 1 << 20, maximumBytes: 1 << 30)
        let element = [1]
        var enqueue = DeduplicationMeasurements.Samples()
        var dequeue = DeduplicationMeasurements.Samples()
        for _ in 0..<2000 {
            enqueue.measure(rows: 500) {
                for _ in 0..<500 { _ = queue.tryEnqueue(element, rows: 20, bytes: 4000) }
            }
            dequeue.measure(rows: 500) { _ = queue.dequeueAll(maximumRows: 1 << 20) }
        }
        print("tryEnqueue: \(enqueue.summary); dequeueAll: \(dequeue.summary)".replacing("row", with: "element"))
    }
}
