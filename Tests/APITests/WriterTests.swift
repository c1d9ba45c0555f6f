import Collect
import Domain
import Foundation
import HTTP
import JSON
import Live
import Storage
import Synchronization
import Testing

@testable import API

@Suite("The writer and what runs beside it", .serialized)
struct WriterTests {
    /// Holds the writer up until the returned gate is opened, so that what is submitted meanwhile is one group.
    private func hold(_ service: TestService) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        let isHeld = DispatchSemaphore(value: 0)
        service.tenant.change(
            { _ in
                isHeld.signal()
                gate.wait()
            }, applied: { _ in }, completion: { _ in })
        isHeld.wait()
        return gate
    }

    @Test("A look at the writer's state takes place even when the commit that it came with fails")
    func inspection() throws {
        let service = try TestService()
        defer { service.stop() }
        let gate = hold(service)
        let failed = DispatchSemaphore(value: 0)
        let looked = DispatchSemaphore(value: 0)
        let addition = CollectWork.addition(bytes: 0) { (_) throws(StorageError) in
            throw StorageError("disk_full", "The disk is full.")
        } completion: { result in
            if case .failure = result { failed.signal() }
        }
        #expect(service.tenant.collector.submit(addition))
        #expect(service.tenant.collector.submit(.inspect { _, _ in looked.signal() }))
        gate.signal()
        #expect(failed.wait(timeout: .now() + 60) == .success)
        #expect(looked.wait(timeout: .now() + 60) == .success)
    }

    @Test("A new session timeout holds from the change on, however full the queue is")
    func timeout() throws {
        let service = try TestService { $0.collector.maximumQueuedRows = 1 }
        defer { service.stop() }
        let gate = hold(service)
        let done = DispatchSemaphore(value: 0)
        service.tenant.changeSettings(["session_timeout_minutes": 5], now: noon) { _ in done.signal() }
        gate.signal()
        #expect(done.wait(timeout: .now() + 60) == .success)
        let timeout = Mutex<Int64>(0)
        let looked = DispatchSemaphore(value: 0)
        let look = CollectWork.inspect { sessions, _ in
            timeout.withLock { $0 = sessions.timeout }
            looked.signal()
        }
        #expect(service.tenant.collector.submit(look))
        #expect(looked.wait(timeout: .now() + 60) == .success)
        #expect(timeout.withLock { $0 } == 300_000)
    }

    @Test("Error reports share a commit with what waits beside them")
    func reports() throws {
        let service = try TestService()
        defer { service.stop() }
        let before = service.tenant.collector.metrics.current.commitRows.count
        let gate = hold(service)
        let done = DispatchGroup()
        for number in 0..<50 {
            done.enter()
            let error = SystemError(
                context: "test", category: "network", message: "\(number)", stack: nil, metadata: "{}", userID: nil,
                timestamp: noon)
            service.tenant.keep([error]) { failure in
                #expect(failure == nil)
                done.leave()
            }
        }
        gate.signal()
        done.wait()
        #expect(try service.tenant.store.systemErrors(limit: 100).count == 50)
        // The one that held the writer up, and one for all reports.
        #expect(service.tenant.collector.metrics.current.commitRows.count - before <= 3)
    }

    /// What carts and orders of several users come to, told one by one, twice, and all at once.
    private struct Shopping {
        var random: Seeded
        var carts: [String: [String: Int64]] = [:]
        var orders: [String: Order] = [:]
        let done = DispatchGroup()

        mutating func begin(_ service: TestService, rounds: Int) throws {
            let (tenant, now) = (service.tenant, service.clock.now)
            for _ in 0..<rounds {
                let user = "u\(Int.random(in: 0..<20, using: &random))"
                let product = "p\(Int.random(in: 0..<40, using: &random))"
                done.enter()
                if Bool.random(using: &random) {
                    let reception = tenant.reception(now: now)
                    let item = CommerceInteractions.Item(id: nil, productID: product, quantity: 2, metadata: [:])
                    let batch = try CommerceInteractions.batch(
                        "cart_add", [item], context: "cart", reception, tenant, user: user)
                    carts["cart \(user)", default: [:]][product, default: 0] += 2
                    tenant.add(
                        product, type: "product", quantity: 2, toCart: "cart \(user)", of: user, tracking: batch,
                        now: now
                    ) { [done] result in
                        if case .failure(let failure) = result { Issue.record("\(failure)") }
                        done.leave()
                    }
                    continue
                }
                // Some are told again, with the first still under way.
                let number = Int.random(in: 0..<rounds, using: &random)
                let total = try #require(Money(stored: "1.25"))
                let order =
                    orders["o\(number)"]
                    ?? Order(
                        id: "o\(number)", userID: user, currency: "EUR", total: total, paidAt: now, receivedAt: now,
                        items: [.init(productID: product, quantity: 3, price: nil)])
                orders[order.id] = order
                var reception = tenant.reception(now: now)
                reception.isImport = true
                let item = CommerceInteractions.Item(
                    id: "of-\(order.id)", productID: order.items[0].productID, quantity: 3, metadata: [:])
                let batch = try CommerceInteractions.batch(
                    "order", [item], context: "checkout", reception, tenant, user: order.userID)
                tenant.take(order, entityType: "product", tracking: batch, now: now) { [done] result in
                    if case .failure(let failure) = result { Issue.record("\(failure)") }
                    if case .success(.different) = result { Issue.record("\(order.id) is another one") }
                    done.leave()
                }
            }
        }

        func check(_ service: TestService) throws {
            let tenant = service.tenant
            for number in 0..<20 {
                let user = "u\(number)"
                let cart = try tenant.cart("cart \(user)", of: user)
                let known = carts["cart \(user)"] ?? [:]
                #expect(
                    Dictionary(uniqueKeysWithValues: (cart?.items ?? []).map { ($0.productID, $0.quantity) }) == known)
                let own = orders.values.filter { $0.userID == user }
                let purchases = try tenant.purchases(of: user)
                #expect(purchases.orders == Int64(own.count))
                let cents = Int64(own.count * 125)
                let total = "\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100)"
                #expect(purchases.spent["EUR"]?.total.description ?? "0.00" == total)
            }
            for number in 0..<40 {
                let sold = orders.values.filter { $0.items[0].productID == "p\(number)" }.count * 3
                let left = try tenant.store.entity(type: "product", id: "p\(number)")?.inventory
                #expect(left == Int64(max(0, 100 - sold)))
                let stats = try service.send("GET", "/v1/entities/product/p\(number)/stats").json["counts"]
                #expect(stats?["order_count"]?.integerValue ?? 0 == Int64(sold / 3))
            }
        }
    }

    @Test("Carts and orders of different users share commits, and each counts once all the same", arguments: [1, 2])
    func sharing(seed: UInt64) throws {
        let service = try TestService()
        defer { service.stop() }
        var shopping = Shopping(random: Seeded(state: seed))
        let list: [JSONValue] = (0..<40).map { ["type": "product", "id": .string("p\($0)"), "inventory": 100] }
        let body: JSONValue = ["entities": .array(list)]
        #expect(try service.send("PUT", "/v1/entities", text: body.text).status == 200)
        let before = service.tenant.collector.metrics.current.commitRows.count
        let gate = hold(service)
        try shopping.begin(service, rounds: 300)
        gate.signal()
        shopping.done.wait()
        try shopping.check(service)
        let commits = service.tenant.collector.metrics.current.commitRows.count - before
        #expect(commits < 200, "\(commits) commits")
        // Once more from several sides, as the commits happen to fall.
        try shopping.begin(service, rounds: 300)
        shopping.done.wait()
        try shopping.check(service)
    }

    @Test("Sessions that a failed clean-up has dropped are folded by the next one")
    func folding() throws {
        let service = try TestService()
        defer { service.stop() }
        for number in 0..<3 {
            let item = #"{"type":"view","entity_id":"p1","user_id":"u\#(number)"}"#
            #expect(try service.send("POST", "/v1/interactions", text: item).status == 200)
        }
        let later = noon + 100 * Timestamp.millisecondsPerDay
        let before = noon + Timestamp.millisecondsPerDay
        // As the clean-up does it, in a commit that fails.
        let tenant = service.tenant
        let done = DispatchSemaphore(value: 0)
        tenant.change(
            { _ throws(StorageError) in
                let dropped = tenant.live.applyRetention(before: before)
                tenant.pendingFold.value.withLock { $0 += dropped }
                throw StorageError("disk_full", "The disk is full.")
            }, applied: { _ in }, completion: { _ in done.signal() })
        done.wait()
        #expect(try tenant.store.dailySessions().isEmpty)
        tenant.foldSessions(before: before, through: nil, now: later)
        #expect(try tenant.store.dailySessions().map(\.sessions).reduce(0, +) == 3)
        tenant.foldSessions(before: before, through: nil, now: later)
        #expect(try tenant.store.dailySessions().map(\.sessions).reduce(0, +) == 3)
    }

    @Test("A server for some origins says to caches that its answers differ by origin")
    func vary() throws {
        let service = try TestService()
        defer { service.stop() }
        let listed = ["https://shop.example", "https://blog.example"]
        let handler = service.handler { $0.corsOrigins = listed }
        func headers(_ origin: String?) -> [String: String] {
            var caller = Caller()
            caller.origin = origin
            let answer = handler.finish(HTTPResponse(), for: caller)
            return Dictionary(answer.headers.map { ($0.0, $0.1) }) { first, _ in first }
        }
        for origin in [nil, "https://shop.example", "https://blog.example", "https://other.example", "null"] {
            let answer = headers(origin)
            #expect(answer["Vary"] == "Origin")
            let isKnown = origin.map { listed.contains($0) } ?? false
            #expect(answer["Access-Control-Allow-Origin"] == (isKnown ? origin : nil))
        }
    }

    @Test("A page of a listed origin can read what the server refuses before any route is asked")
    func refusalsAcrossOrigins() throws {
        let service = try TestService()
        defer { service.stop() }
        let handler = service.handler { $0.corsOrigins = ["https://shop.example"] }
        let server = try HTTPServer(
            HTTPServerConfiguration(port: 0, threads: 1, connectionTimeoutSeconds: 1), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        let refused: [(status: Int, lines: String)] = [
            (413, "Content-Length: 99999999\r\n\r\n"), (400, "Host: b\r\nContent-Length: 0\r\n\r\n"),
            (415, "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nab"),
            (400, "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"),
            (501, "Transfer-Encoding: zip\r\n\r\n"),
            (431, "X: \(String(repeating: "x", count: 11_000))\r\nContent-Length: 0\r\n\r\n"),
            // Never comes to its end.
            (408, "Content-Length: 100\r\n\r\nab"),
        ]
        for (status, lines) in refused {
            for origin in ["https://shop.example", "https://other.example"] {
                let head = "POST /v1/interactions HTTP/1.1\r\nHost: a\r\nX-API-Key: \(service.writeKey)\r\n"
                let bytes = exchange("\(head)Origin: \(origin)\r\nConnection: close\r\n\(lines)", port: server.port)
                let answer = try #require(Answer(bytes), "\(status)")
                #expect(answer.status == status, "\(answer.text)")
                let isListed = origin == "https://shop.example"
                #expect(answer.headers["access-control-allow-origin"] == (isListed ? origin : nil), "\(status)")
                #expect(answer.headers["vary"] == "Origin", "\(status)")
            }
        }
    }

    @Test("The metrics are open, or for secret keys only")
    func metrics() throws {
        let service = try TestService()
        defer { service.stop() }
        let handler = service.handler { $0.metricsNeedSecretKey = true }
        let server = try HTTPServer(HTTPServerConfiguration(port: 0, threads: 1), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        func status(_ key: String?, _ port: UInt16, _ path: String = "/metrics") throws -> Int {
            let header = key.map { "X-API-Key: \($0)\r\n" } ?? ""
            let text = "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(header)\r\n"
            return try #require(Answer(exchange(text, port: port))).status
        }
        #expect(try status(nil, service.server.port) == 200)
        #expect(try status(nil, server.port) == 401)
        #expect(try status("ffs_wrong-key-of-nobody", server.port) == 401)
        #expect(try status(service.writeKey, server.port) == 403)
        #expect(try status(service.webhookSecret, server.port) == 403)
        #expect(try status(service.secretKey, server.port) == 200)
        #expect(try status(nil, server.port, "/healthz") == 200)
    }
}
