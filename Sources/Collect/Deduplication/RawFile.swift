internal import Glibc
internal import Storage

/// An open file: owns its descriptor, retries what a signal interrupts, and turns `errno` into ``StorageError``.
struct RawFile: ~Copyable, Sendable {
    private let descriptor: Int32
    /// Its last path component: what an error may show.
    private let name: String

    private init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    deinit { Glibc.close(descriptor) }

    static func openForReading(_ path: String) throws(StorageError) -> RawFile {
        try open(path, O_RDONLY | O_CLOEXEC)
    }

    /// A new, empty file; what the path held is gone.
    static func create(_ path: String) throws(StorageError) -> RawFile {
        try open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC)
    }

    private static func open(_ path: String, _ flags: Int32) throws(StorageError) -> RawFile {
        let name = RawFile.lastComponent(path)
        while true {
            let descriptor = Glibc.open(path, flags, 0o600)
            if descriptor >= 0 { return RawFile(descriptor: descriptor, name: name) }
            if errno != EINTR { throw RawFile.error("opening", name, errno) }
        }
    }

    func size() throws(StorageError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RawFile.error("reading", name, errno) }
        return Int(status.st_size)
    }

    /// Fills the buffer from `offset`, or throws when the file ends before.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StorageError) {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                throw StorageError("store_corrupt", "The file \(name) is shorter than it says.")
            } else if errno != EINTR {
                throw RawFile.error("reading", name, errno)
            }
        }
    }

    func write(_ buffer: UnsafeRawBufferPointer, at offset: Int) throws(StorageError) {
        var done = 0
        while done < buffer.count {
            let count = pwrite(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw RawFile.error("writing", name, errno)
            }
        }
    }

    /// Makes what was written durable.
    func synchronise() throws(StorageError) {
        guard fsync(descriptor) == 0 else { throw RawFile.error("writing", name, errno) }
    }

    /// Tells the system that the bytes will be read once, in order.
    func expectSequentialReading() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }

    // MARK: - Paths

    static func makeFolder(_ path: String) throws(StorageError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw error("making", lastComponent(path), errno) }
    }

    static func rename(_ path: String, to target: String) throws(StorageError) {
        guard Glibc.rename(path, target) == 0 else { throw error("renaming", lastComponent(path), errno) }
    }

    /// Removes a file; that it is gone already is no error.
    static func remove(_ path: String) throws(StorageError) {
        if unlink(path) != 0, errno != ENOENT { throw error("removing", lastComponent(path), errno) }
    }

    /// Makes renames and removals in a folder durable.
    static func synchroniseFolder(_ path: String) throws(StorageError) {
        try open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC).synchronise()
    }

    /// Names of the entries of a folder, sorted.
    static func entries(of folder: String) throws(StorageError) -> [String] {
        guard let directory = opendir(folder) else { throw error("reading", lastComponent(folder), errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private static func error(_ doing: String, _ name: String, _ code: Int32) -> StorageError {
        switch code {
        case ENOSPC, EDQUOT: StorageError("disk_full", "The disk is full (\(doing) \(name)); make room.")
        case EACCES, EPERM, EROFS:
            StorageError("store_unwritable", "No permission for \(doing) \(name); check the data folder's owner.")
        default: StorageError("store_io", "Error \(code) while \(doing) \(name); check the disk.")
        }
    }
}
