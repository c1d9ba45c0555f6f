import Domain
import Foundation
import HTTP
import JSON
import Testing

@testable import API

@Suite("Learned models over HTTP", .serialized)
struct ModelRouteTests {
    /// Persons who each keep to one of three groups of entities.
    private func fill(_ service: TestService, persons: Range<Int> = 0..<90, prefix: String = "g") throws {
        var generator = Seeded(state: UInt64(persons.lowerBound) + 5)
        var items: [JSONValue] = []
        for person in persons {
            let entities = (0..<10).map { "\(prefix)\(person % 3)-\($0)" }.shuffled(using: &generator).prefix(6)
            for entity in entities {
                let at = noon - Int64.random(in: 0..<86_400_000 * 20, using: &generator)
                items.append([
                    "type": "view", "entity_id": .string(entity), "user_id": .string("u\(person)"),
                    "occurred_at": .string(Timestamp(milliseconds: at).rfc3339),
                ])
            }
        }
        for start in stride(from: 0, to: items.count, by: 500) {
            let body: JSONValue = ["interactions": .array(Array(items[start..<min(start + 500, items.count)]))]
            #expect(try service.send("POST", "/v1/interactions", text: body.text).status == 200)
        }
    }

    private func models(_ service: TestService) throws -> JSONValue {
        let answer = try service.send("GET", "/v1/models")
        #expect(answer.status == 200)
        return answer.json
    }

    /// Trains and waits for the end.
    @discardableResult
    private func train(_ service: TestService) throws -> JSONValue {
        let answer = try service.send("POST", "/v1/models/train")
        #expect(answer.status == 202, "\(answer.text)")
        for _ in 0..<2_000 {
            let training = try models(service)["training"]
            if training?["state"] == "idle" { return training?["last"] ?? .null }
            usleep(10_000)
        }
        Issue.record("the training does not end")
        return .null
    }

    @Test("A model is trained, serves, is kept over a restart, and gives way to another and back")
    func life() throws {
        let folder = NSTemporaryDirectory() + "footfall-models-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder)
        #expect(try models(service)["current"]?.isNull == true)
        #expect(try train(service)["error"]?["code"]?.stringValue == "no_training_data")
        try fill(service)
        let first = try train(service)
        #expect(first["version"] == 1, "\(first.text)")
        #expect((first["measures"]?["hr@20"]?.doubleValue ?? 0) > 0.9, "\(first.text)")
        // A visitor who came after the training: the next list knows what was just seen.
        func look(_ service: TestService, _ group: Int) throws -> JSONValue {
            let body = #"{"type": "view", "entity_id": "g\#(group)-0", "anonymous_id": "new\#(group)"}"#
            #expect(try service.send("POST", "/v1/interactions", text: body).status == 200)
            return try service.send(
                "GET", "/v1/recommendations?anonymous_id=new\(group)&limit=5&explain=true"
            ).json
        }
        for group in 0..<3 {
            let list = try look(service, group)
            for item in list["items"]?.arrayValue ?? [] {
                #expect(item["entity_id"]?.stringValue?.hasPrefix("g\(group)-") == true, "\(item.text)")
                #expect(item["explain"]?["parts"]?["model"]?.doubleValue != nil, "\(item.text)")
            }
            #expect(list["items"]?.arrayValue?.count == 5)
            let id = list["list_id"]?.stringValue ?? ""
            var kept = try service.send("GET", "/v1/lists/\(id)")
            for _ in 0..<200 where kept.status != 200 {
                usleep(10_000)
                kept = try service.send("GET", "/v1/lists/\(id)")
            }
            #expect(kept.json["model_version"] == 1, "\(kept.text)")
        }
        // The same again is no better.
        #expect(try train(service)["version"]?.isNull == true)
        #expect(try models(service)["models"]?.arrayValue?.count == 1)
        // Other entities: the first model no longer fits.
        try fill(service, persons: 100..<190, prefix: "h")
        let second = try train(service)
        #expect(second["version"] == 2, "\(second.text)")
        #expect(try models(service)["current"] == 2)
        #expect(try service.send("POST", "/v1/models/1/activate").json["current"] == 1)
        #expect(try service.send("DELETE", "/v1/models/1").status == 409)
        let missing = try service.send("POST", "/v1/models/7/activate")
        #expect(missing.status == 404 && !missing.text.contains("/models/"), "\(missing.text)")
        // Of changes at the same time one is the last: what is said to serve does, and the folder says so too.
        for round in 0..<20 {
            DispatchQueue.concurrentPerform(iterations: 6) { turn in
                _ = try? service.send("POST", "/v1/models/\(1 + (round + turn) % 2)/activate")
            }
            let current = try models(service)["current"]
            let list = try service.send("GET", "/v1/recommendations?user_id=u1&limit=1").json
            #expect(current != nil && list["model_version"] == current, "\(list.text)")
        }
        #expect(try service.send("POST", "/v1/models/1/activate").json["current"] == 1)
        #expect(try service.send("POST", "/v1/models/x/activate").status == 404)
        service.stop()

        let again = try TestService(folder: folder, clock: service.clock)
        let kept = try models(again)
        #expect(kept["current"] == 1)
        #expect(kept["models"]?.arrayValue?.compactMap { $0["version"]?.integerValue } == [2, 1])
        #expect(kept["models"]?[1]?["state"] == "serving")
        #expect(kept["models"]?[1]?["measures"] == first["measures"])
        let list = try look(again, 1)
        #expect(list["items"]?[0]?["explain"]?["parts"]?["model"]?.doubleValue != nil, "\(list.text)")
        #expect(try again.send("POST", "/v1/models/2/activate").status == 200)
        #expect(try again.send("DELETE", "/v1/models/1").json["deleted"] == 1)
        #expect(try models(again)["models"]?.arrayValue?.count == 1)
        let metrics = try again.send("GET", "/metrics").text
        #expect(metrics.contains("footfall_model_version{tenant=\"shop\"} 2"))
        again.stop()
    }

