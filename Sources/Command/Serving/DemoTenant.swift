internal import API
internal import Domain
internal import Foundation
internal import JSON
internal import Storage

/// The tenant that a first start makes, so that there is something to try.
enum DemoTenant {
    static let id = "demo"

    /// It keeps its data for ever, and takes user ids as they come.
    static var settings: TenantSettings {
        var settings = TenantSettings()
        settings.retentionDays = nil
        settings.trustsUserIDs = true
        settings.domains = ["demo.example", "demo.myshopify.com", "localhost"]
        return settings
    }

    /// The keys of the tenant, as they lie in the data folder.
    struct Keys {
        var write: String
        var secret: String
    }

    static func keysPath(_ folder: String) -> String { "\(folder)/keys.json" }

    /// Makes the tenant and its keys when there is none. Returns the keys that the file in the data folder holds, unless
    /// one of them opens nothing any more.
    static func prepare(_ directory: TenantDirectory, folder: String, now: Int64) throws -> Keys? {
        if try directory.registry.add(Tenant(id: id, createdAt: now)) {
            let write = KeyText.make(tenant: id, scope: .write, now: now)
            let secret = KeyText.make(tenant: id, scope: .secret, now: now)
            // The file first: keys that nobody can read would open a tenant to nobody.
            let document: JSONValue = ["demo": ["write": .string(write.text), "secret": .string(secret.text)]]
            try writeKeys(document.text + "\n", to: keysPath(folder))
            try directory.add(write.entry)
            try directory.add(secret.entry)
        }
        guard let keys = readKeys(keysPath(folder)) else { return nil }
        let good = Set(try directory.registry.keys().map(\.hexadecimalHash))
        return good.isSuperset(of: [keys.write, keys.secret].map(KeyText.hexadecimalHash)) ? keys : nil
    }

    private static func writeKeys(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw StorageError("store_unwritable", "The file \(path) cannot be written.") }
        defer { close(file) }
        _ = fchmod(file, 0o600)
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw StorageError("disk_full", "The file \(path) cannot be written.")
        }
    }

    private static func readKeys(_ path: String) -> Keys? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let document = try? JSONValue(parsing: text), let demo = document[id],
            let write = demo["write"]?.stringValue, let secret = demo["secret"]?.stringValue
        else { return nil }
        return Keys(write: write, secret: secret)
    }
}
