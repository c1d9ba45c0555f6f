import Domain
import Foundation
import HTTP
import JSON
import Live
import Storage
import Testing

@testable import API

@Suite("A kill while a clean-up is under way")
struct CleanUpCrashTests {
    @Test("Counts are whole after a crash between a clean-up and the next snapshot")
    func cleanUp() throws {
        let folder = NSTemporaryDirectory() + "footfall-api-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder)
        func view(_ number: Int, _ time: String) throws {
            let item =
                #"{"type":"view","id":"i\#(number)","entity_id":"p1","user_id":"u\#(number)","occurred_at":"\#(time)"}"#
            #expect(try service.send("POST", "/v1/interactions", text: item).status == 200)
        }
        func wait(_ condition: () -> Bool) {
            for _ in 0..<6000 where !condition() { Thread.sleep(forTimeInterval: 0.01) }
        }
        // Ninety days are kept: these two will soon be too old, one before and one after the snapshot.
        try view(1, "2025-11-02T13:00:00Z")
        service.tenant.snapshots.request()
        service.tenant.snapshots.tick(service.tenant)
        wait { service.tenant.snapshots.count == 1 }
        #expect(service.tenant.snapshots.count == 1)
        try view(2, "2025-11-02T13:30:00Z")
        try view(3, "2026-01-31T11:00:00Z")
        service.clock.now = noon + 3 * Timestamp.millisecondsPerDay
        let before = service.clock.now - 90 * Timestamp.millisecondsPerDay
        #expect(service.tenant.expire(before: before, through: nil, maximumRows: 100, now: service.clock.now) == 2)
        #expect(
            service.tenant.live.stats(entityType: "product", id: "p1", now: service.clock.now)?.counts[0].count == 3)

        // The files as a kill leaves them.
        service.server.stop(graceSeconds: 5)
        let copy = folder + "-copy"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        service.directory.stop()
        let second = try TestService(folder: copy, clock: service.clock)
        defer { second.stop() }
        #expect(second.tenant.live.stats(entityType: "product", id: "p1", now: service.clock.now)?.counts[0].count == 3)
        #expect(try second.tenant.store.interactionCount() == 1)
    }

    @Test("Sessions are whole whenever a kill comes, those that the edge of retention cuts included")
    func sessions() throws {
        let folder = NSTemporaryDirectory() + "footfall-api-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder)
        defer { service.stop() }
        let tenant = service.tenant
        // Sessions of two views, twenty minutes apart, before the edge, across it and after it; and bounces before it.
        let edge = noon - 10 * Timestamp.millisecondsPerDay
        var lines: [String] = []
        func view(_ user: String, _ time: Int64) {
            let moment = Timestamp(milliseconds: time).rfc3339
            lines.append(#"{"type":"view","entity_id":"p1","user_id":"\#(user)","occurred_at":"\#(moment)"}"#)
        }
        for (place, offset) in [("before", -3_600_000), ("across", -600_000), ("after", 3_600_000)] as [(String, Int64)]
        {
            for number in 0..<5 {
                for later in [0, 1_200_000] as [Int64] { view("\(place)\(number)", edge + offset + later) }
            }
        }
        for number in 0..<7 { view("bounce\(number)", edge - 7_200_000) }
        #expect(
            try service.send("POST", "/v1/interactions", text: "[" + lines.joined(separator: ",") + "]").status == 200)

        func read(_ service: TestService) throws -> [JSONValue?] {
            let totals = try service.send("GET", "/v1/totals").json
            let cut = try service.send("GET", "/v1/users/across0/interactions").json["interactions"]?[0]?["session_id"]
            let session = try service.send("GET", "/v1/sessions/\(cut?.stringValue ?? "")").json
            return [
                totals["interactions"], totals["sessions"], totals["bounces"], session["duration"],
                session["interactionCount"], session["started_at"],
            ]
        }
        let whole = try read(service)
        #expect(whole[1] == 22 && whole[2] == 7 && whole[3] == 1_200_000)

        /// What a server says that finds the files as a kill leaves them now.
        func afterKill() throws -> [JSONValue?] {
            let copy = folder + "-copy"
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try FileManager.default.copyItem(atPath: folder, toPath: copy)
            let second = try TestService(folder: copy, clock: service.clock)
            defer { second.stop() }
            return try read(second)
        }
        let through = tenant.snapshots.make(of: tenant) { false }
        #expect(through != nil)
        // Late, and of long ago: not in the snapshot, so it stays for the next clean-up.
        view("late", edge - 5_400_000)
        #expect(try service.send("POST", "/v1/interactions", text: lines.removeLast()).status == 200)
        let now = try read(service)
        var removed = 0
        while true {
            let count = tenant.expire(before: edge, through: through, maximumRows: 4, now: noon)
            removed += count ?? 0
            #expect(try afterKill() == now)
            if count != 4 { break }
        }
        #expect(removed == 22)
        #expect(try tenant.hasUnfoldedSessions)
        tenant.foldSessions(before: edge, through: through, now: noon)
        #expect(try !tenant.hasUnfoldedSessions)
        #expect(
            try tenant.store.dailySessions().map { [$0.sessions, $0.bounces] }.reduce([0, 0]) {
                [$0[0] + $1[0], $0[1] + $1[1]]
            } == [13, 8])
        #expect(try read(service) == now)
        #expect(try afterKill() == now)
        #expect(tenant.snapshots.make(of: tenant) { false } != nil)
        #expect(try afterKill() == now)
    }
}
