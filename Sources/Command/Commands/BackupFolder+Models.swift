internal import Domain
internal import Foundation
internal import JSON

/// The learned models of a backup. They carry checksums of their own; the manifest has one of each file as well, so that
/// what is missing shows.
extension BackupFolder {
    /// A file of a tenant's models.
    struct Model: Equatable {
        /// Path below the folder.
        var path: String
        var bytes: Int64
        /// XXH3 of the file, in hexadecimal.
        var checksum: String

        var document: JSONValue {
            ["path": .string(path), "bytes": .integer(bytes), "xxh3": .string(checksum)]
        }
    }

    /// The models below a data folder or a backup.
    static func models(below folder: String) throws(CommandError) -> [Model] {
        let tenants = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/tenants")) ?? []
        var models: [Model] = []
        for tenant in tenants.sorted() {
            let own = "tenants/\(tenant)/models"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(own)")) ?? []
            for name in names.sorted() { models.append(try model("\(own)/\(name)", below: folder)) }
        }
        return models
    }

    private static func model(_ path: String, below folder: String) throws(CommandError) -> Model {
        let file = "\(folder)/\(path)"
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped) else {
            throw .failure("\(file) cannot be read: \(systemMessage()).")
        }
        let checksum = data.withUnsafeBytes { checksum64($0) }
        return Model(path: path, bytes: Int64(data.count), checksum: String(checksum, radix: 16))
    }

    /// The models that a manifest names; `nil` when it is none that can be read.
    static func models(in document: JSONValue) -> [Model]? {
        var models: [Model] = []
        for entry in document["models"]?.arrayValue ?? [] {
            guard let path = entry["path"]?.stringValue, isModelPath(path), let bytes = entry["bytes"]?.integerValue,
                let checksum = entry["xxh3"]?.stringValue
            else { return nil }
            models.append(Model(path: path, bytes: bytes, checksum: checksum))
        }
        return models
    }

    /// Paths come from a file: none may lead out of the folder.
    private static func isModelPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "tenants" && parts[2] == "models"
            && [parts[1], parts[3]].allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
    }

    /// What the models below a folder have otherwise than the manifest. A server that runs may have newer ones, which is
    /// no difference.
    func modelDifferences(from folder: String) -> [String] {
        models.compactMap { model in
            let path = "\(folder)/\(model.path)"
            guard FileManager.default.fileExists(atPath: path) else { return "\(path) is missing." }
            let own = try? BackupFolder.model(model.path, below: folder)
            return own == model ? nil : "\(path) is not as in the manifest."
        }
    }
}
