internal import Domain
internal import Glibc

/// Files of derived state that can be thrown away: written aside, made durable and renamed, so that a reader finds the
/// old one or the new one whole; checked block by block, so that a damaged one is known before anything of it is
/// believed.
///
/// The form: a header of 48 bytes (magic, version of the form, version of the kind, log position, kind, checksum), then
/// blocks of up to 1 MiB (128 KiB as written now), each with its length, its sort (a section's name, data, the end) and an
/// XXH3 checksum that also covers the block before. Numbers are little-endian.
public enum SnapshotFile {
    static let magic: UInt64 = 0x50_4e_53_4c_4c_46_54_46
    static let formVersion: UInt32 = 1
    static let headerSize = 48
    /// Of what is written, and the largest that is read.
    static let blockSize = 1 << 17
    static let largestBlock = 1 << 20

    enum Sort: UInt32 {
        case section = 1
        case data = 2
        case end = 3
    }

    /// One part of a snapshot: its name, and what writes it.
    public struct Section {
        let name: String
        let body: (inout SnapshotWriter) -> Void

        /// A section that `body` writes.
        public init(_ name: String, _ body: @escaping (inout SnapshotWriter) -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Writes a snapshot and puts it in the place of the one before. Memory stays at one block whatever its size; the
    /// data is on disk when this returns. A kind has at most 16 bytes. With a `pace` the writer rests after
    /// each block.
    public static func write(
        to path: String, kind: String, version: UInt32, position: Int64, sections: [Section],
        pace: BackgroundPace? = nil
    ) throws(StorageError) {
        let aside = path + ".new"
        let file = Glibc.open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("create the snapshot", errno) }
        var writer = SnapshotWriter(file: file, pace: pace)
        writer.start(kind: kind, version: version, position: position)
        for section in sections {
            writer.beginSection(section.name)
            section.body(&writer)
        }
        writer.finish()
        var problem = writer.problem
        if problem == nil, fsync(file) != 0 { problem = failure("make the snapshot durable", errno) }
        if close(file) != 0, problem == nil { problem = failure("write the snapshot", errno) }
        if problem == nil, rename(aside, path) != 0 { problem = failure("put the snapshot in its place", errno) }
        if let problem {
            unlink(aside)
            throw problem
        }
        try syncFolder(of: path)
    }

    /// Opens a snapshot for reading, section by section.
    public static func open(_ path: String, kind: String, versions: ClosedRange<UInt32>) -> SnapshotOpening {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            return errno == ENOENT ? .missing : .unusable("it cannot be opened (\(reason(errno)))")
        }
        return open(SnapshotSource(file: file), kind: kind, versions: versions)
    }

    /// Opens a snapshot that lies in memory.
    public static func open(_ bytes: [UInt8], kind: String, versions: ClosedRange<UInt32>) -> SnapshotOpening {
        open(SnapshotSource(bytes: bytes), kind: kind, versions: versions)
    }

    private static func open(
        _ source: SnapshotSource, kind: String, versions: ClosedRange<UInt32>
    ) -> SnapshotOpening {
        var header = [UInt8](repeating: 0, count: headerSize)
        let whole = header.withUnsafeMutableBytes { source.fill($0) }
        guard whole else { return .unusable("it is cut short") }
        return header.withUnsafeBytes { header in
            let checksum = header.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
            guard header.loadUnaligned(as: UInt64.self) == magic else { return .unusable("it is no snapshot") }
            guard checksum == checksum64(UnsafeRawBufferPointer(rebasing: header[..<40])) else {
                return .unusable("its header is damaged")
            }
            let form = header.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
            guard form == formVersion else { return .unusable("its form \(form) is not known") }
            guard header[24..<40].elementsEqual(kindBytes(kind)) else { return .unusable("it is of another kind") }
            let version = header.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
            guard versions.contains(version) else { return .unusable("its version \(version) is not known") }
            return .opened(
                SnapshotReader(
                    source: source, version: version,
                    position: header.loadUnaligned(fromByteOffset: 16, as: Int64.self), checksum: checksum))
        }
    }

    /// A kind's name in 16 bytes.
    static func kindBytes(_ kind: String) -> [UInt8] {
        let bytes = Array(kind.utf8.prefix(16))
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }

    private static func syncFolder(of path: String) throws(StorageError) {
        let folder: String
        if let slash = path.lastIndex(of: "/") {
            folder = slash == path.startIndex ? "/" : String(path[..<slash])
        } else {
            folder = "."
        }
        let file = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open the snapshot's folder", errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("make the snapshot's name durable", errno) }
    }

    static func failure(_ what: String, _ number: Int32) -> StorageError {
        let code =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: "disk_full"
            case EACCES, EPERM, EROFS, ENOENT, ENOTDIR: "store_unwritable"
            default: "store_io"
            }
        return StorageError(code, "Could not \(what): \(reason(number)).")
    }

    private static func reason(_ number: Int32) -> String {
        guard let text = strerror(number) else { return "error \(number)" }
        return String(cString: text)
    }
}

/// What became of opening a snapshot.
public enum SnapshotOpening {
    /// There is none.
    case missing
    /// It cannot be used, and why; what it holds is to be derived anew.
    case unusable(String)
    /// Its header is whole; damage further on shows while it is read.
    case opened(SnapshotReader)
}
