import Domain
import Foundation
import Storage
import Synchronization

@testable import Collect

/// SplitMix64: the same numbers from the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// A folder for one test, which removes it at its end.
struct ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "footfall-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// Runs background work when the test says so, on the thread that says it.
final class ManualSchedule: Sendable {
    private let work = Mutex<[@Sendable () -> Void]>([])

    var schedule: @Sendable (@escaping @Sendable () -> Void) -> Void {
        { [self] body in work.withLock { $0.append(body) } }
    }

    /// Forgets what is waiting, as the end of a process does.
    func drop() { work.withLock { $0.removeAll() } }

    /// Runs what is waiting; says whether there was anything.
    @discardableResult
    func run() -> Bool {
        let waiting = work.withLock { work in
            defer { work.removeAll() }
            return work
        }
        for body in waiting { body() }
        return !waiting.isEmpty
    }
}

/// A log in memory: what the index is replayed from.
struct FakeLog {
    struct Entry {
        var position: Int64
        var key: Key128
        var receivedAt: Int64
    }

    var entries: [Entry] = []
    var last: Int64 = 0

    mutating func append(_ key: Key128, receivedAt: Int64) {
        last += 1
        entries.append(Entry(position: last, key: key, receivedAt: receivedAt))
    }

    func replay(into index: DeduplicationIndex, chunk: Int = 37) throws {
        var batch = InteractionBatch()
        for entry in entries where entry.position > index.replayAfter {
            var row = InteractionRow()
            row.position = entry.position
            row.idKey = entry.key
            row.receivedAt = entry.receivedAt
            batch.rows.append(row)
            if batch.rows.count == chunk {
                try index.replay(batch)
                batch.rows.removeAll()
            }
        }
        try index.replay(batch)
        index.finishReplay()
    }
}

/// The slow, obvious index.
struct NaiveIndex {
    static let window: Int64 = 7 * 86_400_000
    var times: [Key128: Int64] = [:]

    func contains(_ key: Key128, _ receivedAt: Int64) -> Bool {
        times[key].map { $0 > receivedAt - NaiveIndex.window } ?? false
    }
}