    @Test("A damaged model is not activated: the other one goes on serving, and training anew is what helps")
    func damaged() throws {
        let folder = NSTemporaryDirectory() + "footfall-damaged-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder)
        defer { service.stop() }
        try fill(service)
        #expect(try train(service)["version"] == 1)
        try fill(service, persons: 100..<190, prefix: "h")
        #expect(try train(service)["version"] == 2)
        let path = try #require(
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }.first {
                $0.hasSuffix("models/1.model")
            })
        let file = try #require(FileHandle(forUpdatingAtPath: "\(folder)/\(path)"))
        try file.seek(toOffset: try file.seekToEnd() / 2)
        try file.write(contentsOf: Data(repeating: 0xa5, count: 64))
        try file.close()
        let answer = try service.send("POST", "/v1/models/1/activate")
        #expect(answer.status == 409 && answer.json["code"] == "model_unreadable", "\(answer.text)")
        #expect(answer.text.contains("Model 2 stays in service; POST /v1/models/train makes a new one."))
        #expect(!answer.text.contains("log") && !answer.text.contains(folder), "\(answer.text)")
        #expect(try models(service)["current"] == 2)
    }

    /// Does work on several threads at once; what one of them throws is an issue.
    private func together(_ lanes: [@Sendable () throws -> Void]) {
        DispatchQueue.concurrentPerform(iterations: lanes.count) { lane in
            do { try lanes[lane]() } catch { Issue.record(error) }
        }
    }

    @Test("While two models take turns, every list is the whole of one's, named so, and knows the last interaction")
    func turns() throws {
        let service = try TestService()
        defer { service.stop() }
        try fill(service)
        #expect(try train(service)["version"] == 1)
        try fill(service, persons: 100..<190, prefix: "h")
        #expect(try train(service)["version"] == 2)
        let persons = ["u1", "u2", "u100", "u101", "nobody"]
        @Sendable func list(_ query: String) throws -> JSONValue {
            let answer = try service.send("GET", "/v1/recommendations?limit=10&explain=true&\(query)")
            #expect(answer.status == 200, "\(answer.text)")
            return answer.json
        }
        @Sendable func activate(_ version: Int) throws {
            #expect(try service.send("POST", "/v1/models/\(version)/activate").status == 200)
        }
        var own: [Int64: [String: JSONValue]] = [:]
        for version in [1, 2] {
            try activate(version)
            for person in persons {
                let list = try list("user_id=\(person)")
                #expect(list["model_version"] == .integer(Int64(version)))
                own[Int64(version), default: [:]][person] = list["items"]
            }
        }
        // Else nothing could be told from what is on a list.
        for person in persons.dropLast() { #expect(own[1]?[person] != own[2]?[person], "\(person)") }

        let lists = own
        let swaps: @Sendable () throws -> Void = { for turn in 0..<120 { try activate(1 + turn % 2) } }
        let reads: @Sendable () throws -> Void = {
            for turn in 0..<150 {
                let person = persons[turn % persons.count]
                let list = try list("user_id=\(person)")
                let version = list["model_version"]?.integerValue ?? 0
                #expect(list["items"] == lists[version]?[person], "model \(version), \(person)")
            }
        }
        together([swaps, reads, reads])

        let acts: @Sendable (Int) throws -> Void = { lane in
            for turn in 0..<40 {
                let visitor = "anonymous_id=v\(lane)-\(turn / 8)&exclude_seen=true"
                let entity = try list(visitor)["items"]?[turn % 3]?["entity_id"]?.stringValue ?? ""
                let body = #"{"type": "view", "entity_id": "\#(entity)", "anonymous_id": "v\#(lane)-\#(turn / 8)"}"#
                #expect(try service.send("POST", "/v1/interactions", text: body).status == 200)
                let next = try list(visitor)
                let shown = (next["items"]?.arrayValue ?? []).compactMap { $0["entity_id"]?.stringValue }
                #expect(shown.count == 10 && Set(shown).count == 10 && !shown.contains(entity), "\(entity) \(shown)")
                #expect([1, 2].contains(next["model_version"]?.integerValue), "\(next.text)")
            }
        }
        together([swaps, { try acts(0) }, { try acts(1) }])
    }

    @Test("Hidden and deleted entities are not listed, whatever the model says, and leave the next model")
    func hidden() throws {
        let service = try TestService()
        defer { service.stop() }
        try fill(service)
        #expect(try train(service)["version"] == 1)
        let body = #"{"entities": [{"type": "product", "id": "g1-3", "hidden": true}]}"#
        #expect(try service.send("PUT", "/v1/entities", text: body).status == 200)
        #expect(
            try service.send(
                "POST", "/v1/interactions", text: #"{"type": "view", "entity_id": "g1-0", "user_id": "v"}"#
            )
            .status == 200)
        let items = try service.send("GET", "/v1/recommendations?user_id=v&limit=50").json["items"]?.arrayValue ?? []
        #expect(!items.isEmpty && !items.contains { $0["entity_id"] == "g1-3" })
        #expect(try train(service)["items"] == 29)
    }

    @Test("Bad requests are refused, and the write key opens none of it")
    func refused() throws {
        let service = try TestService()
        defer { service.stop() }
        for (method, path) in [
            ("GET", "/v1/models"), ("POST", "/v1/models/train"), ("POST", "/v1/models/1/activate"),
            ("DELETE", "/v1/models/1"),
        ] {
            #expect(try service.send(method, path, key: service.writeKey).status == 403)
        }
        for body in [#"{"tune_seconds": -1}"#, #"{"tune_seconds": "x"}"#, #"{"seconds": 1}"#, "[]", "{"] {
            #expect(try service.send("POST", "/v1/models/train", text: body).status == 400, "\(body)")
        }
        #expect(try models(service)["training"]?["last"]?.isNull == true)
    }

    @Test("A training that needs more memory than it may have ends with an error, and the former model serves")
    func memory() throws {
        let options = TrainingSettings()
        #expect(options.memoryMiB == 2_048)
        let guarded = MemoryGuard(bytes: -1)
        #expect(guarded.isExceeded())
        #expect(!MemoryGuard(bytes: 1 << 40).isExceeded())
    }

    @Test("A stop ends a training at once, and the folder opens again")
    func stopped() throws {
        let folder = NSTemporaryDirectory() + "footfall-models-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder)
        try fill(service)
        #expect(try service.send("POST", "/v1/models/train").status == 202)
        service.stop()
        let again = try TestService(folder: folder, clock: service.clock)
        defer { again.stop() }
        #expect(try train(again)["error"] == nil)
        #expect(try models(again)["current"]?.isNull == false)
    }
}
