internal import Domain
public import Storage

extension DeduplicationIndex {
    /// What a folder held.
    struct Opened {
        var files: [SealedKeys] = []
        var expired = PositionRanges()
        var nextSequence: Int64 = 1
        var notes: [String] = []

        var covered: PositionRanges {
            var covered = expired
            for file in files { covered.formUnion(file.ranges) }
            return covered
        }
    }

    /// Opens the index in a folder, which is made when missing, and checks every file from end to end (20 bytes a key).
    /// A file that is torn, altered, of another store, or ahead of the log is removed and one of a later release is left
    /// alone; their positions are replayed. Replay the log from behind ``replayAfter`` with ``replay(_:)``, then call
    /// ``finishReplay()``, before anything else.
    ///
    /// - Parameters:
    ///   - folder: where the files lie; its parent must exist.
    ///   - seed: the seed of the tenant's keys.
    ///   - logPosition: the last position of the log.
    ///   - now: the time, in milliseconds since the epoch.
    ///   - configuration: bounds.
    ///   - schedule: runs blocking work off the writer thread; a thread for each piece unless given.
    /// - Throws: when the folder cannot be made or read.
    public static func open(
        folder: String, seed: UInt64, logPosition: Int64, now: Int64, configuration: Configuration = Configuration(),
        schedule: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil
    ) throws(StorageError) -> DeduplicationIndex {
        try RawFile.makeFolder(folder)
        let identity = KeyHasher(seed: seed).key("deduplication", .interaction).low
        var opened = Opened()
        var found: [SealedKeys] = []
        for name in try RawFile.entries(of: folder) {
            if name.hasSuffix(".new") { try RawFile.remove(folder + "/" + name) }
            guard let sequence = sequence(ofFileNamed: name) else { continue }
            opened.nextSequence = max(opened.nextSequence, sequence + 1)
            do {
                let file = try SealedKeys(folder: folder, name: name, sequence: sequence, identity: identity)
                if file.ranges.runs.contains(where: { $0.after < 0 || $0.through > logPosition }) {
                    throw SealedKeys.Refusal.foreign
                }
                found.append(file)
            } catch {
                try refuse(name, folder, error, &opened.notes)
            }
        }
        // A merge that was cut short leaves the files that it merged beside their union.
        for file in found {
            let isMerged = found.contains {
                $0.sequence > file.sequence && $0.ranges.isSuperset(of: file.ranges) && !file.ranges.isEmpty
            }
            if isMerged { try RawFile.remove(folder + "/" + file.name) } else { opened.files.append(file) }
        }
        opened.files.sort { $0.latest > $1.latest }
        if let expired = ExpiredRanges.read(folder: folder, identity: identity) {
            if (expired.runs.last?.through ?? 0) <= logPosition { opened.expired = expired }
        }
        return DeduplicationIndex(
            folder: folder, identity: identity, configuration: configuration, opened: opened, through: logPosition,
            now: now, schedule: schedule ?? BackgroundThread.run)
    }

    private static func refuse(
        _ name: String, _ folder: String, _ error: any Error, _ notes: inout [String]
    ) throws(StorageError) {
        let why: String
        switch error {
        case SealedKeys.Refusal.tooNew:
            notes.append("Deduplication file \(name) is of a later release; its range is replayed from the log.")
            return
        case SealedKeys.Refusal.foreign: why = "belongs to another state of the store"
        case SealedKeys.Refusal.damaged: why = "is damaged"
        case let error as StorageError where error.code == "store_corrupt": why = "is damaged"
        case let error as StorageError where error.code == "store_io":
            notes.append("Deduplication file \(name) cannot be read; its range is replayed from the log.")
            return
        case let error as StorageError: throw error
        default: why = "cannot be read"
        }
        notes.append("Deduplication file \(name) \(why); it is removed and its range replayed from the log.")
        try RawFile.remove(folder + "/" + name)
    }

    /// The number in `<day>-<n>.keys`.
    static func sequence(ofFileNamed name: String) -> Int64? {
        guard name.hasSuffix(".keys"), let dash = name.lastIndex(of: "-") else { return nil }
        guard let number = Int64(name[name.index(after: dash)...].dropLast(5)), number > 0, number < .max else {
            return nil
        }
        return number
    }
}
