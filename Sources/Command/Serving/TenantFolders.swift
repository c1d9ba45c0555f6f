internal import Foundation
internal import Storage
internal import StorageSQLite

/// The folders of tenants in a data folder, beside what its registry knows of them.
enum TenantFolders {
    /// Whether there is a registry with anything in it.
    static func hasRegistry(_ folder: String) -> Bool {
        let path = "\(folder)/\(SQLiteRegistry.fileName)"
        // Anything may still stand in its write-ahead log.
        return [path, path + "-wal"].contains { size($0) > 0 }
    }

    /// Ids of the tenants whose folders hold data, in order.
    static func withData(_ folder: String) -> [String] {
        let tenants = "\(folder)/tenants"
        let found = (try? FileManager.default.contentsOfDirectory(atPath: tenants).sorted()) ?? []
        return found.filter { size("\(tenants)/\($0)/\(SQLiteTenantStore.fileName)") > 0 }
    }

    /// Throws when there is data of tenants. For a folder whose registry knows none: a start would make a new tenant with
    /// new keys, and look as if all were well while every key that was given out is refused.
    static func refuseOrphans(_ folder: String) throws(StorageError) {
        let ids = withData(folder)
        guard !ids.isEmpty else { return }
        throw StorageError("registry_lost", "\(lost(folder, ids)) \(remedy(folder, ids))")
    }

    static func lost(_ folder: String, _ ids: [String]) -> String {
        "\(folder)/\(SQLiteRegistry.fileName), which holds tenants and keys, is missing or empty, while there is data of "
            + "\(ids.joined(separator: ", "))."
    }

    static func remedy(_ folder: String, _ ids: [String]) -> String {
        "Put the file back from a backup; or make keys anew for each, which brings its data back: "
            + "footfall keys create --data \(folder) --tenant \(ids.first ?? "T") --scope secret"
    }

    /// Without a full stop, so that what to do can follow.
    static func unknown(_ id: String) -> String { "The folder tenants/\(id) is of no tenant that the registry knows" }

    private static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    }
}
