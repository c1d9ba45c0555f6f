internal import Storage

/// How a tenant's store is opened.
public struct StoreOptions: Sendable {
    /// The tenant's id; the name of the folder when `nil`.
    public var tenant: String?
    /// Whether it is opened for reading alone; every commit is refused then.
    public var readOnly = false
    /// Bytes of the write-ahead log that are copied into the database at a time, in the background. A commit that meets
    /// such a copy waits for the disk longer, the longer the more is copied.
    public var copyBytes = BackgroundPace.bytesPerSync
    /// Size of the write-ahead log, in bytes, from which it is used from its start again as soon as all is copied. Also
    /// what is copied at a time while one commit follows the other without a pause: fewer syncs are worth more then.
    public var checkpointBytes = 32 << 20
    /// The same while commits take more than a seventh of the time (at most half of ``overflowBytes``): beginning anew holds
    /// up a commit for some milliseconds, so it is done less often when there are many.
    public var busyCheckpointBytes = 128 << 20
    /// Size of the write-ahead log, in bytes, from which commits go to the overflow file while another program's read
    /// keeps the log from being used from its start again.
    public var overflowBytes = 256 << 20
    /// Milliseconds between two looks at whether that other program is done.
    public var overflowPollMilliseconds = 100
    /// Page cache of the writer, in KiB. Each of up to four readers has an eighth of it.
    public var cacheKiB = 16_384
    /// Most pages the database may have; 0 is no limit. 8 KiB a page.
    public var maximumPages = 0
    /// Name of a registered SQLite file system; `nil` is the operating system's.
    public var fileSystem: String?

    /// Bytes copied at a time while commits leave room for it.
    var stepBytes: Int { min(copyBytes, checkpointBytes) }

    /// Where the write-ahead log is begun anew while there are many commits.
    var busyRestartBytes: Int { max(checkpointBytes, min(busyCheckpointBytes, overflowBytes / 2)) }

    /// The defaults.
    public init() {}
}
