internal import API
internal import Collect
internal import Domain
internal import Foundation
internal import JSON
internal import Live
internal import Storage
internal import StorageSQLite
internal import Training

/// Something that was looked at.
struct Finding: Equatable {
    enum Level: String { case ok, note, problem }

    /// What kind of thing: a stable code.
    var check: String
    var level: Level
    /// What is so.
    var message: String
    /// How to mend it.
    var remedy: String?
}

/// Looks at a data folder and at the machine, changes nothing, and says what is wrong and how to mend it.
struct Doctor {
    /// What to look at.
    struct Options {
        var folder: String
        var host: String
        var port: Int
        var isFull: Bool
        var now: Int64
    }

    let options: Options
    private(set) var findings: [Finding] = []
    /// The process that the folder's lock belongs to.
    private var owner: String?
    var isFine: Bool { !findings.contains { $0.level == .problem } }

    init(_ options: Options) {
        self.options = options
        guard checkFolder() else { return }
        checkLock()
        checkDisk()
        checkKeys()
        checkDatabases()
        checkPort()
        checkMachine()
    }

    private var folder: String { options.folder }

    private mutating func ok(_ check: String, _ message: String) {
        findings.append(Finding(check: check, level: .ok, message: message))
    }

    private mutating func note(_ check: String, _ message: String, _ remedy: String? = nil) {
        findings.append(Finding(check: check, level: .note, message: message, remedy: remedy))
    }

    private mutating func problem(_ check: String, _ message: String, _ remedy: String) {
        findings.append(Finding(check: check, level: .problem, message: message, remedy: remedy))
    }

    // MARK: - The folder

    /// False when nothing more can be looked at.
    private mutating func checkFolder() -> Bool {
        var status = stat()
        guard stat(folder, &status) == 0 else {
            problem(
                "folder", "\(folder) cannot be found: \(systemMessage()).",
                "Name the data folder with --data, or make one with \"footfall serve\".")
            return false
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            problem("folder", "\(folder) is a file.", "Name the data folder with --data.")
            return false
        }
        guard access(folder, R_OK | X_OK) == 0 else {
            problem("folder", "\(folder) cannot be read.", "Run this as its owner (user \(status.st_uid)).")
            return false
        }
        let count = findings.count
        if access(folder, W_OK) != 0 {
            problem("folder", "\(folder) cannot be written.", "Run the server as its owner: chown -R USER \(folder)")
        }
        for path in [folder, "\(folder)/tenants"] {
            guard stat(path, &status) == 0 else { continue }
            if status.st_mode & 0o022 != 0 {
                problem(
                    "folder", "Others may write to \(path) (mode \(String(status.st_mode & 0o777, radix: 8))).",
                    "chmod 700 \(path)")
            } else if status.st_mode & 0o055 != 0, path != folder || status.st_mode & 0o044 != 0 {
                note(
                    "folder", "Others may read \(path) (mode \(String(status.st_mode & 0o777, radix: 8))).",
                    "chmod 700 \(path)")
            }
            if status.st_uid != geteuid() {
                note("folder", "\(path) belongs to user \(status.st_uid), not to you (\(geteuid())).")
            }
        }
        if findings.count == count { ok("folder", "\(folder) is there, and yours.") }
        return true
    }

    private mutating func checkLock() {
        let socket = "\(folder)/admin.sock"
        let isListening = AdminClient.isListening(socket)
        owner = StoreInspection.lockOwner(folder: folder)
        switch (owner, isListening) {
        case (let owner?, true): ok("lock", "Process \(owner) serves the folder.")
        case (let owner?, false):
            problem(
                "lock", "Process \(owner) has the folder, but nobody listens on \(socket).",
                "When it is not just starting or stopping, end it: kill \(owner)")
        case (nil, true):
            problem(
                "lock", "Somebody listens on \(socket) without the folder's lock.",
                "The lock file may have been removed while the server ran: stop that server and start it again.")
        case (nil, false): ok("lock", "No server runs on the folder.")
        }
        if "\(Disk.absolute(folder))/admin.sock".utf8.count > 107 {
            problem(
                "lock", "The path of the admin socket is longer than the system's 107 bytes.",
                "Move the data folder to a shorter path.")
        }
    }

    private mutating func checkDisk() {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else {
            problem("disk", "The disk's free space cannot be asked: \(systemMessage()).", "Check the disk.")
            return
        }
        let free = UInt64(disk.f_bavail) * UInt64(disk.f_frsize)
        let all = max(1, UInt64(disk.f_blocks) * UInt64(disk.f_frsize))
        let share = free * 100 / all
        let text = "\(free >> 20) MiB (\(share) %) are free on the disk of \(folder)."
        if free < 256 << 20 {
            problem("disk", text, "Free some space; without it interactions are refused with 507.")
        } else if free < 2 << 30 || share < 5 {
            note("disk", text, "Free some space soon.")
        } else {
            ok("disk", text)
        }
        if disk.f_files > 0, disk.f_favail < 1000 {
            problem("disk", "Only \(disk.f_favail) more files can be made.", "Remove files that are not needed.")
        }
        if disk.f_flag & UInt(ST_RDONLY) != 0 {
            problem("disk", "The disk of \(folder) is mounted for reading only.", "Mount it for writing.")
        }
    }

