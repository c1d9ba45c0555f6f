internal import Foundation
internal import JSON
internal import Training

extension FolderSession {
    /// What a tenant's models are learned from: histories with times and the entities that the items stand for. Read by the
    /// server that runs on the folder, or without one by this process; `progress` is told the share that is read.
    func trainingData(tenant: String, progress: (Double) -> Void = { _ in }) throws(CommandError) -> TrainingData {
        let path =
            Disk.absolute(folder) + "/tenants/\(tenant)/training-data-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let body: JSONValue = ["tenant": .string(tenant), "destination": .string(path)]
        _ = try send("POST", "/v1/models/data", tenant: nil, body: Array(body.text.utf8))
        while true {
            let answer = try? JSONValue(
                parsing: try send("GET", "/v1/models/data?tenant=\(Program.percentEncoded(tenant))", tenant: nil))
            switch answer?["state"]?.stringValue {
            case "running":
                progress(answer?["progress"]?.doubleValue ?? 0)
                usleep(20_000)
            case "done":
                do throws(TrainingError) {
                    return try TrainingData(path: path)
                } catch {
                    throw .failure("\(error.message) (\(error.code))")
                }
            case "failed":
                throw .failure(answer?["error"]?["message"]?.stringValue ?? "The log could not be read.")
            default: throw .failure("The server's answer cannot be understood; is it of the same version?")
            }
        }
    }
}
