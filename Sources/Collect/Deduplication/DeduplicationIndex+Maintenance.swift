internal import Domain
internal import Storage
internal import Synchronization

extension DeduplicationIndex {
    /// What a piece of background work came to.
    enum Finished: Sendable {
        case sealed(SealedKeys)
        case merged(SealedKeys, replacing: [SealedKeys])
        case removed
        case failed(String)
    }

    /// Holds the last reference to a table, for another thread to let go of.
    private final class Discarded: Sendable {
        private let table: Mutex<RecentKeys?>

        init(_ table: consuming RecentKeys?) { self.table = Mutex(table) }

        func discard() { table.withLock { $0 = nil } }
    }

    /// Where the background thread leaves its result for the writer thread.
    final class Mailbox: Sendable {
        private let content = Mutex<Finished?>(nil)
        private let isFull = Atomic(false)

        func put(_ finished: Finished) {
            content.withLock { $0 = finished }
            isFull.store(true, ordering: .releasing)
        }

        func take() -> Finished? {
            guard isFull.load(ordering: .acquiring) else { return nil }
            isFull.store(false, ordering: .relaxed)
            return content.withLock { content in
                defer { content = nil }
                return content
            }
        }
    }

    /// Rows wait in the queue with the time they were received at, so a file outlives the window by this much.
    static let grace: Int64 = 3_600_000
    /// So many files of about the same size are merged.
    private static let fanIn = 4

    /// Takes in what the background has finished and gives it the next piece of work, one at a time.
    func maintain(now: Int64) {
        if let finished = mailbox.take() { adopt(finished, now: now) }
        guard !isWorking, now >= retryAt || retryAt > now &+ 60_000 else { return }
        dropExpired(now: now)
        let today = Timestamp(milliseconds: now).day
        let holdsEarlierDay = Timestamp(milliseconds: recent.earliest).day < today
        if mustSeal || holdsEarlierDay || recent.count >= configuration.recentKeys { freeze() }
        let (folder, identity, pace) = (folder, identity, pace)
        if let frozen {
            let sequence = takeSequence()
            let beforeSealing = beforeSealing
            start {
                try beforeSealing()
                return .sealed(
                    try SealedKeys.seal(frozen, folder: folder, sequence: sequence, identity: identity, pace: pace))
            }
        } else if !removed.isEmpty {
            let (files, ranges) = (removed, expired)
            start {
                try ExpiredRanges.write(ranges, folder: folder, identity: identity)
                for file in files { try RawFile.remove(folder + "/" + file.name) }
                return .removed
            }
        } else if let files = filesToMerge(today: today) {
            let sequence = takeSequence()
            start {
                let merged = try SealedKeys.merge(
                    files, folder: folder, sequence: sequence, identity: identity, pace: pace)
                for file in files { try? RawFile.remove(folder + "/" + file.name) }
                return .merged(merged, replacing: files)
            }
        }
    }

    /// Whether the table holds keys, all of days before a moment's.
    func isOfLaterDay(_ moment: Int64) -> Bool {
        recent.count > 0 && Timestamp(milliseconds: moment).day > Timestamp(milliseconds: recent.latest).day
    }

    /// Sets the table aside for sealing and begins a new one, unless one is being sealed.
    func freeze() {
        guard frozen == nil, recent.count > 0 else { return }
        frozen = recent
        recent = RecentKeys()
        mustSeal = false
    }

    private func takeSequence() -> Int64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    private func start(_ work: @escaping @Sendable () throws -> Finished) {
        isWorking = true
        let mailbox = mailbox
        schedule {
            do {
                mailbox.put(try work())
            } catch {
                mailbox.put(.failed(String(describing: error)))
            }
        }
    }

    private func adopt(_ finished: Finished, now: Int64) {
        isWorking = false
        retryAt = .min
        switch finished {
        case .sealed(let file):
            files.append(file)
            // Giving back tens of megabytes takes milliseconds, so that is done elsewhere too.
            let sealed = Discarded(frozen.take())
            schedule { sealed.discard() }
        case .merged(let file, let replaced):
            files.removeAll { file in replaced.contains { $0 === file } }
            files.append(file)
        case .removed: removed.removeAll()
        case .failed(let why):
            note("Deduplication files cannot be written (\(why)); tried again in 5 seconds.")
            retryAt = now &+ 5000
        }
        files.sort { $0.latest > $1.latest }
        filesChanged()
    }

    private func dropExpired(now: Int64) {
        let cutoff = cutoff(now &- DeduplicationIndex.grace)
        for file in files where file.latest <= cutoff {
            removed.append(file)
            expired.formUnion(file.ranges)
        }
        files.removeAll { $0.latest <= cutoff }
    }

    /// The files of a day that has ended; else enough files of one size.
    private func filesToMerge(today: Int64) -> [SealedKeys]? {
        var groups: [[Int64]: [SealedKeys]] = [:]
        for file in files {
            groups[[file.day, file.day < today ? 0 : tier(file.count)], default: []].append(file)
        }
        for (key, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            guard group.count >= (key[0] < today ? 2 : DeduplicationIndex.fanIn) else { continue }
            if group.reduce(0, { $0 + $1.count }) < 1 << 31 { return group }
        }
        return nil
    }

    private func tier(_ count: Int) -> Int64 {
        var tier: Int64 = 0
        var size = configuration.recentKeys
        while count >= size, tier < 30 {
            tier += 1
            size *= DeduplicationIndex.fanIn
        }
        return tier
    }

    /// Seals the table on this thread.
    func sealNow() throws(StorageError) {
        guard recent.count > 0 else { return }
        do {
            let file = try SealedKeys.seal(recent, folder: folder, sequence: takeSequence(), identity: identity)
            recent = RecentKeys()
            files.insert(file, at: 0)
            filesChanged()
        } catch {
            throw error as? StorageError
                ?? StorageError("store_corrupt", "A new deduplication file reads back wrongly.")
        }
    }

    /// Waits for work in the background and seals what is in memory, so that the next opening replays nothing. When that
    /// fails, the next opening replays it from the log. The index is not used afterwards.
    public func close() {
        rollback(to: 0)
        pace.hurry()
        while isWorking {
            if let finished = mailbox.take() { adopt(finished, now: 0) } else { BackgroundThread.pause() }
        }
        do { try beforeSealing() } catch {
            note("Deduplication keys are not sealed (\(error)); they will be replayed.")
            return
        }
        if let table = frozen {
            if let file = try? SealedKeys.seal(table, folder: folder, sequence: takeSequence(), identity: identity) {
                files.append(file)
                frozen = nil
            }
        }
        do { try sealNow() } catch { note("Deduplication keys are not sealed (\(error)); they will be replayed.") }
        publish()
    }
}