    private mutating func checkKeys() {
        let path = DemoTenant.keysPath(folder)
        var status = stat()
        guard stat(path, &status) == 0 else { return ok("keys", "No keys lie in the folder.") }
        if status.st_mode & 0o077 != 0 {
            problem(
                "keys", "Others may read the keys in \(path) (mode \(String(status.st_mode & 0o777, radix: 8))).",
                "chmod 600 \(path); then make new keys, for these may be known.")
        } else {
            ok("keys", "Only you may read \(path).")
        }
    }

    // MARK: - The databases

    private mutating func checkDatabases() {
        let path = "\(folder)/\(SQLiteRegistry.fileName)"
        let orphans = TenantFolders.withData(folder)
        guard TenantFolders.hasRegistry(folder) || orphans.isEmpty else {
            return problem("registry", TenantFolders.lost(folder, orphans), TenantFolders.remedy(folder, orphans))
        }
        guard let registry = inspect("registry", path, .registry) else { return }
        var known: [String] = []
        do throws(StorageError) {
            known = try registry.tenants()
        } catch {
            problem("registry", "\(path): \(error.message)", Doctor.restore)
        }
        if known.isEmpty, !orphans.isEmpty {
            problem("registry", TenantFolders.lost(folder, orphans), TenantFolders.remedy(folder, orphans))
        }
        let found = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/tenants").sorted()) ?? []
        for tenant in found where !known.contains(tenant) {
            problem(
                "tenant \(tenant)", "\(TenantFolders.unknown(tenant)).",
                "When it is wanted: footfall keys create --tenant \(tenant) --scope secret; else move it away.")
        }
        for tenant in known { check(tenant: tenant) }
    }

    private static let restore =
        "Restore it from a backup into a new folder (footfall restore SRC --data NEW), or recover what SQLite can: "
        + "sqlite3 FILE .recover"

    /// Opens a database and reads all of it; `nil` when it cannot be opened.
    private mutating func inspect(
        _ check: String, _ path: String, _ kind: StoreInspection.Kind, remedy: String = Doctor.restore
    ) -> StoreInspection? {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & 0o022 != 0 {
            problem(check, "Others may write to \(path).", "chmod 600 \(path)")
        }
        do throws(StorageError) {
            let inspection = try StoreInspection(path: path, kind)
            let damage = try inspection.damage(isFull: options.isFull)
            for line in damage { problem(check, "\(path) is damaged: \(line)", remedy) }
            if damage.isEmpty { ok(check, "\(path) is whole.") }
            return inspection
        } catch {
            let mend =
                switch error.code {
                case "store_too_new": "Start the program that wrote it, or a later one."
                case "store_unwritable": "chown -R USER \(folder), and run the server as that user."
                case "store_io": "Check the disk."
                default: remedy
                }
            problem(check, "\(path): \(error.message) (\(error.code))", mend)
            return nil
        }
    }

    private mutating func check(tenant: String) {
        let own = "\(folder)/tenants/\(tenant)"
        let check = "tenant \(tenant)"
        let path = "\(own)/\(SQLiteTenantStore.fileName)"
        let hasSnapshot = FileManager.default.fileExists(atPath: "\(own)/live.snapshot")
        if !FileManager.default.fileExists(atPath: path), !hasSnapshot,
            !FileManager.default.fileExists(atPath: path + "-wal")
        {
            return note(check, "The tenant has no file yet.", "It is made when its keys are first used.")
        }
        guard let inspection = inspect(check, path, .log) else { return }
        let facts: StoreInspection.Facts
        do throws(StorageError) {
            facts = try inspection.facts()
        } catch {
            return problem(check, "\(path): \(error.message)", Doctor.restore)
        }
        checkSnapshot(check, own, facts)
        checkIDs(check, own, facts)
        checkPlan(check, facts)
        checkModels(check, own)
        let lists = "\(own)/\(SQLiteListStore.fileName)"
        if FileManager.default.fileExists(atPath: lists) {
            _ = inspect(
                check, lists, .lists,
                remedy:
                    "Restore it from a backup; or start the server, which puts it aside and begins a new one: what was "
                    + "shown before is then known no more, and nothing else is lost.")
        }
        if StoreInspection.hasOverflow(folder: own) {
            if owner == nil {
                note(
                    check, "An earlier server left overflow.sqlite, which holds the newest interactions.",
                    "Leave it where it is: the next start moves it over. A copy of footfall.sqlite alone lacks them.")
            } else {
                note(
                    check, "Another program's long read of \(path) keeps the newest interactions in overflow.sqlite.",
                    "End that read; they then move over by themselves.")
            }
        }
        let ahead = (facts.lastReceivedAt ?? .min) > options.now + 300_000
        if ahead, let last = facts.lastReceivedAt {
            problem(
                "clock",
                "The last record of \(tenant) was received at \(Timestamp(milliseconds: last).rfc3339), which is in the "
                    + "future.", "Set the machine's clock (timedatectl), and keep it set by NTP.")
        }
    }

