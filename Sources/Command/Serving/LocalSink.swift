internal import API
internal import Foundation
internal import JSON

/// Imports into a data folder that no server runs on: opens it for the time of the import and sends through its admin
/// socket, so that there is one way in.
final class LocalSink: ImportSink {
    private let application: Application
    private let sink: SocketSink

    init(folder: String, tenant: String) throws(CommandError) {
        var maintenance = Maintenance.Configuration()
        maintenance.tasks.isOff = true
        application = try Application(
            folder: folder, options: TenantOpening.Options(), maintenance: maintenance, log: Log(level: .error))
        do {
            guard try application.directory.open(tenant) != nil else {
                throw CommandError.failure(
                    "There is no tenant \"\(tenant)\" in \(folder); make one with \"footfall keys create\".")
            }
        } catch {
            application.stop()
            throw Application.failure(error)
        }
        sink = SocketSink(client: AdminClient(socketPath: "\(folder)/admin.sock"), tenant: tenant) { seconds in
            usleep(UInt32(seconds * 1_000_000))
        }
    }

    func send(interactions lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try sink.send(interactions: lines, count: count)
    }

    func send(entities lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try sink.send(entities: lines, count: count)
    }

    func send(users lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try sink.send(users: lines, count: count)
    }

    func close() { application.stop() }
}
