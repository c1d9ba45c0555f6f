internal import Dispatch
internal import Domain
internal import Storage

extension Collector {
    /// What a commit has stored, on its way to those who follow it.
    private struct Stored: Sendable {
        var group: [CollectWork]
        var batches: [InteractionBatch?]
        var sessions: Sessioniser.Report
        var start: UInt64
    }

    func tellNotes() {
        for text in state.deduplication.takeNotes() { note(text) }
    }

    /// Waits until every commit so far has been followed up. On the writer thread.
    func waitForFollowUps() {
        // A commit passes from the one queue to the other before the next leaves the first.
        syncing.sync {}
        followUp.sync {}
    }

    /// Stores a group of works in one commit. Their follow-up may still be under way on return.
    func process(_ given: [CollectWork]) {
        let start = DispatchTime.now().uptimeNanoseconds
        var group = given
        var batches = group.map { work -> InteractionBatch? in
            if case .interactions(let handed, _, _) = work.kind { handed.take() } else { nil }
        }
        let sessionMark = state.sessions.mark
        prepareJoint(&group, &batches)
        guard !group.isEmpty else { return }
        let isSynced = Collector.isSynced(group)
        do throws(StorageError) {
            for work in group {
                if case .change(_, _, let prepare?, _) = work.kind { try prepare() }
            }
            if isSynced {
                try store.commit { (transaction) throws(StorageError) in try put(group, &batches, transaction) }
            } else {
                try store.write { (transaction) throws(StorageError) in try put(group, &batches, transaction) }
            }
            state.deduplication.commit(through: store.lastPosition, now: clock())
            state.sessions.commit()
            tellNotes()
            let stored = Stored(
                group: group, batches: batches, sessions: state.sessions.report, start: start)
            let own = isSynced ? batches : []
            batches = []
            followUps.wait()
            syncing.async { [self] in
                let begin = DispatchTime.now().uptimeNanoseconds
                let sync = Result { () throws(StorageError) in try store.synchronize() }
                let end = DispatchTime.now().uptimeNanoseconds
                followUp.async { [self] in
                    follow(stored, sync, from: begin, to: end)
                    followUps.signal()
                }
            }
            finishOnWriter(group, own)
        } catch {
            state.deduplication.rollback(to: 0)
            state.sessions.rollback(to: sessionMark)
            metrics.update { $0.failedCommits += 1 }
            failed(error)
            lookAround(group)
            for work in group { work.completion(.failure(error)) }
        }
    }

    /// Has the joint works of a group decide what they do. One that cannot, because what it reads is damaged, fails alone.
    private func prepareJoint(_ group: inout [CollectWork], _ batches: inout [InteractionBatch?]) {
        var gone: [Int] = []
        for (index, work) in group.enumerated() {
            guard case .joint(_, let prepare, _, _) = work.kind else { continue }
            do throws(StorageError) { batches[index] = try prepare() } catch {
                gone.append(index)
                failed(error)
                work.completion(.failure(error))
            }
        }
        for index in gone.reversed() {
            group.remove(at: index)
            batches.remove(at: index)
        }
    }

    /// Writes what a group has; accepted interactions get their verdict, session and position.
    private func put(
        _ group: [CollectWork], _ batches: inout [InteractionBatch?], _ transaction: any TenantTransaction
    ) throws(StorageError) {
        for index in group.indices {
            switch group[index].kind {
            case .interactions(_, let sentAt, let replay):
                guard var batch = batches[index].take() else { continue }
                try state.deduplication.judge(&batch)
                state.sessions.assign(&batch)
                if group[index].recallsSessions { try recallSessions(&batch) }
                try transaction.append(&batch, sentAt: sentAt)
                if let replay {
                    if !replay.passed.isEmpty { try transaction.removeRejected(replay.passed) }
                    if !replay.reasons.isEmpty { try transaction.setReasons(replay.reasons) }
                }
                batches[index] = batch
            case .change(let write, _, _, _), .record(let write, _): try write(transaction)
            case .joint(_, _, let write, _):
                guard var batch = batches[index].take() else { continue }
                try state.deduplication.judge(&batch)
                state.sessions.assign(&batch)
                try transaction.append(&batch, sentAt: nil)
                try write(transaction, batch)
                batches[index] = batch
            case .inspect: break
            }
        }
    }