    private mutating func checkSnapshot(_ check: String, _ own: String, _ facts: StoreInspection.Facts) {
        let snapshot = LiveState.inspectSnapshot(at: "\(own)/live.snapshot")
        if let reason = snapshot.problem {
            return note(
                check, "The snapshot of the live state cannot be used: \(reason).",
                "Nothing is lost: the next start reads the log instead, which takes longer.")
        }
        guard let position = snapshot.position else {
            return note(
                check, "There is no snapshot of the live state; a start reads all of the log (\(facts.position)).")
        }
        if facts.position == 0 {
            problem(
                check, "The log is empty while there is a snapshot: the database was lost.",
                "Restore footfall.sqlite from a backup, or remove \(own) to begin anew.")
        } else if position > facts.position, !StoreInspection.hasOverflow(folder: own), owner == nil {
            problem(
                check,
                "The snapshot (position \(position)) is ahead of the log (\(facts.position)): the database is "
                    + "older than the snapshot.",
                "When the newer database is lost, go on: the next start reads the log. Else put it back first.")
        } else {
            ok(check, "The snapshot has position \(position), the log \(facts.position).")
        }
    }

    private mutating func checkIDs(_ check: String, _ own: String, _ facts: StoreInspection.Facts) {
        let path = "\(own)/deduplication"
        guard FileManager.default.fileExists(atPath: path) else {
            return note(check, "There are no files of remembered ids; the next start reads the ids from the log.")
        }
        // A running server's files may say more than was read of its log a moment ago.
        let position = owner == nil ? facts.position : .max
        do throws(StorageError) {
            let (files, problems) = try DeduplicationIndex.inspect(
                folder: path, seed: facts.seed, logPosition: position)
            for line in problems {
                problem(
                    check, "Of the files of remembered ids, \(line).",
                    "Start the server: it removes the file and reads the ids from the log.")
            }
            if problems.isEmpty { ok(check, "\(files.counted("file", "files")) of remembered ids checked: whole.") }
        } catch {
            problem(check, "\(path): \(error.message)", "Check the folder's owner and rights.")
        }
    }

    private mutating func checkModels(_ check: String, _ own: String) {
        let (count, problems) = ModelStore.inspect(tenantFolder: own)
        for line in problems {
            note(
                check, "A learned model cannot be used: \(line)",
                "Nothing is lost: an earlier one serves, or none. Train anew: footfall train --tenant \(check.dropFirst(7))"
            )
        }
        if count > 0, problems.isEmpty { ok(check, "\(count.counted("model", "models")) checked: whole.") }
    }

    private mutating func checkPlan(_ check: String, _ facts: StoreInspection.Facts) {
        do {
            if let text = facts.plan {
                let plan = try TrackingPlan(document: JSONValue(parsing: text), isStored: true)
                _ = try CompiledPlan(plan, version: 1, names: NameTable())
                ok(check, "The tracking plan is valid.")
            } else if facts.position > 0 {
                problem(check, "The log has no tracking plan.", Doctor.restore)
            }
            if let text = facts.settings { _ = try TenantSettings(document: JSONValue(parsing: text)) }
        } catch {
            let reason = (error as? FootfallError)?.message ?? "\(error)"
            problem(
                check, "The tracking plan or the settings cannot be used by this release: \(reason)",
                "Start the release that stored them, and replace them there (PUT /v1/plan, PATCH /v1/settings).")
        }
    }

    // MARK: - The machine

    private mutating func checkPort() {
        guard owner == nil, options.port > 0 else { return }
        guard let reason = PortProbe.problem(host: options.host, port: options.port) else {
            return ok("port", "\(options.host):\(options.port) is free.")
        }
        problem(
            "port", "\(options.host):\(options.port) cannot be listened on: \(reason).",
            "End the program that uses it, or choose another with --port.")
    }

    private mutating func checkMachine() {
        // 2025-01-01.
        if options.now < 1_735_689_600_000 {
            problem(
                "clock", "The clock says \(Timestamp(milliseconds: options.now).rfc3339).",
                "Set the machine's clock (timedatectl), and keep it set by NTP.")
        } else if !findings.contains(where: { $0.check == "clock" }) {
            ok("clock", "The clock says \(Timestamp(milliseconds: options.now).rfc3339).")
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < 1024 {
            note("machine", "A process may open \(limit.rlim_cur) files only.", "ulimit -n 8192")
        }
    }
}
