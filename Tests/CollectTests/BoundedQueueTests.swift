import Foundation
import Synchronization
import Testing

@testable import Collect

@Suite struct BoundedQueueTests {
    @Test("A queue refuses what does not fit by rows or by bytes, and counts it")
    func bounds() {
        let queue = BoundedQueue<Int>(maximumRows: 10, maximumBytes: 100)
        #expect(queue.tryEnqueue(1, rows: 6, bytes: 10))
        #expect(!queue.tryEnqueue(2, rows: 5, bytes: 10))
        #expect(queue.tryEnqueue(3, rows: 4, bytes: 90))
        #expect(!queue.tryEnqueue(4, rows: 0, bytes: 1))
        #expect(queue.report == .init(elements: 2, rows: 10, bytes: 100, refused: 2))
        #expect(queue.dequeueAll(maximumRows: 100) == [1, 3])
        #expect(queue.report == .init(elements: 0, rows: 0, bytes: 0, refused: 2))
    }

    @Test("An element beyond the bounds is taken when the queue is empty, and given out alone")
    func oversized() {
        let queue = BoundedQueue<Int>(maximumRows: 10, maximumBytes: 100)
        #expect(queue.tryEnqueue(1, rows: 1000, bytes: .max))
        #expect(!queue.tryEnqueue(2, rows: 1, bytes: 1))
        #expect(queue.dequeueAll(maximumRows: 5) == [1])
        #expect(queue.tryEnqueue(2, rows: 1, bytes: 1))
    }

    @Test("The consumer takes whole elements up to a number of rows, in order")
    func partial() {
        let queue = BoundedQueue<Int>(maximumRows: 100, maximumBytes: 100)
        for element in 0..<10 { #expect(queue.tryEnqueue(element, rows: 3, bytes: 1)) }
        #expect(queue.dequeueAll(maximumRows: 10) == [0, 1, 2])
        #expect(queue.dequeueAll(maximumRows: 2) == [3])
        #expect(queue.dequeueAll(maximumRows: .max) == [4, 5, 6, 7, 8, 9])
        #expect(queue.dequeueAll(maximumRows: 1, waiting: 5) == [])
    }

    @Test("A closed queue takes nothing, gives out what waited, then says that it has ended")
    func closing() {
        let queue = BoundedQueue<Int>(maximumRows: 100, maximumBytes: 100)
        #expect(queue.tryEnqueue(1, rows: 1, bytes: 1))
        queue.close()
        #expect(!queue.tryEnqueue(2, rows: 1, bytes: 1))
        #expect(queue.dequeueAll(maximumRows: 10) == [1])
        #expect(queue.dequeueAll(maximumRows: 10) == nil)
    }

    @Test("Closing wakes a consumer that waits")
    func wakes() async {
        let queue = BoundedQueue<Int>(maximumRows: 100, maximumBytes: 100)
        let ended = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: queue.dequeueAll(maximumRows: 1) == nil) }
            Thread.detachNewThread {
                usleep(5000)
                queue.close()
            }
        }
        #expect(ended)
    }

    @Test("Nothing is lost, doubled or reordered between four producers and a consumer")
    func concurrency() async {
        let perProducer = 20_000
        let queue = BoundedQueue<(producer: Int, number: Int)>(maximumRows: 500, maximumBytes: 1 << 20)
        let running = Atomic(4)
        for producer in 0..<4 {
            Thread.detachNewThread {
                var number = 0
                while number < perProducer {
                    if queue.tryEnqueue((producer, number), rows: 1 + number % 3, bytes: 10) {
                        number += 1
                    } else {
                        sched_yield()
                    }
                }
                if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { queue.close() }
            }
        }
        let received = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var next = [0, 0, 0, 0]
                var inOrder = true
                while let taken = queue.dequeueAll(maximumRows: 200) {
                    for (producer, number) in taken {
                        inOrder = inOrder && number == next[producer]
                        next[producer] = number + 1
                    }
                }
                continuation.resume(returning: (next, inOrder))
            }
        }
        #expect(received.0 == [perProducer, perProducer, perProducer, perProducer])
        #expect(received.1)
        #expect(queue.report.rows == 0 && queue.report.bytes == 0)
    }
}
