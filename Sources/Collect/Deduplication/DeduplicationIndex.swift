public import Domain
public import Storage
internal import Synchronization

/// Which interaction ids were stored within the deduplication window: exact, to the millisecond, across restarts.
///
/// Keys received lately lie in a table in memory (24 to 48 bytes a key). When it holds ``Configuration/recentKeys``, or
/// the day of receipt ends, a background thread writes it to an immutable sorted file `<day>-<n>.keys`, of which a filter
/// and a directory stay in memory (17 bits a key), and merges the files of a day. Whole files are removed when their last
/// key has left the window. Memory at 10 million keys a day: at most 80 MiB for recent ones and 21 MiB for each day.
///
/// The log is the truth: each file says which log positions it holds, and what no sound file holds is replayed from the
/// log. Ids of rows that clean-up has removed from the log are remembered by the files alone; when such a file is damaged
/// too, they are forgotten.
///
/// Use: ``insert(_:receivedAt:)`` for every row of a commit; then ``commit(through:now:)`` when it is stored, or
/// ``rollback(to:)`` when it failed. All on the tenant's writer thread; only ``report`` may be read from elsewhere.
public final class DeduplicationIndex: @unchecked Sendable {
    /// Bounds of an index.
    public struct Configuration: Sendable {
        /// How long an id is remembered, in milliseconds from its receipt.
        public var window: Int64 = 7 * Timestamp.millisecondsPerDay
        /// How many keys the table in memory holds before it is sealed.
        public var recentKeys = 1 << 20

        /// The documented defaults.
        public init() {}
    }

    /// Size and health of an index.
    public struct Report: Sendable, Equatable {
        /// Keys held, those past the window but not yet dropped included.
        public var keys = 0
        /// Memory of recent keys, in bytes.
        public var recentBytes = 0
        /// Memory of sealed files' filters and directories, in bytes.
        public var sealedBytes = 0
        /// Sealed files.
        public var files = 0
        /// Their size on disk, in bytes.
        public var fileBytes = 0
        /// Whether the last sealing, merging or removal failed; it is tried again, and memory grows meanwhile.
        public var isFailing = false

        /// All memory, in bytes.
        public var memoryBytes: Int { recentBytes + sealedBytes }
    }

    private struct Inserted {
        var key: Key128
        /// When the key was stored before, longer ago than the window.
        var before: Int64?
    }

    let folder: String
    let identity: UInt64
    let configuration: Configuration
    let pace = BackgroundPace()
    let schedule: @Sendable (@escaping @Sendable () -> Void) -> Void
    /// Makes the rows of all committed keys durable; called before keys are sealed, on any thread. A file must not remember
    /// an id whose row a crash takes away. Set once, before the first commit.
    var beforeSealing: @Sendable () throws(StorageError) -> Void = {}

    /// The log must be replayed into the index from behind this position.
    public let replayAfter: Int64
    /// The log's end when the index was opened.
    let openedThrough: Int64
    let openedAt: Int64