    /// Gives the duplicates of a batch the sessions of what was stored.
    private func recallSessions(_ batch: inout InteractionBatch) throws(StorageError) {
        for index in batch.rows.indices {
            let row = batch.rows[index]
            guard row.verdict == .duplicate, row.sessionID.isNone,
                let first = try state.deduplication.time(of: row.idKey, receivedAt: row.receivedAt)
            else { continue }
            // Without a time of its own it happened when it was received first, and not now.
            batch.rows[index].sessionID = state.sessions.recall(row, at: min(row.occurredAt, first), in: &batch)
        }
    }

    /// Whether a group is to be on disk before the writer goes on: one with a change, which is followed up by the writer.
    private static func isSynced(_ group: [CollectWork]) -> Bool {
        group.contains { $0.isAlone }
    }

    /// Changes and looks touch the writer's own state, so they are followed up here, with the live state brought up to
    /// them.
    private func finishOnWriter(_ group: [CollectWork], _ batches: [InteractionBatch?]) {
        for (index, work) in group.enumerated() where work.isAlone {
            waitForFollowUps()
            let batch = batches[index] ?? InteractionBatch()
            switch work.kind {
            case .change(_, let applied, _, _): applied(state.sessions)
            case .interactions, .inspect, .record, .joint: break
            }
            work.completion(.success(batch))
        }
        lookAround(group)
    }

    private func lookAround(_ group: [CollectWork]) {
        for work in group {
            guard case .inspect(let look) = work.kind else { continue }
            waitForFollowUps()
            look(state.sessions, state.deduplication)
        }
    }

    /// Applies a group that is durable and tells those who wait. On the follow-up queue.
    private func follow(_ stored: Stored, _ sync: Result<Void, StorageError>, from syncStart: UInt64, to end: UInt64) {
        if case .failure(let error) = sync {
            // The store takes nothing more, so what the writer remembers of this group is of no consequence.
            metrics.update { $0.failedCommits += 1 }
            failed(error)
            for work in stored.group where !Collector.isSynced([work]) { work.completion(.failure(error)) }
            return
        }
        var accepted: UInt64 = 0
        var duplicates: UInt64 = 0
        var rejected: [String: UInt64] = [:]
        var gathered: [InteractionBatch] = []
        gathered.reserveCapacity(stored.batches.count)
        for (work, batch) in zip(stored.group, stored.batches) {
            if case .record(_, let followed) = work.kind {
                // What comes before a record in the log is followed before it.
                if !gathered.isEmpty { follower.apply(gathered) }
                gathered.removeAll(keepingCapacity: true)
                followed()
            }
            guard let batch else { continue }
            for row in batch.rows {
                switch row.verdict {
                case .accepted: accepted += 1
                case .duplicate: duplicates += 1
                case .rejected: rejected[batch.string(row.rejectionCode) ?? "", default: 0] += 1
                }
            }
            gathered.append(batch)
            if case .joint(_, _, _, let applied) = work.kind {
                follower.apply(gathered)
                gathered.removeAll(keepingCapacity: true)
                applied(batch)
            }
        }
        if !gathered.isEmpty { follower.apply(gathered) }
        metrics.update { figures in
            figures.accepted += accepted
            figures.duplicates += duplicates
            for (code, count) in rejected { figures.rejected[code, default: 0] += count }
            figures.sessionsCreated = UInt64(max(0, stored.sessions.created))
            figures.sessionsFound = UInt64(max(0, stored.sessions.found))
            figures.sessionFailures = UInt64(max(0, stored.sessions.failed))
            figures.commitRows.record(Double(accepted))
            figures.commitSeconds.record(Double(end - stored.start) / 1e9)
            figures.syncSeconds.record(Double(end - syncStart) / 1e9)
        }
        for (work, batch) in zip(stored.group, stored.batches) {
            if work.isAlone { continue }
            work.completion(.success(batch ?? InteractionBatch()))
        }
    }
}
