import API
import Foundation
import HTTP
import JSON
import Storage
import StorageSQLite
import Testing
import Training

@testable import Command

/// Imports through the product's own parts, and reads the answers over HTTP.
@Suite("From a file to an answer", .serialized)
struct EndToEndTests {
    private let folder = TemporaryFolder()
    private var data: String { folder.path + "/data" }

    private func run(_ arguments: String...) -> (status: CommandStatus, output: String, error: String) {
        let transcript = Transcript()
        let program = Program(
            console: transcript.console(), environment: [:], services: .live, processors: 2)
        return (program.run(arguments), transcript.output, transcript.error)
    }

    private func makeTenant(_ id: String) {
        let made = run("keys", "create", "--data", data, "--tenant", id, "--scope", "secret")
        #expect(made.status == .success, "\(made.error)")
    }

    /// Opens the folder as a server does and calls `body` with a way to ask it.
    private func serving(_ body: ((String) throws -> JSONValue) throws -> Void) throws {
        let application = try Application(
            folder: data, options: TenantOpening.Options(), maintenance: Maintenance.Configuration(),
            log: Log(level: .error))
        defer { application.stop() }
        let client = AdminClient(socketPath: data + "/admin.sock")
        try body { path in
            let answer = client.send(method: "GET", path: path, headers: ["X-Footfall-Tenant: demo"], body: [])
            #expect(answer.status == 200, "\(path): \(String(decoding: answer.body, as: UTF8.self))")
            return try JSONValue(parsing: answer.body)
        }
    }

    @Test("a key that keys create prints is the one whose hash the registry holds")
    func keys() throws {
        let first = run("keys", "create", "--data", data, "--tenant", "demo", "--scope", "write")
        let second = run("keys", "create", "--data", data, "--tenant", "demo", "--scope", "webhook")
        #expect(first.status == .success)
        #expect(first.output.hasPrefix("ffw_") && first.output.utf8.count == 4 + 43 + 1)
        #expect(second.output.hasPrefix("ffh_"))
        #expect(second.error.hasPrefix("The key's id is "))
        let registry = try SQLiteRegistry(folder: data)
        defer { registry.close() }
        let keys = try registry.keys()
        #expect(keys.count == 2)
        #expect(keys.allSatisfy { $0.hash.count == 32 })
        let listed = run("keys", "list", "--data", data)
        #expect(listed.output.split(separator: "\n").count == 2)
        #expect(!listed.output.contains("ffw_"))
    }

