internal import CSQLite
internal import Dispatch
internal import Glibc
internal import Storage
internal import Synchronization

// The write-ahead log is copied into the database in the background, while commits go on behind the copied part. When
// little is left, the writer copies the rest between two commits, waits a moment for readers to leave, and the next commit
// uses the log from its start: overwriting it syncs faster than making it longer. A background copy is only begun while
// frames are outstanding, and the writer begins the log anew only when none is: so the two never meet in the moment of the
// restart, which SQLite before 3.51.3 does not survive ("WAL-reset bug").
extension SQLiteTenantStore {
    /// Before a commit: with a log past the limit that a reader keeps from being restarted, goes over to the overflow.
    func chooseFile(_ writer: Writer) throws(StorageError) {
        guard writer.overflow == nil, writer.logSize.bytes >= options.overflowBytes else { return }
        // The disk is slower than the commits: they wait for the copy, or the log would outgrow the limit. One that has not
        // begun is taken back.
        _ = state.copying.compareExchange(expected: .queued, desired: .none, ordering: .acquiringAndReleasing)
        while state.copying.load(ordering: .acquiring) == .running { usleep(500) }
        if try writer.restartLog(patience: 100) { return }
        try writer.beginOverflow()
        state.overflows.add(1, ordering: .acquiringAndReleasing)
        scheduleDrain()
    }

    /// After a commit: sees to the write-ahead log, or to the overflow.
    func afterCommit(_ writer: Writer, appended: Int) {
        guard writer.overflow == nil else {
            // Twice as many as came in, so that the overflow shrinks however fast they come.
            if writer.overflow?.mainIsFree == true { drainStep(writer, rows: max(1000, 2 * appended)) }
            return
        }
        // While a background copy runs, nothing else may touch the log.
        guard state.copying.load(ordering: .acquiring) == .none else { return }
        let size = writer.logSize
        if state.wantsRestart.exchange(false, ordering: .acquiringAndReleasing), size.bytes >= writer.restartBytes {
            // Readers come and go in less time than a commit may be held up: the next try is soon.
            _ = try? writer.restartLog(patience: 2)
            return
        }
        let enough = writer.load.isFull ? options.checkpointBytes : options.stepBytes
        if size.outstandingBytes >= enough, size.bytes >= size.retryBytes.load(ordering: .relaxed) {
            state.copying.store(.queued, ordering: .releasing)
            let restartBytes = writer.restartBytes
            queue.async { self.copyLog(writer.logSize, restartBytes: restartBytes) }
        }
    }

    /// Copies the log into the database, once or, when it is to be begun anew, until little is left or a reader stops it. On
    /// the maintenance queue.
    private func copyLog(_ size: LogSize, restartBytes: Int) {
        let (isWanted, _) = state.copying.compareExchange(
            expected: .queued, desired: .running, ordering: .acquiringAndReleasing)
        guard isWanted else { return }
        defer { state.copying.store(.none, ordering: .releasing) }
        guard let checkpointer = parts.checkpointer else { return }
        for _ in 0..<8 {
            guard !state.isClosed.load(ordering: .acquiring) else { return }
            let before = size.copied.load(ordering: .relaxed)
            // SQLite itself makes the file durable once all is copied. Between two commits that would be all that was
            // copied since the log began; in small parts, and here, nobody waits for it.
            guard let result = try? checkpointer.checkpoint(SQLITE_CHECKPOINT_PASSIVE, patience: 0),
                (try? checkpointer.synchronizeFile()) != nil
            else {
                if checkpointer.hasLostSync { size.hasLostSync.store(true, ordering: .releasing) }
                return
            }
            size.copied.store(result.copied, ordering: .relaxed)
            if size.bytes < restartBytes { return }
            if size.bytes >= options.overflowBytes { break }
            if size.outstandingBytes < options.checkpointBytes / 64 || result.copied <= before { break }
        }
        state.wantsRestart.store(true, ordering: .releasing)
    }

    // MARK: Overflow

    /// Looks again after a while whether the main file's log is free, and moves the overflow over as long as it is.
    func scheduleDrain() {
        queue.asyncAfter(deadline: .now() + .milliseconds(options.overflowPollMilliseconds)) { [weak self] in
            self?.drain()
        }
    }

    private func drain() {
        var goesOn = true
        while goesOn, !state.isClosed.load(ordering: .acquiring) {
            goesOn = lock.withLock { _ in
                guard let writer = parts.writer, let overflow = writer.overflow else { return false }
                if !overflow.mainIsFree { overflow.mainIsFree = (try? writer.restartLog(patience: 10)) == true }
                return overflow.mainIsFree && drainStep(writer, rows: 4000)
            }
        }
        let isOver = lock.withLock { _ in parts.writer?.overflow == nil }
        if !isOver, !state.isClosed.load(ordering: .acquiring) { scheduleDrain() }
    }

    /// Moves some rows over. False when there is nothing to go on with for the time being.
    @discardableResult
    private func drainStep(_ writer: Writer, rows: Int) -> Bool {
        guard let overflow = writer.overflow, let isDone = try? writer.drain(rows: rows) else {
            writer.overflow?.mainIsFree = false
            return false
        }
        if isDone {
            // Even: reads go to the main file alone again.
            state.overflows.add(1, ordering: .acquiringAndReleasing)
            try? writer.endOverflow()
            return false
        }
        if writer.logSize.bytes >= options.checkpointBytes {
            overflow.mainIsFree = (try? writer.restartLog(patience: 10)) == true
        }
        return overflow.mainIsFree
    }
}
