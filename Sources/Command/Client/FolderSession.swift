internal import API
internal import Glibc
internal import JSON
internal import StorageSQLite

/// A data folder that a command asks things of: through the server that runs on it, or, when none does, opened for the
/// time of the command behind the same admin socket, so that there is one way in.
final class FolderSession {
    private let client: AdminClient
    private let application: Application?
    let folder: String

    /// Whether a server runs on the folder.
    var isServed: Bool { application == nil }

    /// Throws when the folder is none, or is in use by something that does not listen.
    init(folder: String) throws(CommandError) {
        self.folder = folder
        let socket = "\(folder)/admin.sock"
        if AdminClient.isListening(socket) {
            application = nil
        } else {
            guard access("\(folder)/\(SQLiteRegistry.fileName)", F_OK) == 0 else {
                throw .failure(
                    "\(folder) is no data folder; give one with --data, or make one with \"footfall serve\".")
            }
            var maintenance = Maintenance.Configuration()
            maintenance.tasks.isOff = true
            application = try Application(
                folder: folder, options: TenantOpening.Options(), maintenance: maintenance, log: Log(level: .error))
        }
        client = AdminClient(socketPath: socket)
    }

    func close() { application?.stop() }

    /// Asks, again after a while when the server is busy; throws what the server says against it.
    func send(_ method: String, _ path: String, tenant: String?, body: [UInt8] = []) throws(CommandError) -> [UInt8] {
        var waited = 0.0
        while true {
            var headers = ["Content-Type: application/json"]
            if let tenant { headers.append("X-Footfall-Tenant: \(tenant)") }
            let answer = client.send(method: method, path: path, headers: headers, body: body)
            if (200..<300).contains(answer.status) { return answer.body }
            let document = try? JSONValue(parsing: answer.body)
            if answer.status == 503 || answer.status == 0, waited < 20 {
                let pause = max(0.2, min(Double(answer.retryAfter), 5))
                usleep(UInt32(pause * 1_000_000))
                waited += pause
                continue
            }
            guard answer.status > 0 else {
                throw .failure(
                    "The server of \(folder) no longer answers (\(String(decoding: answer.body, as: UTF8.self))).")
            }
            let code = document?["code"]?.stringValue ?? "unknown"
            let detail = document?["detail"]?.stringValue ?? "No reason was given."
            throw .failure("\(detail) (\(code))")
        }
    }
}
