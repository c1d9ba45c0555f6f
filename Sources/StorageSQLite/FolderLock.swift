internal import Glibc
public import Storage

/// Ownership of a data folder: one server or importer at a time. Ends with the process, however it ends.
public final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock of a data folder, making the folder when it is missing. Throws `store_locked`, naming the process
    /// that has it, or `store_unwritable`.
    public init(folder: String) throws(StorageError) {
        try DatabaseFile.makeFolder(folder)
        let path = folder + "/.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(path, String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            var text = [UInt8](repeating: 0, count: 32)
            let count = text.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
            close(descriptor)
            guard reason == EWOULDBLOCK else { throw .unwritable(path, String(cString: strerror(reason))) }
            let owner = String(decoding: text.prefix(max(0, count)), as: UTF8.self).filter(\.isNumber)
            throw StorageError(
                "store_locked",
                "The data folder \(folder) is in use by process \(owner.isEmpty ? "unknown" : owner): stop it first.")
        }
        var text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        text.withUnsafeMutableBytes { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
