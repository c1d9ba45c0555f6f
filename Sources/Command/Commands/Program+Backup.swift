internal import Domain
internal import Foundation
internal import JSON
internal import Storage
internal import StorageSQLite

extension Program {
    /// Copies a data folder, beside the server that runs on it or without one.
    func backUp(_ configuration: Configuration, destination: String) throws(CommandError) -> CommandStatus {
        if configuration.flag("verify") {
            let backup = try BackupFolder(reading: destination)
            return try tell(backup, backup.differences(from: destination, isStill: true), about: destination)
        }
        let folder = configuration.text("data", or: "./data")
        let session = try FolderSession(folder: folder)
        defer { session.close() }
        try Disk.makeEmpty(destination)
        var backup = BackupFolder(path: destination)
        backup.madeAt = Timestamp(milliseconds: clock()).rfc3339
        do throws(CommandError) {
            let body: JSONValue = ["destination": .string(Disk.absolute(destination))]
            _ = try session.send("POST", "/v1/backup", tenant: nil, body: Array(body.text.utf8))
            let positions = try wait(session)
            // Its keys' text is nowhere else.
            let keys = "\(folder)/\(BackupFolder.keysName)"
            if FileManager.default.fileExists(atPath: keys) {
                try Disk.copy(keys, to: "\(destination)/\(BackupFolder.keysName)")
                backup.hasKeys = true
            }
            for path in BackupFolder.databases(below: destination) {
                let tenant = path.split(separator: "/").dropFirst().first.map(String.init)
                let file = "\(destination)/\(path)"
                do throws(StorageError) {
                    let contents = try StoreContents(path: file, isStill: true)
                    backup.files.append(
                        .init(path: path, position: tenant.flatMap { positions[$0] }, contents: contents))
                } catch {
                    throw .failure("The copy \(file) cannot be read: \(error.message)")
                }
            }
            backup.models = try BackupFolder.models(below: destination)
            try backup.finish()
        } catch {
            Disk.empty(destination)
            throw error
        }
        let tenants = backup.tenants.counted("tenant", "tenants")
        let rows = Int(backup.rows).counted("interaction", "interactions")
        try console.output("\(tenants) with \(rows) backed up to \(destination).")
        return .success
    }

    /// Waits for the server's copying and shows how far it is. Answers each tenant's position.
    private func wait(_ session: FolderSession) throws(CommandError) -> [String: Int64] {
        var shown = Program.monotonicSeconds()
        while true {
            let answer = try? JSONValue(parsing: try session.send("GET", "/v1/backup", tenant: nil))
            switch answer?["state"]?.stringValue {
            case "running":
                let now = Program.monotonicSeconds()
                if now - shown >= (console.isErrorTerminal ? 0.2 : 5) {
                    shown = now
                    let all = answer?["pages"]?.integerValue ?? 0
                    let share = all > 0 ? (answer?["pages_done"]?.integerValue ?? 0) * 100 / all : 0
                    let text = "\(answer?["tenant"]?.stringValue ?? "registry"): \(share) %"
                    if console.isErrorTerminal { console.errorText("\r\u{1B}[K" + text) } else { console.error(text) }
                }
                usleep(20_000)
            case "done":
                if console.isErrorTerminal { console.errorText("\r\u{1B}[K") }
                var positions: [String: Int64] = [:]
                for tenant in answer?["tenants"]?.arrayValue ?? [] {
                    if let id = tenant["id"]?.stringValue { positions[id] = tenant["position"]?.integerValue }
                }
                return positions
            case "failed":
                let message = answer?["error"]?["message"]?.stringValue ?? "No reason was given."
                throw .failure("The backup failed: \(message)")
            default: throw .failure("The server's answer cannot be understood; is it of the same version?")
            }
        }
    }

    /// Makes a data folder of a backup, or compares the two.
    func restore(_ configuration: Configuration, source: String) throws(CommandError) -> CommandStatus {
        let backup = try BackupFolder(reading: source)
        let folder = configuration.text("data", or: "./data")
        if configuration.flag("verify") {
            let isServed = AdminClient.isListening("\(folder)/admin.sock")
            return try tell(backup, backup.differences(from: folder, isStill: false), about: folder, isServed: isServed)
        }
        let broken = backup.differences(from: source, isStill: true)
        guard broken.isEmpty else {
            for line in broken { console.error(line) }
            throw .failure("\(source) is damaged; nothing was restored.")
        }
        try Disk.makeEmpty(folder)
        do throws(CommandError) {
            try Disk.makeFolder("\(folder)/tenants")
            for file in backup.files where file.position != nil || file.path != SQLiteRegistry.fileName {
                let path = "\(folder)/\(file.path)"
                try Disk.makeFolder((path as NSString).deletingLastPathComponent)
                try Disk.copy("\(source)/\(file.path)", to: path)
                try Disk.synchronize((path as NSString).deletingLastPathComponent)
            }
            for model in backup.models {
                let path = "\(folder)/\(model.path)"
                let own = (path as NSString).deletingLastPathComponent
                if !FileManager.default.fileExists(atPath: own) { try Disk.makeFolder(own, above: true) }
                try Disk.copy("\(source)/\(model.path)", to: path)
                try Disk.synchronize(own)
            }
            if backup.hasKeys {
                try Disk.copy("\(source)/\(BackupFolder.keysName)", to: "\(folder)/\(BackupFolder.keysName)")
            }
            // Without its registry a folder is not taken for a data folder: it comes last.
            let name = SQLiteRegistry.fileName
            try Disk.copy("\(source)/\(name)", to: "\(folder)/\(name)")
            try Disk.synchronize("\(folder)/tenants")
            try Disk.synchronize(folder)
            let differences = backup.differences(from: folder, isStill: true)
            guard differences.isEmpty else {
                for line in differences { console.error(line) }
                throw .failure("What was written to \(folder) reads back otherwise; check the disk.")
            }
        } catch {
            Disk.empty(folder)
            throw error
        }
        let tenants = backup.tenants.counted("tenant", "tenants")
        let rows = Int(backup.rows).counted("interaction", "interactions")
        try console.output("\(tenants) with \(rows) of \(backup.madeAt) restored to \(folder).")
        console.error("The first start on it rebuilds the live state and the remembered ids from the log.")
        return .success
    }

    private func tell(
        _ backup: BackupFolder, _ differences: [String], about folder: String, isServed: Bool = false
    ) throws(CommandError) -> CommandStatus {
        guard !differences.isEmpty else {
            try console.output("\(folder) has the contents that the backup of \(backup.madeAt) had.")
            return .success
        }
        for line in differences { try console.output(line) }
        if isServed { console.error("A server runs on \(folder), so it may have changed since.") }
        return .failure
    }
}
