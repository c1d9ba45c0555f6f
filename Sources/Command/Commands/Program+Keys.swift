internal import API
internal import Domain
internal import JSON
internal import Storage

extension Program {
    func createKey(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let tenant = try Program.tenant(configuration)
        guard let scope = configuration.text("scope").flatMap({ KeyScope(rawValue: $0) }) else {
            throw .usage("--scope must be write, secret or webhook.")
        }
        let folder = configuration.text("data", or: "./data")
        let registry = try openRegistry(folder)
        defer { registry.close() }
        let (text, entry) = services.makeKey(tenant, scope, clock())
        do throws(StorageError) {
            if try registry.add(Tenant(id: tenant, createdAt: clock())) {
                console.error("The tenant \(tenant) is new; it was made in \(folder).")
            }
            try registry.add(entry)
        } catch {
            throw .failure("The key could not be stored: \(error.message)")
        }
        console.error("The key's id is \(entry.id); it can be revoked with: footfall keys revoke \(entry.id)")
        try console.output(text)
        return .success
    }

    func revokeKey(_ configuration: Configuration, _ name: String) throws(CommandError) -> CommandStatus {
        let folder = configuration.text("data", or: "./data")
        let key = try find(name, in: folder)
        try services.revokeKey(folder, key, clock())
        try console.output(
            "The \(key.scope.rawValue) key \(key.id) of the tenant \(key.tenant) opens nothing any more.")
        return .success
    }

    /// The one key whose hash begins with what is given, or whose text it is.
    private func find(_ name: String, in folder: String) throws(CommandError) -> KeyEntry {
        let registry = try openRegistry(folder)
        defer { registry.close() }
        let isText = ["ffw_", "ffs_", "ffh_"].contains { name.hasPrefix($0) }
        let start = isText ? KeyText.hexadecimalHash(of: name) : name.lowercased()
        guard start.utf8.count >= 6, start.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw .usage(
                "\(name) is no key's id: give at least the first 6 of its digits as \"footfall keys list\" shows them.")
        }
        let keys: [KeyEntry]
        do throws(StorageError) {
            keys = try registry.keys().filter { $0.hexadecimalHash.hasPrefix(start) }
        } catch {
            throw .failure(error.message)
        }
        guard let key = keys.first else {
            throw .failure(
                "There is no key \(isText ? "with this text" : start) in \(folder), or it is revoked already.")
        }
        guard keys.count == 1 else {
            throw .failure("\(keys.count) keys in \(folder) begin with \(start): give more of its digits.")
        }
        return key
    }

    func listKeys(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let folder = configuration.text("data", or: "./data")
        let only = configuration.text("tenant")
        let registry = try openRegistry(folder)
        defer { registry.close() }
        var keys: [KeyEntry] = []
        do throws(StorageError) {
            keys = try registry.keys().filter { only == nil || $0.tenant == only }
            if let only, try !registry.tenants().contains(where: { $0.id == only }) {
                throw StorageError("not_found", "There is no tenant \(only) in \(folder).")
            }
        } catch {
            throw .failure(error.message)
        }
        keys.sort { ($0.tenant, $0.createdAt) < ($1.tenant, $1.createdAt) }
        let rows = keys.map { key in
            (key, Timestamp(milliseconds: key.createdAt).rfc3339, key.id)
        }
        if configuration.flag("json") {
            let entries = rows.map { key, time, id -> JSONValue in
                [
                    "tenant": .string(key.tenant), "scope": .string(key.scope.rawValue), "created_at": .string(time),
                    "id": .string(id),
                ]
            }
            try console.output(JSONValue.object(["keys": .array(entries)]).text)
        } else {
            for (key, time, id) in rows {
                try console.output("\(key.tenant)  \(key.scope.rawValue)  \(time)  \(id)")
            }
        }
        return .success
    }

    private func openRegistry(_ folder: String) throws(CommandError) -> any Registry {
        do throws(StorageError) {
            return try services.openRegistry(folder)
        } catch {
            throw .failure("The data folder \(folder) cannot be used: \(error.message)")
        }
    }

    /// The tenant that a command is about. Its id is the name of a folder, so it is a plain word.
    static func tenant(_ configuration: Configuration) throws(CommandError) -> String {
        let id = configuration.text("tenant", or: "")
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case 97...122, 48...57, 95, 45: true
            default: false
            }
        }
        guard isPlain, (1...64).contains(id.utf8.count), !id.hasPrefix("-"), !id.hasPrefix("_") else {
            throw .usage(
                "--tenant must be 1 to 64 lower-case letters, digits, - or _, and begin with a letter or a digit.")
        }
        return id
    }
}
