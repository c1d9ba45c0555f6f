internal import Domain
internal import Storage

extension SealedKeys {
    /// Seals a table that is no longer changed into a file. About half a microsecond a key. When it returns the file is
    /// durable under its name; when it throws nothing is left.
    static func seal(
        _ keys: RecentKeys, folder: String, sequence: Int64, identity: UInt64, pace: BackgroundPace? = nil
    ) throws -> SealedKeys {
        let (earliest, latest) = keys.count == 0 ? (0, 0) : (keys.earliest, keys.latest)
        return try make(folder: folder, sequence: sequence, identity: identity, latest: latest) {
            path throws(StorageError) in
            var writer = try SealedKeysWriter(
                path: path, identity: identity, maximumCount: keys.count, earliest: earliest, latest: latest,
                pace: pace)
            try keys.sorted { slot throws(StorageError) in try writer.append(slot) }
            try writer.finish(ranges: keys.ranges)
        }
    }

    /// Merges files into one, which holds each key with its latest time. The merged ones stay where they are.
    static func merge(
        _ files: [SealedKeys], folder: String, sequence: Int64, identity: UInt64, pace: BackgroundPace? = nil
    ) throws -> SealedKeys {
        let earliest = files.map(\.header.earliest).min() ?? 0
        let latest = files.map(\.header.latest).max() ?? 0
        return try make(folder: folder, sequence: sequence, identity: identity, latest: latest) {
            path throws(StorageError) in
            var writer = try SealedKeysWriter(
                path: path, identity: identity, maximumCount: files.reduce(0) { $0 + $1.count }, earliest: earliest,
                latest: latest, pace: pace)
            let cursors = files.map(Cursor.init)
            for cursor in cursors { try cursor.advance() }
            while let least = leastKey(of: cursors) {
                var slot = least
                for cursor in cursors where cursor.isAt(least) {
                    slot.time = max(slot.time, cursor.slot.time)
                    try cursor.advance()
                }
                try writer.append(slot)
            }
            var ranges = PositionRanges()
            for file in files { ranges.formUnion(file.ranges) }
            try writer.finish(ranges: ranges)
        }
    }

    private static func leastKey(of cursors: [Cursor]) -> RecentKeys.Slot? {
        var least: RecentKeys.Slot?
        for cursor in cursors where !cursor.isAtEnd {
            let slot = cursor.slot
            guard let held = least else {
                least = slot
                continue
            }
            if slot.high < held.high || (slot.high == held.high && slot.low < held.low) { least = slot }
        }
        return least
    }

    private static func make(
        folder: String, sequence: Int64, identity: UInt64, latest: Int64,
        _ write: (_ path: String) throws(StorageError) -> Void
    ) throws -> SealedKeys {
        let name = "\(Timestamp(milliseconds: latest).day)-\(sequence).keys"
        let path = folder + "/" + name
        do {
            try write(path + ".new")
            let file = try SealedKeys(
                folder: folder, name: name + ".new", finalName: name, sequence: sequence, identity: identity)
            try RawFile.rename(path + ".new", to: path)
            try RawFile.synchroniseFolder(folder)
            return file
        } catch {
            try? RawFile.remove(path + ".new")
            try? RawFile.remove(path)
            throw error
        }
    }

    /// Reads a file's records in order, some thousands at a time.
    private final class Cursor {
        private let file: SealedKeys
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        private var held = 0
        private var next = 0
        private var readSoFar = 0
        private(set) var slot = RecentKeys.Slot.free
        private(set) var isAtEnd = false

        init(_ file: SealedKeys) { self.file = file }

        deinit { buffer.deallocate() }

        @inline(__always)
        func isAt(_ other: RecentKeys.Slot) -> Bool {
            !isAtEnd && slot.high == other.high && slot.low == other.low
        }

        func advance() throws(StorageError) {
            if next == held {
                held = try file.read(into: buffer, from: readSoFar)
                readSoFar += held
                next = 0
                if held == 0 {
                    isAtEnd = true
                    return
                }
            }
            slot = SealedKeys.record(
                UnsafeRawBufferPointer(buffer), at: next * file.header.recordBytes, file.header)
            next += 1
        }
    }
}
