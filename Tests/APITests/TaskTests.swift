import CSQLite
import Domain
import Foundation
import JSON
import Storage
import Synchronization
import Testing

@testable import API

@Suite("Scheduled tasks", .serialized)
struct TaskTests {
    private func wait(_ service: TestService, _ name: String, _ isDone: (JSONValue) -> Bool) throws -> JSONValue {
        for _ in 0..<400 {
            let tasks = try service.send("GET", "/v1/tasks").json["tasks"]?.arrayValue ?? []
            if let task = tasks.first(where: { $0["name"]?.stringValue == name }), isDone(task) { return task }
            usleep(25_000)
        }
        throw StorageError("timeout", name)
    }

    /// Asks for a run and waits until one that began after that has ended.
    private func run(_ service: TestService, _ name: String) throws -> JSONValue {
        let before = try wait(service, name) { $0["state"] != "running" }["runs"]?.integerValue ?? 0
        #expect(try service.send("POST", "/v1/tasks/\(name)/run").status == 202)
        return try wait(service, name) { $0["runs"]?.integerValue ?? 0 > before && $0["state"] != "running" }
    }

    private func rows(_ service: TestService, _ sql: String) -> [[String]] {
        var handle: OpaquePointer?
        let path = "\(service.folder)/tenants/\(TestService.tenantID)/footfall.sqlite"
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else { return [] }
        defer { sqlite3_close_v2(handle) }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { return [["error"]] }
        defer { sqlite3_finalize(statement) }
        var rows: [[String]] = []
        while sqlite3_step(statement) == SQLITE_ROW {
            rows.append(
                (0..<sqlite3_column_count(statement)).map { column in
                    sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "NULL"
                })
        }
        return rows
    }

