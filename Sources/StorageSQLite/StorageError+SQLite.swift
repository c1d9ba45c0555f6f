internal import CSQLite
internal import Glibc
internal import Storage

extension StorageError {
    /// What a result code of SQLite means to an operator. `file` is the name of the file, without its folder.
    static func sqlite(_ result: Int32, _ handle: OpaquePointer?, file: String) -> StorageError {
        let systemError = handle.map { sqlite3_system_errno($0) } ?? 0
        let detail = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "result \(result)"
        switch result & 0xff {
        case SQLITE_FULL:
            return .diskFull(file)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return .corrupt(file, detail)
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_NOLFS:
            if [ENOSPC, EDQUOT, EFBIG].contains(systemError) { return .diskFull(file) }
            if result & 0xff == SQLITE_IOERR || [EMFILE, ENFILE, ENOMEM].contains(systemError) {
                return StorageError(
                    "store_io", "Reading or writing \(file) failed (\(detail), result \(result), errno \(systemError))."
                )
            }
            return .unwritable(file, systemError == 0 ? detail : String(cString: strerror(systemError)))
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StorageError(
                "store_locked", "\(file) is locked by another program that writes to it: stop that one.")
        case SQLITE_NOMEM:
            return StorageError("store_io", "Not enough memory to work on \(file).")
        case SQLITE_ERROR where detail.hasPrefix("no such table") || detail.hasPrefix("no such column"):
            return .corrupt(file, detail)
        default:
            return StorageError("store_misuse", "\(file) was used wrongly: \(detail) (result \(result)).")
        }
    }

    static func diskFull(_ file: String) -> StorageError {
        StorageError("disk_full", "No space is left for \(file): free some; what was acknowledged before is stored.")
    }

    static func corrupt(_ file: String, _ detail: String) -> StorageError {
        StorageError(
            "store_corrupt", "\(file) is damaged or not a Footfall store (\(detail)): restore it from a backup.")
    }

    static func unwritable(_ file: String, _ detail: String) -> StorageError {
        StorageError("store_unwritable", "\(file) cannot be written (\(detail)): check the folder's owner and rights.")
    }

    static func tooNew(_ file: String, found: Int64, known: Int64) -> StorageError {
        StorageError(
            "store_too_new",
            "\(file) has format \(found), this program knows up to \(known): start the newer program; nothing was changed."
        )
    }

    static func closed() -> StorageError { StorageError("store_misuse", "The store is closed.") }
}
