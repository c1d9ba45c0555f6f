import Foundation
import Synchronization
import Testing

/// A disk that has no room left.
@Suite(.serialized) struct DiskFull {
    /// A file system of its own of a few megabytes; `nil` where none may be mounted.
    private final class SmallDisk {
        let path: String

        init?(_ folder: TestFolder, megabytes: Int) {
            path = folder.path + "/disk"
            try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard Self.run("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=700", "tmpfs", path]) else {
                return nil
            }
        }

        deinit { _ = Self.run("umount", ["-l", path]) }

        func resize(megabytes: Int) -> Bool { Self.run("mount", ["-o", "remount,size=\(megabytes)m", path]) }

        private static func run(_ program: String, _ arguments: [String]) -> Bool {
            guard geteuid() == 0 else { return false }
            let process = Process()
            process.executableURL = URL(filePath: "/bin/\(program)")
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }

    private func batch(_ prefix: String, _ count: Int) -> (ids: [String], body: String) {
        let ids = (0..<count).map { "\(prefix)-\($0)" }
        let filling = String(repeating: "x", count: 2000)
        let items = ids.map {
            #"{"id": "\#($0)", "type": "view", "entity_id": "p", "user_id": "u", "metadata": {"x": "\#(filling)"}}"#
        }
        return (ids, #"{"interactions": [\#(items.joined(separator: ","))]}"#)
    }

    /// Sends until the disk is full, sees that reading goes on, makes room, and sees that tracking goes on and that what was
    /// acknowledged is there, what was refused is not, until it is sent again.
    private func fill(
        _ server: ServerProcess, codes allowed: Set<String>, free: () throws -> Void
    ) throws {
        let client = try server.client()
        var acknowledged: Set<String> = []
        var refused: [String] = []
        var bodies: [String: String] = [:]
        var codes: Set<String> = []
        for number in 0..<400 {
            let (ids, body) = batch("b\(number)", 50)
            let answer = try client.post("/v1/interactions", body)
            if answer.status == 200 {
                #expect(answer.json["tracked"] == 50, "\(answer)")
                acknowledged.formUnion(ids)
            } else {
                #expect(answer.status == 507 || answer.status == 503, "\(answer)")
                #expect(answer.isProblem && answer.headers["retry-after"] != nil, "\(answer) \(answer.headers)")
                codes.insert(answer.code ?? "")
                refused += ids
                bodies["b\(number)"] = body
                if bodies.count > 20 { break }
            }
        }
        #expect(codes.isSubset(of: allowed))
        try #require(!refused.isEmpty, "The disk was never full")
        #expect(!acknowledged.isEmpty)
        // Nothing of a refused request is taken, and reading goes on.
        let stats = try client.get("/v1/entities/product/p/stats").json
        #expect(stats["counts"]?["view_count"]?.integerValue == Int64(acknowledged.count), "\(stats.text)")
        #expect(try client.get("/healthz").status == 200)
        #expect(try client.get("/v1/users/u/interactions?limit=5").json["interactions"]?.arrayValue?.count == 5)
        let plan = try client.put(
            "/v1/plan", ["extends": "default", "name": .string(String(repeating: "n", count: 200))])
        #expect([200, 507, 503].contains(plan.status), "\(plan)")

        try free()
        let isBack = try eventually(within: 60) {
            try client.post("/v1/interactions", #"{"id": "back", "type": "view", "entity_id": "q", "user_id": "u"}"#)
                .status
                == 200
        }
        #expect(isBack, "\(server.errors.suffix(1000))")
        for (number, body) in bodies {
            let answer = try client.post("/v1/interactions", body)
            #expect(answer.status == 200 && answer.json["tracked"] == 50, "\(number): \(answer)")
        }
        acknowledged.formUnion(refused)
        acknowledged.insert("back")
        let stored = try StoreFile(server.folder).interactions().map(\.id)
        let isSame = Set(stored) == acknowledged
        #expect(isSame && stored.count == acknowledged.count, "\(stored.count) stored, not \(acknowledged.count)")
    }

    @Test("With no room left a request gets 507 and nothing is half-taken; with room again it goes on")
    func fullDiskFault() throws {
        let folder = try TestFolder()
        guard let disk = SmallDisk(folder, megabytes: 6) else {
            print("fullDiskFault: skipped, no file system can be mounted")
            return
        }
        let link = folder.data
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: disk.path)
        let server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
        try fill(server, codes: ["disk_full"]) { #expect(disk.resize(megabytes: 200)) }
        server.kill()
        let second = try ServerProcess(folder)
        var random = SeededGenerator(seed: 1)
        try expectAgreement(second, using: &random)
        #expect(second.stop() == 0)
        #expect(try StoreFile(folder).integrity() == "ok")
        // Full again, this time at the start.
        #expect(FileManager.default.createFile(atPath: disk.path + "/filler", contents: nil))
        let handle = try FileHandle(forWritingTo: URL(filePath: disk.path + "/filler"))
        var isFull = false
        while !isFull {
            do { try handle.write(contentsOf: Data(count: 1 << 20)) } catch { isFull = true }
        }
        try handle.close()
        // It may start or not; if not, it says why, and nothing is lost by that.
        let child = try Child(folder, ["serve", "--data", folder.data, "--port", "0"])
        let isThere = eventually(within: 60) { child.status != nil || child.output.contains("ready") }
        #expect(isThere)
        if let status = child.status {
            #expect(status > 0 && child.errors.contains("disk_full"), "\(status): \(child.errors)")
        }
        child.end(SIGKILL)
        try FileManager.default.removeItem(atPath: disk.path + "/filler")
        let third = try ServerProcess(folder)
        try expectAgreement(third, using: &random)
        #expect(try third.client().post("/v1/interactions", batch("full", 1).body).json["tracked"] == 1)
        #expect(third.stop() == 0)
    }

    @Test("Past a limit on the size of files it answers 507 or 503, and goes on when the limit is lifted")
    func fileSizeLimitFault() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder, shell: "trap '' XFSZ; ulimit -S -f 3000")
        try fill(server, codes: ["disk_full", "store_io"]) {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/prlimit")
            process.arguments = ["--pid", "\(server.process)", "--fsize=unlimited"]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        #expect(server.stop() == 0)
        let second = try ServerProcess(folder)
        var random = SeededGenerator(seed: 1)
        try expectAgreement(second, using: &random)
    }
}