    @Test("a revoked key opens nothing, whether its server runs or not")
    func revocation() throws {
        func key(_ scope: String) throws -> (text: String, id: String) {
            let made = run("keys", "create", "--data", data, "--tenant", "demo", "--scope", scope)
            let id = try #require(made.error.split(separator: "\n").last?.split(separator: " ").last)
            return (made.output.trimmingCharacters(in: .newlines), String(id))
        }
        let keys = try (0..<3).map { _ in try key("write") }
        let webhook = try key("webhook")
        #expect(run("keys", "revoke", "--data", data, keys[0].id).status == .success)
        let again = run("keys", "revoke", "--data", data, keys[0].id)
        #expect(again.status == .failure && again.error.contains("revoked already"))
        let application = try Application(
            folder: data, options: TenantOpening.Options(), maintenance: Maintenance.Configuration(),
            log: Log(level: .error))
        defer { application.stop() }
        let handler = FootfallServer(directory: application.directory, log: application.log)
        let server = try HTTPServer(
            HTTPServerConfiguration(unixSocketPath: folder.path + "/public", threads: 1), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        let client = AdminClient(socketPath: folder.path + "/public")
        func status(_ key: String, _ path: String = "/v1/popular", method: String = "GET") -> Int {
            client.send(method: method, path: path, headers: ["X-API-Key: \(key)"], body: []).status
        }
        #expect(keys.map { status($0.text) } == [401, 200, 200])
        #expect(run("keys", "revoke", "--data", data, keys[1].id).status == .success)
        #expect(keys.map { status($0.text) } == [401, 401, 200])
        // By the key itself, and in the list no more.
        #expect(run("keys", "revoke", "--data", data, keys[2].text).status == .success)
        #expect(keys.map { status($0.text) } == [401, 401, 401])
        #expect(try application.directory.registry.keys().contains { $0.signingSecret != nil })
        #expect(run("keys", "revoke", "--data", data, webhook.id).status == .success)
        #expect(try !application.directory.registry.keys().contains { $0.signingSecret != nil })
        #expect(run("keys", "list", "--data", data).output.isEmpty)
        // The public port does not offer it.
        let secret = try key("secret")
        #expect(status(secret.text, "/v1/keys/revoke", method: "POST") == 404)
        #expect(status(secret.text) == 200)
    }

    @Test("an import needs a data folder and a tenant that are there")
    func refusals() {
        let file = folder.file("x.jsonl", #"{"type":"view","entity_id":"1","user_id":"u"}"#)
        let nowhere = run("import", "--data", data, "--tenant", "demo", "--format", "jsonl", file)
        #expect(nowhere.status == .failure)
        #expect(nowhere.error.contains("is no data folder"))
        makeTenant("demo")
        let nobody = run("import", "--data", data, "--tenant", "other", "--format", "jsonl", file)
        #expect(nobody.status == .failure)
        #expect(nobody.error.contains("no tenant \"other\""))
    }

    @Test("a csv catalogue and csv interactions arrive, refused ones are shown, and again adds nothing")
    func csv() throws {
        makeTenant("demo")
        let products = folder.file(
            "products.csv",
            "type,id,title,categories,price,currency\nproduct,1,\"Tea, green\",drinks|hot,4.50,EUR\nproduct,2,Cup,,-1,EUR\n"
        )
        let entities = run("import", "--data", data, "--tenant=demo", "--format=csv", "--entities", products)
        #expect(entities.status == .failure)
        #expect(entities.output.hasPrefix("2 read, 0 tracked, 1 entity stored, 1 rejected in "))
        #expect(entities.error.hasPrefix("line 3: invalid_entity: "), "\(entities.error)")
        let events = folder.file(
            "events.csv",
            "type,entity_type,entity_id,user_id,occurred_at,metadata.page\nview,product,1,u,2020-01-01T00:00:00Z,3\n"
                + "view,product,1,u,2020-01-01T00:00:01Z,\nlook,product,1,u,,\nview,product,1,,,\n")
        let first = run("import", "--data", data, "--tenant", "demo", "--format", "csv", events)
        #expect(first.output.hasPrefix("4 read, 2 tracked, 2 rejected in "), "\(first)")
        let problems = first.error.split(separator: "\n")
        #expect(problems.map { $0.prefix(8) } == ["line 4: ", "line 5: "])
        let again = run("import", "--data", data, "--tenant", "demo", "--format", "csv", "--allow-errors", events)
        #expect(again.status == .success)
        #expect(again.output.hasPrefix("4 read, 0 tracked, 2 duplicates, 2 rejected in "), "\(again)")
        try serving { get in
            #expect(try get("/v1/entities/product/1")["title"] == "Tea, green")
            #expect(try get("/v1/entities/product/1/stats")["counts"]?["view_count"] == 2)
            let items = try get("/v1/popular?time_window=all")["items"]?.arrayValue ?? []
            #expect(items.map { $0["entity_id"] } == ["1"])
        }
    }

    @Test(
        "MovieLens 100K: the popular list is the one that counting the file gives, and again adds nothing",
        .enabled(if: SharedData.has("ml-100k"), "the folder ml-100k is not there"))
    func movieLens() throws {
        let source = "\(SharedData.folder)/ml-100k"
        makeTenant("demo")
        let first = run("import", "--data", data, "--tenant", "demo", "--format", "movielens", "--json", source)
        #expect(first.status == .success, "\(first.error)")
        let result = try JSONValue(parsing: first.output)
        #expect(result["tracked"] == 100_000)
        #expect(result["entities"] == 1682)
        let again = run("import", "--data", data, "--tenant", "demo", "--format", "movielens", "--json", source)
        let repeated = try JSONValue(parsing: again.output)
        #expect(repeated["tracked"] == 0)
        #expect(repeated["duplicates"] == 100_000)
        var views: [String: Int] = [:]
        let ratings = try LineReader(path: "\(source)/u.data")
        while case .text(let line)? = try ratings.next() {
            let item = String(decoding: line.split(separator: 9)[1], as: UTF8.self)
            views[item, default: 0] += 1
        }
        try serving { get in
            let items = try get("/v1/popular?mode=overall&time_window=all&limit=50")["items"]?.arrayValue ?? []
            #expect(items.count == 50)
            let best = views.values.sorted(by: >)
            for (index, item) in items.enumerated() {
                let id = try #require(item["entity_id"]?.stringValue)
                #expect(item["counts"]?["view_count"]?.integerValue == views[id].map { Int64($0) })
                #expect(item["popularity_score"]?.doubleValue == Double(2 * best[index]))
            }
            #expect(items.first?["entity_id"] == "50")
            #expect(try get("/v1/entities/product/50")["title"] == "Star Wars (1977)")
            let recent = try get("/v1/users/405/interactions")["interactions"]?.arrayValue ?? []
            #expect(recent.count == 100)
            let western = try get("/v1/popular?time_window=all&limit=5&category=Western")["items"]?.arrayValue ?? []
            #expect(western.count == 5)
        }
    }

    @Test(
        "RSC15's clicks keep their sessions",
        .enabled(if: SharedData.has("rsc15"), "the folder rsc15 is not there"))
    func sessions() throws {
        let source = "\(SharedData.folder)/rsc15/train.txt"
        makeTenant("demo")
        let imported = run("import", "--data", data, "--tenant", "demo", "--format", "sessions", "--shift-time", source)
        #expect(imported.status == .success, "\(imported.error)")
        #expect(imported.output.hasPrefix("53,254 read, 53,254 tracked, 0 rejected in "))
        var clicks: [String: [Double]] = [:]
        let lines = try LineReader(path: source)
        _ = try lines.next()
        while case .text(let line)? = try lines.next() {
            let fields = line.split(separator: 9).map { String(decoding: $0, as: UTF8.self) }
            clicks[fields[0], default: []].append(Double(fields[2]) ?? 0)
        }
        let newest = clicks.values.compactMap(\.last).max() ?? 0
        // Sessions that the server still has in mind: those of the last minutes before the shifted end.
        let late = clicks.filter { ($0.value.last ?? 0) > newest - 60 }.keys.sorted().prefix(20)
        try #require(!late.isEmpty)
        try serving { get in
            for id in late {
                let session = try get("/v1/sessions/\(id)")
                let times = clicks[id] ?? []
                #expect(session["interactionCount"]?.integerValue == Int64(times.count))
                let duration = ((times.last ?? 0) - (times.first ?? 0)) * 1000
                #expect(abs((session["duration"]?.doubleValue ?? -1) - duration) < 2)
            }
        }
    }

    /// A tenant in which five users have viewed seven entities.
    private func importViews() throws {
        makeTenant("demo")
        let lines = (0..<60).map { #"{"type":"view","entity_id":"e\#($0 % 7)","user_id":"u\#($0 % 5)"}"# }
        let file = folder.path + "/views.jsonl"
        try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(run("import", "--data", data, "--tenant", "demo", "--format", "jsonl", file).status == .success)
    }

    @Test("what models learn from is read beside a server and without one, and nothing is left of it")
    func trainingData() throws {
        try importViews()
        func read() throws -> (persons: Int, items: Int, interactions: Int64) {
            let session = try FolderSession(folder: data)
            defer { session.close() }
            #expect(throws: CommandError.self) { try session.trainingData(tenant: "nobody") }
            let data = try session.trainingData(tenant: "demo")
            return (data.persons, data.items.count, data.interactions)
        }
        try #expect(read() == (5, 7, 60))
        try serving { _ in try #expect(read() == (5, 7, 60)) }
        let left = try FileManager.default.contentsOfDirectory(atPath: data + "/tenants/demo")
        #expect(!left.contains { $0.hasPrefix("training-data") })
    }

    @Test(
        "recommend shows the list that the API answers, with and without a server, or what is wrong with the question"
    )
    func recommend() throws {
        try importViews()
        func check() throws {
            let text = run("recommend", "--data", data, "--tenant", "demo", "--user-id", "u1", "--limit", "3")
            let shown = text.output.split(separator: "\n")
            #expect(text.status == .success && shown.count == 3, "\(text.output) \(text.error)")
            #expect(shown.allSatisfy { $0.contains("  product/e") })
            let fields = #"{"exclude": ["e0", "e1", "e2", "e3"]}"#
            let json = run(
                "recommend", "--data", data, "--tenant", "demo", "--session-id", "s", "--fields", fields, "--json")
            let items = try JSONValue(parsing: json.output)["items"]?.arrayValue ?? []
            #expect(Set(items.compactMap { $0["entity_id"]?.stringValue }) == ["e4", "e5", "e6"], "\(json.output)")
            #expect(items.allSatisfy { $0["explain"]?["sentence"]?.stringValue != nil })
        }
        try check()
        try serving { _ in try check() }
        #expect(run("recommend", "--data", data, "--tenant", "demo").status == .usage)
        for (option, value) in [("--fields", "[]"), ("--limit", "0"), ("--limit", "101")] {
            let answer = run("recommend", "--data", data, "--tenant", "demo", "--user-id", "u1", option, value)
            #expect(answer.status == .usage, "\(option) \(value)")
        }
        let wrong = run("recommend", "--data", data, "--tenant", "demo", "--user-id", "u1", "--surface", "x")
        #expect(wrong.status == .failure && wrong.error.contains("invalid_parameter"), "\(wrong.error)")
        #expect(run("recommend", "--data", data, "--tenant", "nobody", "--user-id", "u1").status == .failure)
    }

    @Test("train says what came of it, also when there is nothing to learn from")
    func train() throws {
        makeTenant("demo")
        let none = run("train", "--data", data, "--tenant", "demo")
        #expect(none.status == .failure && none.error.contains("no_training_data"), "\(none.error)")
        #expect(run("train", "--data", data, "--tenant", "other").status == .failure)
        #expect(run("train", "--data", folder.path + "/nowhere", "--tenant", "demo").status == .failure)
        let lines = (0..<60).map { #"{"type":"view","entity_id":"e\#($0 % 7)","user_id":"u\#($0 % 5)"}"# }
        let file = folder.path + "/views.jsonl"
        try (lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(run("import", "--data", data, "--tenant", "demo", "--format", "jsonl", file).status == .success)
        let first = run("train", "--data", data, "--tenant", "demo")
        #expect(
            first.status == .success && first.output.hasPrefix("Model 1 serves now."), "\(first.output) \(first.error)")
        #expect(first.output.contains("5 persons with 7 entities"))
        let second = run("train", "--data", data, "--tenant", "demo", "--json")
        #expect(try JSONValue(parsing: second.output)["kept"] == false, "\(second.output)")
    }
}
