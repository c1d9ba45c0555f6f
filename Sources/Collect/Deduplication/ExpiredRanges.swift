internal import Domain
internal import Storage

/// The small file that remembers which log positions have left the window with their key files, so that a restart does
/// not replay them.
enum ExpiredRanges {
    private static let magic: UInt64 = 0x3150_5845_5044_4646  // "FFDPEXP1"
    private static let name = "expired"

    /// What the file says; `nil` when it is missing, damaged or another store's.
    static func read(folder: String, identity: UInt64) -> PositionRanges? {
        guard let file = try? RawFile.openForReading(folder + "/" + name), let size = try? file.size(),
            size >= 32, size % 8 == 0, size < 1 << 24
        else { return nil }
        var words = [UInt64](repeating: 0, count: size / 8)
        guard (try? words.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }) != nil else { return nil }
        guard let sum = words.popLast(), words.withUnsafeBytes({ checksum64($0) }) == sum else { return nil }
        guard words[0] == magic, words[1] == identity, (words.count - 3) % 2 == 0 else { return nil }
        var ranges = PositionRanges()
        for index in stride(from: 3, to: words.count, by: 2) {
            let (after, through) = (Int64(bitPattern: words[index]), Int64(bitPattern: words[index + 1]))
            guard after >= 0, after < through else { return nil }
            ranges.insert(after: after, through: through)
        }
        return ranges
    }

    /// Replaces the file, durably.
    static func write(_ ranges: PositionRanges, folder: String, identity: UInt64) throws(StorageError) {
        var words = [magic, identity, UInt64(ranges.runs.count)]
        for run in ranges.runs {
            words.append(UInt64(bitPattern: run.after))
            words.append(UInt64(bitPattern: run.through))
        }
        words.append(words.withUnsafeBytes { checksum64($0) })
        let path = folder + "/" + name
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: words.count * 8, alignment: 8)
        defer { copy.deallocate() }
        words.withUnsafeBytes { copy.copyMemory(from: $0) }
        do {
            let file = try RawFile.create(path + ".new")
            try file.write(UnsafeRawBufferPointer(copy), at: 0)
            try file.synchronise()
        }
        try RawFile.rename(path + ".new", to: path)
        try RawFile.synchroniseFolder(folder)
    }
}