    private func send(_ service: TestService, _ count: Int, _ generator: inout Seeded, users: Range<Int>) throws {
        var items: [JSONValue] = []
        for _ in 0..<count {
            let type = ["view", "cart_add", "order", "search_click"].randomElement(using: &generator) ?? "view"
            items.append([
                "type": .string(type), "entity_id": .string("p\(Int.random(in: 0..<700, using: &generator))"),
                "user_id": .string("u\(Int.random(in: users, using: &generator))"),
                "occurred_at": .string(
                    Timestamp(milliseconds: noon - Int64.random(in: 0..<600_000_000, using: &generator)).rfc3339),
            ])
        }
        let body: JSONValue = ["interactions": .array(items)]
        #expect(
            try service.send("POST", "/v1/interactions", text: body.text).json["tracked"]?.integerValue == Int64(count))
    }

    private func quiet() -> TaskScheduler.Configuration {
        var configuration = TaskScheduler.Configuration()
        for name in TaskName.allCases { configuration.seconds[name] = 1e6 }
        return configuration
    }

    @Test("product_popularity holds what the API answers at the same moment, and nothing is written twice")
    func popularity() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 11)
        for _ in 0..<5 { try send(service, 1000, &generator, users: 0..<300) }
        _ = try service.send("PUT", "/v1/entities/product/p1", text: #"{"title": "x", "deleted": true}"#)
        let scheduler = TaskScheduler(
            directory: service.directory, configuration: quiet(), log: Log(level: .error)
        ) { service.clock.now }
        defer { scheduler.stop() }
        let first = try run(service, "product_popularity")
        #expect(first["error"] == .null && first["rows"]?.integerValue ?? 0 > 600, "\(first)")
        let stored = rows(
            service,
            """
            SELECT product_id, search_click_count, view_count, cart_add_count, order_count, popularity_score,
                trending_score, last_interaction FROM product_popularity
            """)
        #expect(stored.count > 600)
        for row in stored {
            let stats = try service.send("GET", "/v1/entities/product/\(row[0])/stats").json
            for (index, name) in ["search_click_count", "view_count", "cart_add_count", "order_count"].enumerated() {
                #expect(Int64(row[index + 1]) == stats["counts"]?[name]?.integerValue ?? 0)
            }
            #expect(Double(row[5]) == stats["popularity_score"]?.doubleValue)
            let trending = stats["trending_score"]?.doubleValue ?? -1
            #expect(abs((Double(row[6]) ?? -9) - trending) < 1e-9 * max(1, trending))
            #expect(row[7] == stats["last_interaction"]?.stringValue)
        }
        #expect(try run(service, "product_popularity")["rows"] == 0)
    }

    @Test("user_preferences has the users active since the last run, each interaction counted once")
    func preferences() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 12)
        for _ in 0..<5 { try send(service, 1000, &generator, users: 0..<900) }
        let scheduler = TaskScheduler(
            directory: service.directory, configuration: quiet(), log: Log(level: .error)
        ) { service.clock.now }
        defer { scheduler.stop() }
        _ = try run(service, "user_preferences")
        service.clock.now += 60_000
        try send(service, 50, &generator, users: 0..<10)
        let second = try run(service, "user_preferences")
        #expect((1...10).contains(second["rows"]?.integerValue ?? 0), "\(second)")
        let counted = rows(
            service,
            """
            SELECT user_id, count(*), sum(type = 'order') FROM user_interactions GROUP BY 1 ORDER BY 1
            """)
        let stored = rows(
            service, "SELECT user_id, interaction_count, order_count FROM user_preferences ORDER BY user_id")
        #expect(stored == counted && stored.count > 800)
        for user in ["u1", "u5", "u500"] {
            let own = rows(service, "SELECT recent_interactions FROM user_preferences WHERE user_id = '\(user)'")
            let answer = try service.send("GET", "/v1/users/\(user)/interactions").json["interactions"]?.arrayValue
            let list = try JSONValue(parsing: own.first?.first ?? "").arrayValue
            #expect(list?.map { $0["entity_id"] } == answer?.map { $0["entity_id"] })
            #expect(list?.map { $0["occurred_at"] } == answer?.map { $0["occurred_at"] })
        }
        #expect(try run(service, "user_preferences")["rows"] == 0)
    }

    @Test("user_preferences says what a user's paid orders come to, currencies apart")
    func spending() throws {
        let service = try TestService()
        defer { service.stop() }
        func pay(_ id: String, _ user: String, _ currency: String, _ total: String, at time: Int64) throws {
            let body: JSONValue = [
                "order_id": .string(id), "user_id": .string(user), "status": "paid", "currency": .string(currency),
                "total": .string(total), "paid_at": .string(Timestamp(milliseconds: time).rfc3339),
                "items": [["product_id": "p1", "quantity": 1, "price": .string(total)]],
            ]
            let seconds = service.clock.now / 1000
            let hash = UserToken.hmac(Array("\(seconds).\(body.text)".utf8), key: Array(service.webhookSecret.utf8))
            let hex = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let answer = try service.send(
                "POST", "/orders/payment/callback", headers: [("X-Signature", "t=\(seconds),v1=\(hex)")],
                text: body.text)
            #expect(answer.json["tracked"] == 1, "\(answer)")
        }
        try pay("o1", "one", "EUR", "10.00", at: noon - 5000)
        try pay("o2", "one", "EUR", "5.01", at: noon - 9000)
        try pay("o3", "two", "USD", "0.10", at: noon - 7000)
        try pay("o4", "two", "EUR", "12.30", at: noon - 6000)
        let view = #"{"type": "view", "entity_id": "p1", "user_id": "none"}"#
        #expect(try service.send("POST", "/v1/interactions", text: view).status == 200)
        let scheduler = TaskScheduler(
            directory: service.directory, configuration: quiet(), log: Log(level: .error)
        ) { service.clock.now }
        defer { scheduler.stop() }
        _ = try run(service, "user_preferences")
        let sql = "SELECT user_id, total_spent, average_order, last_order FROM user_preferences ORDER BY user_id"
        #expect(
            rows(service, sql) == [
                ["none", "NULL", "NULL", "NULL"],
                ["one", "15.01", "7.51", Timestamp(milliseconds: noon - 5000).rfc3339],
                [
                    "two", #"{"EUR":"12.30","USD":"0.10"}"#, #"{"EUR":"12.30","USD":"0.10"}"#,
                    Timestamp(milliseconds: noon - 6000).rfc3339,
                ],
            ])
        try pay("o5", "one", "EUR", "4.99", at: noon - 1000)
        _ = try run(service, "user_preferences")
        #expect(rows(service, sql)[1] == ["one", "20.00", "6.67", Timestamp(milliseconds: noon - 1000).rfc3339])
    }

    @Test("a task that fails is tried again ever later, says why, and stops none of the others")
    func failing() throws {
        let service = try TestService()
        defer { service.stop() }
        let tries = Shared(Mutex<[UInt64]>([]))
        let work: [TaskName: TaskScheduler.Work] = [
            .productPopularity: { (_) throws(TaskFailure) in
                tries.value.withLock { $0.append(monotonicNanoseconds()) }
                throw TaskFailure(code: "broken", message: "It is broken.")
            },
            .userPreferences: { (_) throws(TaskFailure) in .done(rows: 3) },
        ]
        var configuration = quiet()
        configuration.seconds = [.productPopularity: 0.01, .userPreferences: 0.1]
        configuration.seconds[.productPopularity] = 100
        let scheduler = TaskScheduler(
            directory: service.directory, configuration: configuration, work: work, log: Log(level: .error)
        ) { service.clock.now }
        defer { scheduler.stop() }
        _ = try service.send("POST", "/v1/tasks/product_popularity/run")
        let failed = try wait(service, "product_popularity") { $0["failures"]?.integerValue ?? 0 >= 3 }
        #expect(failed["state"] == "retrying" && failed["error"]?["code"] == "broken")
        let times = tries.value.withLock { $0 }
        let pauses = zip(times.dropFirst(), times).map { Double($0 - $1) / 1e9 }
        #expect(pauses.count >= 2 && pauses[0] >= 1 && pauses[1] >= 2 && pauses[1] < 4, "\(pauses)")
        let other = try wait(service, "user_preferences") { $0["runs"]?.integerValue ?? 0 >= 5 }
        #expect(other["rows"] == 3 && other["error"] == .null)
        let metrics = try service.send("GET", "/metrics").text
        #expect(metrics.contains(#"footfall_task_rows{tenant="shop",task="user_preferences"} 3"#))
        #expect(metrics.contains(#"footfall_task_failing{tenant="shop",task="product_popularity"}"#))
        #expect(try service.send("POST", "/v1/tasks/nothing/run").status == 404)
        #expect(try service.send("GET", "/v1/tasks", key: service.writeKey).status == 403)
    }

    @Test("the pauses after failures double from a second up to the interval")
    func backOff() {
        #expect((1...8).map { TaskBoard.backOff(failures: $0, interval: 60) } == [1, 2, 4, 8, 16, 32, 60, 60])
        #expect(TaskBoard.backOff(failures: 1000, interval: 300) == 300)
    }
}
