internal import API
internal import Domain
internal import Foundation
internal import JSON
internal import Storage
internal import StorageSQLite

/// A backup's folder: the registry, each tenant's file, the demo tenant's keys, and a manifest that is written last, so
/// that what was broken off is never taken for whole.
struct BackupFolder {
    /// One database file of a backup.
    struct File: Equatable {
        /// Path below the folder.
        var path: String
        /// Last log position in it; `nil` for the registry.
        var position: Int64?
        var contents: StoreContents
    }

    static let manifestName = "manifest.json"
    static let keysName = "keys.json"
    private static let format: Int64 = 1

    let path: String
    var files: [File] = []
    var models: [Model] = []
    var madeAt = ""
    var hasKeys = false

    init(path: String) { self.path = path }

    /// Reads the manifest of a folder. Throws when it has none, or one of a later release.
    init(reading path: String) throws(CommandError) {
        self.path = path
        let file = "\(path)/\(BackupFolder.manifestName)"
        guard FileManager.default.fileExists(atPath: file) else {
            throw .failure("\(path) is no whole backup: it has no \(BackupFolder.manifestName).")
        }
        guard let document = try? JSONValue(parsing: Program.readFile(file)), document["kind"] == "footfall-backup",
            let list = document["files"]?.arrayValue
        else { throw .failure("\(file) cannot be read as a backup's manifest.") }
        guard document["format"]?.integerValue == BackupFolder.format else {
            throw .failure("\(file) was written by another release; use that one.")
        }
        madeAt = document["made_at"]?.stringValue ?? ""
        hasKeys = document["keys"] == true
        guard let models = BackupFolder.models(in: document) else {
            throw .failure("\(file) cannot be read as a backup's manifest.")
        }
        self.models = models
        for entry in list {
            guard let name = entry["path"]?.stringValue, BackupFolder.isPlain(name),
                let tables = entry["tables"]?.arrayValue
            else { throw .failure("\(file) cannot be read as a backup's manifest.") }
            let contents = StoreContents(
                tables: tables.map {
                    StoreContents.Table(
                        name: $0["name"]?.stringValue ?? "", rows: $0["rows"]?.integerValue ?? -1,
                        checksum: $0["sha256"]?.stringValue ?? "")
                })
            files.append(File(path: name, position: entry["position"]?.integerValue, contents: contents))
        }
        guard files.contains(where: { $0.path == SQLiteRegistry.fileName }) else {
            throw .failure("\(file) names no registry.")
        }
    }

    /// Paths come from a file: none may lead out of the folder.
    private static func isPlain(_ path: String) -> Bool {
        if path == SQLiteRegistry.fileName { return true }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0] == "tenants" && parts[2] == SQLiteTenantStore.fileName
            && !parts[1].isEmpty && !parts[1].hasPrefix(".")
    }

    /// Writes the manifest and makes everything in the folder durable.
    func finish() throws(CommandError) {
        let list = files.map { file -> JSONValue in
            var object: JSONObject = [
                "path": .string(file.path),
                "tables": .array(
                    file.contents.tables.map {
                        ["name": .string($0.name), "rows": .integer($0.rows), "sha256": .string($0.checksum)]
                    }),
            ]
            if let position = file.position { object["position"] = .integer(position) }
            return .object(object)
        }
        let document: JSONValue = [
            "kind": "footfall-backup", "format": .integer(BackupFolder.format), "made_at": .string(madeAt),
            "version": .string(Program.version), "keys": .bool(hasKeys), "files": .array(list),
            "models": .array(models.map(\.document)),
        ]
        for file in files { try Disk.synchronize("\(path)/\(file.path)") }
        for model in models { try Disk.synchronize("\(path)/\(model.path)") }
        try Disk.write(Array(document.text.utf8) + [10], to: "\(path)/\(BackupFolder.manifestName)")
        try Disk.synchronize(path)
    }

    /// The databases below a data folder or a backup that a manifest does not name.
    static func databases(below folder: String) -> [String] {
        let tenants = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/tenants")) ?? []
        let files = [SQLiteRegistry.fileName] + tenants.sorted().map { "tenants/\($0)/\(SQLiteTenantStore.fileName)" }
        return files.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    /// Compares the databases below a folder with the manifest; says what differs. `isStill`: nobody has them open.
    func differences(from folder: String, isStill: Bool) -> [String] {
        var lines: [String] = []
        for file in files {
            let path = "\(folder)/\(file.path)"
            guard FileManager.default.fileExists(atPath: path) else {
                lines.append("\(path) is missing.")
                continue
            }
            do throws(StorageError) {
                let contents = try StoreContents(path: path, isStill: isStill)
                for table in file.contents.tables where !contents.tables.contains(table) {
                    let own = contents.tables.first { $0.name == table.name }
                    let rows =
                        own.map { $0.rows == table.rows ? "other contents" : "\($0.rows) rows" } ?? "no such table"
                    lines.append("\(path): \(table.name) has \(table.rows) rows in the manifest; here: \(rows).")
                }
                for table in contents.tables where !file.contents.tables.contains(where: { $0.name == table.name }) {
                    lines.append("\(path): the table \(table.name) is not in the manifest.")
                }
            } catch {
                lines.append("\(path): \(error.message)")
            }
        }
        if isStill { lines += modelDifferences(from: folder) }
        for name in BackupFolder.databases(below: folder) where !files.contains(where: { $0.path == name }) {
            lines.append("\(folder)/\(name) is not in the manifest.")
        }
        return lines
    }

    var rows: Int64 {
        files.flatMap(\.contents.tables).filter { $0.name == "user_interactions" }.reduce(0) { $0 + $1.rows }
    }
    var tenants: Int { files.count - 1 }
}

/// Files written so that they are there after a power cut.
enum Disk {
    static func write(_ bytes: [UInt8], to path: String) throws(CommandError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .failure("\(path) cannot be written: \(systemMessage()).") }
        defer { close(descriptor) }
        guard Console.writeAll(bytes, to: descriptor), fsync(descriptor) == 0 else {
            throw .failure("\(path) cannot be written: \(systemMessage()).")
        }
    }

    static func synchronize(_ path: String) throws(CommandError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failure("\(path) cannot be opened: \(systemMessage()).") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .failure("\(path) cannot be made durable: \(systemMessage()).") }
    }

    /// Copies a file that nobody writes to, for its owner alone.
    static func copy(_ source: String, to path: String) throws(CommandError) {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw .failure("\(source) cannot be opened: \(systemMessage()).") }
        defer { close(input) }
        let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw .failure("\(path) cannot be written: \(systemMessage()).") }
        defer { close(output) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failure("\(source) cannot be read: \(systemMessage()).") }
            if count == 0 { break }
            guard Console.writeAll(Array(piece[..<count]), to: output) else {
                throw .failure("\(path) cannot be written: \(systemMessage()).")
            }
        }
        guard fsync(output) == 0 else { throw .failure("\(path) cannot be made durable: \(systemMessage()).") }
    }

    /// Makes a folder for its owner alone; one that is there must be empty.
    static func makeEmpty(_ path: String) throws(CommandError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { throw .failure("\(path) is a file; name a folder.") }
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
                throw .failure("\(path) cannot be read: check its owner and rights.")
            }
            guard names.isEmpty else {
                throw .failure("\(path) is not empty, and nothing is overwritten; name another.")
            }
            return
        }
        try makeFolder(path, above: true)
    }

    static func makeFolder(_ path: String, above: Bool = false) throws(CommandError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: above, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .failure("The folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// Takes away what is in a folder that was empty when the command began.
    static func empty(_ path: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    /// A path from the root.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
