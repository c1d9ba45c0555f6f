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
        try console.output(text)
        return .success
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
            (key, Timestamp(milliseconds: key.createdAt).rfc3339, Program.fingerprint(key.hash))
        }
        if configuration.flag("json") {
            let entries = rows.map { key, time, hash -> JSONValue in
                [
                    "tenant": .string(key.tenant), "scope": .string(key.scope.rawValue), "created_at": .string(time),
                    "sha256_prefix": .string(hash),
                ]
            }
            try console.output(JSONValue.object(["keys": .array(entries)]).text)
        } else {
            for (key, time, hash) in rows {
                try console.output("\(key.tenant)  \(key.scope.rawValue)  \(time)  \(hash)")
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

    /// The first 12 hexadecimal digits of a hash.
    private static func fingerprint(_ hash: [UInt8]) -> String {
        hash.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
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
