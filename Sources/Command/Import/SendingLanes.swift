internal import Foundation

/// Sends batches on several threads at once. Batches of one lane go one after the other, so that what belongs to one
/// person stays in order while others are on their way. Memory is bounded: who adds waits for room.
final class SendingLanes: @unchecked Sendable {
    // Unchecked: everything mutable is touched under `condition` only.

    /// Records of one lane that travel together.
    struct Batch: Sendable {
        var kind = ImportRecord.Kind.interaction
        var bytes: [UInt8] = []
        /// Line of each record.
        var lines: [Int] = []
        /// How many records there are.
        var count: Int { lines.count }
    }

    private struct Lane {
        var waiting: [Batch] = []
        var isBusy = false
        var hasEnded = false
    }

    private static let waitingLimit = 2

    private let sink: any ImportSink
    private let place: @Sendable (ImportRecord.Kind, Int) -> String
    private let condition = NSCondition()
    private var lanes: [Lane]
    private var isClosing = false
    private var failure: CommandError?
    private var report = ImportReport()
    private var spare: [Batch] = []

    /// Starts a thread a lane.
    init(count: Int, sink: any ImportSink, place: @escaping @Sendable (ImportRecord.Kind, Int) -> String) {
        self.sink = sink
        self.place = place
        lanes = Array(repeating: Lane(), count: count)
        for index in 0..<count {
            let thread = Thread { [self] in run(index) }
            thread.name = "footfall-import"
            thread.start()
        }
    }

    private func locked<Result>(_ body: () throws(CommandError) -> Result) throws(CommandError) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    /// An empty batch, with the memory of one that was sent where there is one.
    func emptyBatch() -> Batch {
        condition.lock()
        defer { condition.unlock() }
        return spare.popLast() ?? Batch()
    }

    /// Adds a batch, waiting while its lane has enough. Throws what has stopped the import.
    func add(_ batch: Batch, to lane: Int) throws(CommandError) {
        try locked { () throws(CommandError) in
            while failure == nil, lanes[lane].waiting.count >= SendingLanes.waitingLimit { condition.wait() }
            if let failure { throw failure }
            lanes[lane].waiting.append(batch)
            condition.broadcast()
        }
    }

    /// Waits until everything added has been answered. Throws what has stopped the import.
    func drain() throws(CommandError) {
        try locked { () throws(CommandError) in
            while failure == nil, lanes.contains(where: { $0.isBusy || !$0.waiting.isEmpty }) { condition.wait() }
            if let failure { throw failure }
        }
    }

    /// Ends the threads and waits for them; what waits and was not sent is dropped.
    func stop() {
        condition.lock()
        defer { condition.unlock() }
        isClosing = true
        condition.broadcast()
        while lanes.contains(where: { !$0.hasEnded }) { condition.wait() }
    }

    /// Notes a record read.
    func noteRead(_ count: Int) {
        condition.lock()
        report.read += count
        condition.unlock()
    }

    /// Notes a line that cannot be read.
    func note(_ problem: ImportReport.Problem) {
        condition.lock()
        report.add(problem)
        condition.unlock()
    }

    /// What has been done so far.
    var progress: ImportReport {
        condition.lock()
        defer { condition.unlock() }
        return report
    }

    // MARK: The threads

    private func run(_ lane: Int) {
        while let batch = take(lane) {
            do throws(CommandError) {
                let answer =
                    switch batch.kind {
                    case .interaction: try sink.send(interactions: batch.bytes, count: batch.count)
                    case .entity: try sink.send(entities: batch.bytes, count: batch.count)
                    case .user: try sink.send(users: batch.bytes, count: batch.count)
                    }
                finish(lane, batch, answer)
            } catch {
                condition.lock()
                failure = failure ?? error
                lanes[lane].isBusy = false
                condition.broadcast()
                condition.unlock()
            }
        }
        condition.lock()
        lanes[lane].hasEnded = true
        condition.broadcast()
        condition.unlock()
    }

    private func take(_ lane: Int) -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if isClosing || failure != nil { return nil }
            if !lanes[lane].waiting.isEmpty {
                lanes[lane].isBusy = true
                let batch = lanes[lane].waiting.removeFirst()
                condition.broadcast()
                return batch
            }
            condition.wait()
        }
    }

    private func finish(_ lane: Int, _ batch: Batch, _ answer: SinkAnswer) {
        condition.lock()
        defer { condition.unlock() }
        switch batch.kind {
        case .interaction: report.tracked += answer.stored
        case .entity: report.entities += answer.stored
        case .user: report.users += answer.stored
        }
        report.duplicates += answer.duplicates
        for refusal in answer.refusals where batch.lines.indices.contains(refusal.index) {
            let line = batch.lines[refusal.index]
            report.add(
                ImportReport.Problem(
                    line: line, place: place(batch.kind, line), reason: "\(refusal.code): \(refusal.message)"))
        }
        var empty = batch
        empty.bytes.removeAll(keepingCapacity: true)
        empty.lines.removeAll(keepingCapacity: true)
        spare.append(empty)
        lanes[lane].isBusy = false
        condition.broadcast()
    }
}