    @exclusivity(unchecked)
    var recent = RecentKeys()
    /// A full table that is being sealed.
    @exclusivity(unchecked)
    var frozen: RecentKeys?
    @exclusivity(unchecked)
    var files: [SealedKeys]
    /// Positions whose rows are in the files, the tables, or past the window.
    var covered: PositionRanges
    /// Positions of removed files.
    var expired: PositionRanges
    /// Removed files that may still be in the folder.
    var removed: [SealedKeys] = []
    var nextSequence: Int64
    /// The last position that was committed or replayed.
    var tail: Int64
    @exclusivity(unchecked)
    private var inserted: [Inserted] = []
    /// Written so that the loads which warm the cache are not left out.
    @exclusivity(unchecked)
    private var cacheTouches: UInt64 = 0
    private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 16)

    let mailbox = Mailbox()
    var isWorking = false
    var mustSeal = false
    var retryAt = Int64.min
    private var notes: [String] = []
    private let published = Mutex(Report())

    init(
        folder: String, identity: UInt64, configuration: Configuration, opened: Opened, through: Int64, now: Int64,
        schedule: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.folder = folder
        self.identity = identity
        self.configuration = configuration
        self.schedule = schedule
        files = opened.files
        expired = opened.expired
        covered = opened.covered
        nextSequence = opened.nextSequence
        notes = opened.notes
        openedThrough = through
        openedAt = now
        replayAfter = opened.covered.gaps(through: through).runs.first?.after ?? through
        tail = through
        filesChanged()
        publish()
    }

    deinit { scratch.deallocate() }

    // MARK: - On every row

    /// Whether a key was stored within the window before `receivedAt`. Cost: that of ``insert(_:receivedAt:)``.
    /// Throws when a file cannot be read.
    public func contains(_ key: Key128, receivedAt: Int64) throws(StorageError) -> Bool {
        try time(of: key, receivedAt: receivedAt) != nil
    }

    /// When a key was stored within the window before `receivedAt`; `nil` when it was not. Cost and errors: as above.
    func time(of key: Key128, receivedAt: Int64) throws(StorageError) -> Int64? {
        let key = DeduplicationIndex.storable(key)
        let cutoff = cutoff(receivedAt)
        if let time = recent.find(key).time, time > cutoff { return time }
        return try timeElsewhere(key, cutoff)
    }

    /// Stores a key unless it was stored within the window before `receivedAt`; says whether it did. Counts at once, for
    /// the rows that follow in the same commit too. Cost: a cache miss for the table and one for each file, and a read of
    /// 2.5 KiB for a duplicate that is no longer recent. Throws when a file cannot be read.
    public func insert(_ key: Key128, receivedAt: Int64) throws(StorageError) -> Bool {
        let key = DeduplicationIndex.storable(key)
        let cutoff = cutoff(receivedAt)
        if inserted.isEmpty, isOfLaterDay(receivedAt) { freeze() }
        let place = recent.find(key)
        if let time = place.time, time > cutoff { return false }
        if try timeElsewhere(key, cutoff) != nil { return false }
        recent.store(key, time: receivedAt, at: place)
        inserted.append(Inserted(key: key, before: place.time))
        return true
    }

    /// Does ``insert(_:receivedAt:)`` for every accepted row of a batch and marks those that are not new as duplicates.
    /// Cheaper than row by row, because the cache misses of many rows overlap: some 100 to 250 ns a row. When it throws,
    /// a part of the rows has been inserted; roll back.
    public func judge(_ batch: inout InteractionBatch) throws(StorageError) {
        let group = 32
        var first = 0
        while first < batch.rows.count {
            let end = min(first + group, batch.rows.count)
            var touched: UInt64 = 0
            for index in first..<end { touched ^= recent.touch(batch.rows[index].idKey) }
            for file in files {
                for index in first..<end { touched ^= file.filter.touch(batch.rows[index].idKey) }
            }
            cacheTouches = touched
            for index in first..<end where batch.rows[index].verdict == .accepted {
                let isNew = try insert(batch.rows[index].idKey, receivedAt: batch.rows[index].receivedAt)
                if !isNew { batch.rows[index].verdict = .duplicate }
            }
            first = end
        }
    }

    @inline(__always)
    private static func storable(_ key: Key128) -> Key128 { key.isNone ? Key128(high: 0, low: 1) : key }

    @inline(__always)
    func cutoff(_ time: Int64) -> Int64 {
        let (difference, overflow) = time.subtractingReportingOverflow(configuration.window)
        return overflow ? .min : difference
    }

    @inline(__always)
    private func timeElsewhere(_ key: Key128, _ cutoff: Int64) throws(StorageError) -> Int64? {
        if let frozen, let time = frozen.find(key).time, time > cutoff { return time }
        for file in files where file.filter.mayContain(key) {
            if let time = try file.time(of: key, scratch: scratch), time > cutoff { return time }
        }
        return nil
    }

    // MARK: - Ends of commits

    /// Where a later ``rollback(to:)`` can return to, within the running commit.
    public var mark: Int { inserted.count }

    /// Takes back what was inserted since a mark; 0 is the commit's beginning.
    public func rollback(to mark: Int) {
        while inserted.count > max(0, mark), let last = inserted.popLast() {
            if let before = last.before {
                recent.store(last.key, time: before, at: recent.find(last.key))
            } else {
                recent.remove(last.key)
            }
        }
    }

    /// Says that everything inserted is in the log, whose last position is `position`, and lets the index do its
    /// housekeeping at the time `now`: microseconds, the work itself is done in the background.
    public func commit(through position: Int64, now: Int64) {
        inserted.removeAll(keepingCapacity: true)
        if position > tail {
            recent.ranges.insert(after: tail, through: position)
            covered.insert(after: tail, through: position)
            tail = position
        }
        maintain(now: now)
        publish()
    }

    /// Has the keys in memory sealed at the next ``commit(through:now:)``, whatever their number. Clean-up that removes
    /// rows younger than the window asks for this first, and waits until ``sealedThrough`` has reached them.
    public func requestSeal() { mustSeal = true }

    /// The log position up to which the index does not need the log any more.
    public var sealedThrough: Int64 {
        let unsealed = (frozen?.ranges.runs ?? []) + (recent.count > 0 ? recent.ranges.runs : [])
        return min(unsealed.map(\.after).min() ?? tail, covered.gaps(through: tail).runs.first?.after ?? tail)
    }

    // MARK: - Replay

    /// Takes in rows read from the log, in order, from behind ``replayAfter`` on (or from anywhere before). Rows that a
    /// sealed file holds are passed over. Seals what it has gathered when that is much or a day ends.
    public func replay(_ batch: InteractionBatch) throws(StorageError) {
        guard let first = batch.rows.first, let last = batch.rows.last else { return }
        if recent.count >= configuration.recentKeys || isOfLaterDay(first.receivedAt) { try sealNow() }
        let cutoff = cutoff(openedAt &- DeduplicationIndex.grace)
        for row in batch.rows where row.verdict == .accepted && row.receivedAt > cutoff {
            if covered.contains(row.position) { continue }
            let key = DeduplicationIndex.storable(row.idKey)
            let place = recent.find(key)
            recent.store(key, time: max(row.receivedAt, place.time ?? .min), at: place)
        }
        claimGaps(through: last.position)
    }

    /// Ends the replay: everything up to the log's end as it was at opening has been seen.
    public func finishReplay() {
        claimGaps(through: openedThrough)
        publish()
    }

    private func claimGaps(through position: Int64) {
        let gaps = covered.gaps(through: min(position, openedThrough))
        recent.ranges.formUnion(gaps)
        covered.formUnion(gaps)
    }

    // MARK: - Health

    /// Size and health, as of the last commit. Any thread.
    public var report: Report { published.withLock { $0 } }

    /// What the log of the program should say since the last call: files that were refused, work that failed.
    public func takeNotes() -> [String] {
        defer { notes.removeAll() }
        return notes
    }

    func note(_ text: String) { if notes.count < 100 { notes.append(text) } }

    func filesChanged() {
        let needed = files.map(\.bucketBytes).max() ?? 0
        guard needed > scratch.count else { return }
        scratch.deallocate()
        scratch = .allocate(byteCount: needed * 2, alignment: 16)
    }

    func publish() {
        var report = Report()
        report.keys = recent.count + (frozen?.count ?? 0)
        report.recentBytes = recent.memoryBytes + (frozen?.memoryBytes ?? 0) + inserted.capacity * 32
        for file in files {
            report.keys += file.count
            report.sealedBytes += file.memoryBytes
            report.fileBytes += file.fileBytes
        }
        report.files = files.count
        report.isFailing = retryAt != .min
        published.withLock { $0 = report }
    }
}
