internal import API
internal import Collect
internal import Dispatch
internal import Domain
internal import Foundation
internal import HTTP
internal import JSON
internal import Storage

/// `footfall serve`: an application behind the public port, until a signal ends it.
enum Serving {
    /// Serves until SIGTERM or SIGINT. Prints where, and what to try, on standard output.
    static func run(_ options: ServeOptions, console: Console) throws(CommandError) {
        // Signals are taken by this thread alone, so they are blocked before any other thread begins.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)

        let log = Log(level: Log.Level(name: options.logLevel.rawValue) ?? .info)
        let application = try Application(
            folder: options.dataFolder, options: try opening(options), maintenance: maintenance(options), log: log)
        var configuration = FootfallServer.Configuration()
        configuration.corsOrigins = options.corsOrigins
        configuration.metricsNeedSecretKey = options.hasPrivateMetrics
        let handler = FootfallServer(directory: application.directory, configuration: configuration, log: log)
        let server: HTTPServer
        let keys: DemoTenant.Keys?
        do {
            server = try HTTPServer(
                HTTPServerConfiguration(
                    host: options.host, port: UInt16(clamping: options.port), threads: options.threads,
                    connectionTimeoutSeconds: options.timeoutSeconds, maximumConnections: options.maximumConnections,
                    maximumHeaderBytes: options.maximumHeaderBytes), handler: handler)
            keys =
                options.makesDemo
                ? try DemoTenant.prepare(
                    application.directory, folder: options.dataFolder, now: wallClockMilliseconds()) : nil
            if options.makesDemo { try setPlan(options, application) }
            try server.start()
        } catch {
            application.stop()
            throw Application.failure(error)
        }
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        let address = "http://\(host):\(server.port)"
        log.info("listening", ["address": .string(address), "data": .string(options.dataFolder)])
        try console.output(Array(welcome(address, keys, options).utf8))

        var number: Int32 = 0
        sigwait(&signals, &number)
        log.info("stopping", ["signal": .integer(Int64(number))])
        handler.prepareToStop()
        server.stop(graceSeconds: 10)
        application.stop()
        log.info("stopped")
    }

    private static func opening(_ options: ServeOptions) throws(CommandError) -> TenantOpening.Options {
        var opening = TenantOpening.Options()
        opening.collector.maximumQueuedRows = options.queuedInteractions
        opening.collector.maximumQueuedBytes = options.queuedBytes
        opening.snapshotSeconds = Double(options.snapshotSeconds)
        return opening
    }

    private static func maintenance(_ options: ServeOptions) -> Maintenance.Configuration {
        var maintenance = Maintenance.Configuration()
        for (name, seconds) in options.taskSeconds { maintenance.tasks.seconds[name] = Double(seconds) }
        return maintenance
    }

    /// Puts the plan file into force for the demo tenant when it says something else than the plan there.
    private static func setPlan(_ options: ServeOptions, _ application: Application) throws {
        guard let tenant = try application.directory.open(DemoTenant.id), let path = options.planFile else { return }
        let text: [UInt8]
        do throws(CommandError) { text = try Program.readFile(path) } catch {
            throw CommandError.failure("The tracking plan: \(error.message)")
        }
        let plan = try trackingPlan(text, path)
        if plan != tenant.plan.plan { try tenant.setPlanAndWait(plan, now: wallClockMilliseconds()) }
    }

    /// The plan that a file holds, checked down to its schemas.
    static func trackingPlan(_ text: [UInt8], _ path: String) throws(CommandError) -> TrackingPlan {
        do {
            let plan = try TrackingPlan(document: JSONValue(parsing: text))
            _ = try CompiledPlan(plan, version: 0, names: NameTable())
            return plan
        } catch let error as JSONError {
            throw CommandError.failure("The tracking plan \(path) is not JSON: \(error.message)")
        } catch {
            let reason = error as? FootfallError
            throw CommandError.failure(
                "The tracking plan \(path) is not valid: \(reason?.message ?? "\(error)") (at \(reason?.path ?? "/"))")
        }
    }

    private static func welcome(_ address: String, _ keys: DemoTenant.Keys?, _ options: ServeOptions) -> String {
        var text = "Footfall is ready on \(address), with its data in \(options.dataFolder).\n"
        guard options.makesDemo else { return text }
        let path = DemoTenant.keysPath(options.dataFolder)
        guard let keys else {
            return text + "No keys that open the tenant demo are in \(path) any more;"
                + " make new ones with: footfall keys create --data \(options.dataFolder) --tenant demo --scope write\n"
        }
        text += """
            The tenant demo's keys are in \(path). Try:

            curl -s \(address)/v1/interactions -H 'Authorization: Bearer \(keys.write)' -H 'Content-Type: application/json' -d '{"type": "view", "entity_id": "p1", "user_id": "u1"}'
            curl -s '\(address)/v1/popular?limit=5' -H 'Authorization: Bearer \(keys.write)'
            curl -s \(address)/v1/users/u1/interactions -H 'Authorization: Bearer \(keys.secret)'

            """
        return text
    }
}
