import CSQLite
import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

/// What concerns the file itself: what other programs see in it, and what happens when it is not as it should be.
@Suite("SQLite file")
struct SQLiteFileTests {
    private static func interaction(
        _ id: String, type: String, entityType: String, entityID: String, user: String?, occurredAt: Int64,
        metadata: String? = nil
    ) -> PlainRow {
        var row = PlainRow()
        row.id = id
        row.type = type
        row.entityType = entityType
        row.entityID = entityID
        row.userID = user
        row.occurredAt = occurredAt
        row.receivedAt = occurredAt + 5
        row.metadata = metadata
        row.sessionID = "s-" + id
        row.context = "feed"
        return row
    }

    /// Posts seen for random times, and some rows that are not Feed's.
    private func feedRows(_ random: inout SplitMix64) -> [PlainRow] {
        (0..<400).map { index in
            let type = ["view", "click", "like", "share"][Int.random(in: 0..<4, using: &random)]
            let metadata: String? =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: nil
                case 1: "{\"source\":\"feed\"}"
                default: "{\"duration\":\(Int.random(in: 0..<9000, using: &random)),\"scroll_depth\":75}"
                }
            var row = SQLiteFileTests.interaction(
                "i\(index)", type: type, entityType: random.chance(0.8) ? "post" : "product",
                entityID: random.text("p", below: 25), user: random.maybe { $0.text("u", below: 8) },
                occurredAt: 1_760_000_000_000 + Int64.random(in: 0..<3_000_000_000, using: &random), metadata: metadata)
            if random.chance(0.2) { row.originalType = "alias_of_" + type }
            return row
        }
    }

    private func store(_ folder: TemporaryFolder, _ rows: [PlainRow]) throws -> SQLiteTenantStore {
        let store = try SQLiteTenantStore.open(folder: folder.path + "/shop-1")
        var batch = PlainRow.batch(rows)
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
        return store
    }

    static let averageViewDuration = """
        SELECT post_id, AVG(CAST(metadata->>'duration' AS INTEGER)) AS avg_duration
        FROM user_interaction
        WHERE interaction_type = 'view' AND metadata->>'duration' IS NOT NULL
        GROUP BY post_id ORDER BY avg_duration DESC LIMIT 10
        """
    static let topPosts = """
        SELECT post_id, COUNT(id) AS interactions
        FROM user_interaction
        WHERE interaction_type IN ('view', 'click', 'like') AND created_at >= '2025-10-20T00:00:00.000Z'
        GROUP BY post_id ORDER BY COUNT(id) DESC, post_id LIMIT 10
        """
    static let engagement = """
        SELECT user_id, interaction_type, COUNT(id) AS interactions
        FROM user_interaction WHERE created_at >= '2025-10-20T00:00:00.000Z'
        GROUP BY user_id, interaction_type ORDER BY user_id, interaction_type
        """

    @Test("Feed's three queries run on the file while the store is open, and agree with a recount")
    func feedQueries() throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: 11)
        let rows = feedRows(&random)
        let store = try store(folder, rows)
        defer { store.close() }
        let reader = try ForeignReader(folder.path + "/shop-1/" + SQLiteTenantStore.fileName)
        let posts = rows.filter { $0.entityType == "post" }
        let since = try #require(Timestamp(rfc3339: "2025-10-20T00:00:00.000Z")).milliseconds

        var durations: [String: [Int]] = [:]
        for row in posts where row.type == "view" {
            if let text = row.metadata?.split(separator: "duration\":").last?.prefix(while: \.isNumber),
                let value = Int(text)
            {
                durations[row.entityID, default: []].append(value)
            }
        }
        let averages = durations.mapValues { Double($0.reduce(0, +)) / Double($0.count) }
        let found = try reader.query(SQLiteFileTests.averageViewDuration)
        #expect(found.count == 10)
        let top = averages.values.sorted(by: >).prefix(10)
        for (line, expected) in zip(found, top) {
            #expect(abs((line[1].flatMap(Double.init) ?? -1) - expected) < 1e-6)
            #expect(abs((averages[line[0] ?? ""] ?? -1) - expected) < 1e-6)
        }

        var counts: [String: Int] = [:]
        for row in posts where ["view", "click", "like"].contains(row.type) && row.occurredAt >= since {
            counts[row.entityID, default: 0] += 1
        }
        let ranked = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10).map {
            [$0.key, "\($0.value)"]
        }
        #expect(try reader.query(SQLiteFileTests.topPosts) == ranked)

        var engaged: [String: Int] = [:]
        for row in posts where row.occurredAt >= since {
            engaged[(row.userID ?? "-") + "/" + row.type, default: 0] += 1
        }
        let lines = try reader.query(SQLiteFileTests.engagement)
        #expect(
            Dictionary(uniqueKeysWithValues: lines.map { ("\($0[0] ?? "-")/\($0[1] ?? "")", Int($0[2] ?? "") ?? 0) })
                == engaged)
    }

    @Test("The sqlite3 shell reads the file while the store is open, also with -readonly")
    func shell() throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: 12)
        let rows = feedRows(&random)
        let store = try store(folder, rows)
        defer { store.close() }
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else { return }
        for arguments in [[], ["-readonly"]] {
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
            shell.arguments =
                arguments + [
                    folder.path + "/shop-1/" + SQLiteTenantStore.fileName,
                    "SELECT count(*) FROM UserInteraction; \(SQLiteFileTests.averageViewDuration);",
                ]
            let output = Pipe()
            shell.standardOutput = output
            try shell.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 0)
            let lines = text.split(separator: "\n")
            #expect(lines.first == "400")
            #expect(lines.count == 11)
        }
    }

    @Test("The views show each source's columns, with times as RFC 3339 text")
    func views() throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: 13)
        var rows: [PlainRow] = []
        for index in 0..<300 {
            var row = random.row(around: Int64.random(in: -40_000_000_000_000...40_000_000_000_000, using: &random))
            row.verdict = .accepted
            row.entityType = ["post", "product", "artist"][index % 3]
            row.metadata = random.maybe { _ in "{}" }
            rows.append(row)
        }
        let store = try store(folder, rows)
        defer { store.close() }
        let reader = try ForeignReader(folder.path + "/shop-1/" + SQLiteTenantStore.fileName)
        func time(_ milliseconds: Int64) -> String { Timestamp(milliseconds: milliseconds).rfc3339 }

        let shop = try reader.query(
            """
            SELECT id, sessionId, shopId, customerId, interactionType, context, metadata, createdAt, updatedAt
            FROM UserInteraction
            """)
        #expect(
            shop
                == rows.map {
                    [
                        $0.id, $0.sessionID, "shop-1", $0.userID, $0.originalType ?? $0.type, $0.context, $0.metadata,
                        time($0.occurredAt), time($0.receivedAt),
                    ]
                })
        let feed = try reader.query(
            "SELECT id, user_id, post_id, interaction_type, metadata, created_at FROM user_interaction")
        #expect(
            feed
                == rows.filter { $0.entityType == "post" }.map {
                    [$0.id, $0.userID, $0.entityID, $0.type, $0.metadata, time($0.occurredAt)]
                })
        let ranking = try reader.query(
            "SELECT id, user_id, product_id, interaction_type, timestamp, metadata FROM product_interactions")
        #expect(
            ranking
                == rows.filter { $0.entityType == "product" }.map {
                    [$0.id, $0.userID, $0.entityID, $0.type, time($0.occurredAt), $0.metadata]
                })
        for table in [
            "search_interactions", "product_popularity", "user_preferences", "item_similarity", "system_errors",
        ] {
            #expect(try reader.query("SELECT * FROM \(table)").isEmpty)
        }
    }

    @Test("user_interactions has no secondary index")
    func noIndex() throws {
        let folder = try TemporaryFolder()
        let store = try store(folder, [])
        defer { store.close() }
        let reader = try ForeignReader(folder.path + "/shop-1/" + SQLiteTenantStore.fileName)
        #expect(try reader.query("PRAGMA index_list(user_interactions)").isEmpty)
    }

    // MARK: Files that are not as they should be

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func code(_ folder: String) -> String? {
        do {
            try SQLiteTenantStore.open(folder: folder).close()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A newer store is refused and not changed by a byte")
    func tooNew() throws {
        let folder = try TemporaryFolder()
        try store(folder, []).close()
        let path = folder.path + "/shop-1/" + SQLiteTenantStore.fileName
        var handle: OpaquePointer?
        #expect(sqlite3_open(path, &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, "PRAGMA user_version = 99", nil, nil, nil) == SQLITE_OK)
        sqlite3_close(handle)
        let before = try bytes(path)
        #expect(code(folder.path + "/shop-1") == "store_too_new")
        #expect(try bytes(path) == before)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/shop-1") == [SQLiteTenantStore.fileName]
        )
    }

    @Test("A newer store whose version stands in the write-ahead log only is refused, and the log stays")
    func tooNewInLog() throws {
        let folder = try TemporaryFolder()
        try store(folder, []).close()
        let path = folder.path + "/shop-1/" + SQLiteTenantStore.fileName
        let copy = folder.path + "/copy"
        var handle: OpaquePointer?
        #expect(sqlite3_open(path, &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, "PRAGMA user_version = 99", nil, nil, nil) == SQLITE_OK)
        // As a crash would leave it: with the log not copied.
        try FileManager.default.copyItem(atPath: folder.path + "/shop-1", toPath: copy)
        sqlite3_close(handle)
        try? FileManager.default.removeItem(atPath: copy + "/" + SQLiteTenantStore.fileName + "-shm")
        let file = try bytes(copy + "/" + SQLiteTenantStore.fileName)
        let log = try bytes(copy + "/" + SQLiteTenantStore.fileName + "-wal")
        #expect(!log.isEmpty)
        #expect(code(copy) == "store_too_new")
        #expect(try bytes(copy + "/" + SQLiteTenantStore.fileName) == file)
        #expect(try bytes(copy + "/" + SQLiteTenantStore.fileName + "-wal") == log)
    }

    @Test("What is not a store is refused and not changed")
    func notAStore() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + SQLiteTenantStore.fileName
        var random = SplitMix64(seed: 3)
        for content in [Data("hello".utf8), Data((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) })] {
            try content.write(to: URL(fileURLWithPath: path))
            #expect(code(folder.path) == "store_corrupt")
            #expect(try bytes(path) == content)
        }
        try FileManager.default.removeItem(atPath: path)
        var handle: OpaquePointer?
        #expect(sqlite3_open(path, &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, "CREATE TABLE user_interactions(seq)", nil, nil, nil) == SQLITE_OK)
        sqlite3_close(handle)
        let other = try bytes(path)
        #expect(code(folder.path) == "store_corrupt")
        #expect(try bytes(path) == other)
    }

    @Test("A write-ahead log without its file is not thrown away")
    func lonelyLog() throws {
        let folder = try TemporaryFolder()
        let log = folder.path + "/" + SQLiteTenantStore.fileName + "-wal"
        try Data("some log".utf8).write(to: URL(fileURLWithPath: log))
        #expect(code(folder.path) == "store_corrupt")
        #expect(try bytes(log) == Data("some log".utf8))
    }

    @Test(
        "A store with damaged or missing pages is refused, or says so when they are read",
        arguments: [1, 2, 3, 4, 5, 6])
    func damaged(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: seed)
        var rows = (0..<3000).map { _ in random.row(around: 1_700_000_000_000) }
        for index in rows.indices { rows[index].verdict = .accepted }
        try store(folder, rows).close()
        let path = folder.path + "/shop-1/" + SQLiteTenantStore.fileName
        var content = try bytes(path)
        if seed % 2 == 0 {
            content = content.prefix(content.count / 8192 / 2 * 8192)
        } else {
            for page in 1..<(content.count / 8192) where page > 2 {
                content.replaceSubrange(
                    page * 8192..<(page * 8192 + 64),
                    with: (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
        }
        try content.write(to: URL(fileURLWithPath: path))
        var codes: [String] = []
        do throws(StorageError) {
            let store = try SQLiteTenantStore.open(folder: folder.path + "/shop-1")
            defer { store.close() }
            let resolver = RowResolver(names: NameTable(), hasher: KeyHasher(seed: store.seed))
            do throws(StorageError) {
                try store.scan(after: 0, resolver: resolver) { _ in true }
            } catch { codes.append(error.code) }
        } catch { codes.append(error.code) }
        #expect(codes == ["store_corrupt"])
    }

    @Test("A folder that cannot be made or written is said to be so")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/file"
        try Data("x".utf8).write(to: URL(fileURLWithPath: file))
        #expect(code(file) == "store_unwritable")
        #expect(code(file + "/below") == "store_unwritable")
        #expect(code("/proc/footfall-none") == "store_unwritable")
        #expect(throws: StorageError.self) { _ = try SQLiteRegistry(folder: file) }
    }

    @Test("An older store is brought up to date step by step, and a step that fails changes nothing")
    func migrations() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + SQLiteTenantStore.fileName
        // A file that was begun and not finished has neither version nor tables.
        var handle: OpaquePointer?
        #expect(sqlite3_open(path, &handle) == SQLITE_OK)
        #expect(sqlite3_exec(handle, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL", nil, nil, nil) == SQLITE_OK)
        sqlite3_close(handle)
        let store = try SQLiteTenantStore.open(folder: folder.path)
        #expect(store.lastPosition == 0)
        store.close()
    }

    @Test("A read-only store reads and refuses to write")
    func readOnly() throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: 5)
        let store = try store(folder, feedRows(&random))
        var options = StoreOptions()
        options.readOnly = true
        let other = try SQLiteTenantStore.open(folder: folder.path + "/shop-1", options: options)
        #expect(other.seed == store.seed)
        #expect(try other.interactionCount() == 400)
        #expect(throws: StorageError.self) { _ = try other.commit { _ in } }
        other.close()
        store.close()
        let alone = try SQLiteTenantStore.open(folder: folder.path + "/shop-1", options: options)
        #expect(alone.lastPosition == 400)
        alone.close()
        #expect(throws: StorageError.self) {
            _ = try SQLiteTenantStore.open(folder: folder.path + "/none", options: options)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none"))
    }

    @Test("A file that was being copied into when the process was killed is shorter than it says, and opens")
    func killedWhileCopying() throws {
        let folder = try TemporaryFolder()
        let copies = try TemporaryFolder()
        let store = try SQLiteTenantStore.open(folder: folder.path + "/t")
        try ForeignReaderTests.write(store, count: 3000)
        let copy = Process()
        copy.executableURL = URL(fileURLWithPath: "/bin/cp")
        copy.arguments = ["-r", folder.path + "/t", copies.path + "/t"]
        try copy.run()
        copy.waitUntilExit()
        store.close()
        // The first page is copied first, and says how many there are; the others are missing yet.
        let path = copies.path + "/t/" + SQLiteTenantStore.fileName
        let log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        var page: Data?
        var frame = 32
        while frame + 24 + 8192 <= log.count {
            if log[frame..<frame + 4].elementsEqual([0, 0, 0, 1]) { page = log[(frame + 24)..<(frame + 24 + 8192)] }
            frame += 24 + 8192
        }
        var file = try Data(contentsOf: URL(fileURLWithPath: path))
        file.replaceSubrange(0..<8192, with: try #require(page))
        try file.write(to: URL(fileURLWithPath: path))
        let opened = try SQLiteTenantStore.open(folder: copies.path + "/t")
        try ForeignReaderTests.expectWhole(opened, "killed while copying")
        #expect(opened.lastPosition == 3000)
        opened.close()
    }
}
