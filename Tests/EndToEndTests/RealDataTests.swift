import Foundation
import Testing

/// Public data sets, imported, served and checked against what can be counted in their files.
@Suite(.serialized) struct RealData {
    /// Where the data sets are; `nil`, with a message, where they are not.
    private static func folder(_ name: String) -> String? {
        let environment = ProcessInfo.processInfo.environment["FOOTFALL_DATA_DIR"]
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        for base in [environment, package.appending(path: "shared/data").path].compactMap(\.self) {
            if FileManager.default.fileExists(atPath: "\(base)/\(name)") { return "\(base)/\(name)" }
        }
        print("RealData: skipped, there is no folder \(name) in FOOTFALL_DATA_DIR or ../shared/data")
        return nil
    }

    private struct Rating {
        var user: String
        var film: String
        var rating: Int
        var time: Int64
    }

    private struct Films {
        var genres: [String: [String]] = [:]
        var count = 0
    }

    private func ratings(_ folder: String) -> [Rating] {
        String(decoding: TestFolder.bytes("\(folder)/u.data"), as: UTF8.self).split(separator: "\n").compactMap {
            line in
            let fields = line.split(separator: "\t")
            guard fields.count == 4, let rating = Int(fields[2]), let time = Int64(fields[3]) else { return nil }
            return Rating(user: String(fields[0]), film: String(fields[1]), rating: rating, time: time * 1000)
        }
    }

    private func films(_ folder: String) -> Films {
        let names = String(decoding: TestFolder.bytes("\(folder)/u.genre"), as: UTF8.self).split(separator: "\n")
            .compactMap { $0.split(separator: "|").first.map(String.init) }
        var films = Films()
        // Latin-1: the fields looked at here are ASCII.
        for line in TestFolder.bytes("\(folder)/u.item").split(separator: 10) {
            let fields = line.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            films.count += 1
            let flags = fields.suffix(names.count)
            films.genres[fields[0]] = zip(names, flags).filter { $0.1 == "1" && $0.0 != "unknown" }.map(\.0)
        }
        return films
    }

    private func importing(_ folder: TestFolder, _ arguments: [String]) throws -> JSONValue {
        let child = try Child.run(
            folder, ["import", "--data", folder.data, "--tenant", "demo", "--json"] + arguments, limit: 200)
        #expect(child.status == 0, "\(child.errors.suffix(2000))")
        return try JSONValue(parsing: child.output)
    }

    @Test("The ratings of MovieLens 100K become the lists that can be counted in its files")
    func movieLens() throws {
        guard let data = Self.folder("ml-100k") else { return }
        let ratings = ratings(data)
        let films = films(data)
        try #require(ratings.count == 100_000 && films.count == 1682)
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let before = now()
        let report = try importing(folder, ["--format", "movielens", "--shift-time", data])
        let after = now()
        #expect(report["tracked"] == 100_000 && report["duplicates"] == 0 && report["rejected"] == 0, "\(report.text)")
        #expect(report["entities"] == 1682, "\(report.text)")

        // The newest rating is moved to the moment of the import, all others by as much.
        let rows = try StoreFile(folder).interactions()
        let newest = ratings.map(\.time).max() ?? 0
        let shift = (rows.map(\.occurredAt).max() ?? 0) - newest
        #expect(newest + shift >= before && newest + shift <= after)
        var wanted = Set(ratings.map { "\($0.user) \($0.film) \($0.time + shift) \($0.rating)" })
        #expect(wanted.count == 100_000 && rows.count == 100_000)
        for row in rows {
            let rating = (try? JSONValue(parsing: row.metadata ?? ""))?["rating"]?.integerValue ?? -1
            #expect(row.type == "view" && row.entityType == "product")
            wanted.remove("\(row.user ?? "") \(row.entityID) \(row.occurredAt) \(rating)")
        }
        #expect(wanted.isEmpty, "\(wanted.prefix(5))")

        let client = try server.client()
        var random = SeededGenerator(seed: printedSeed("movieLens"))
        try compare(client, ratings, films, shift: shift, using: &random)
        let truth = try Recomputation(StoreFile(folder))
        let agreement = Agreement(client, truth)
        for window in Recomputation.windows {
            for mode in ["trending", "overall"] { try agreement.checkPopular(mode, window, limit: 100) }
        }
        try agreement.checkPopular("trending", "30d", category: "Film-Noir", limit: 1000)
        try agreement.checkTotals()
        try agreement.checkStats(of: truth.entities.keys.sorted().shuffled(using: &random).prefix(50))
        try agreement.checkSessions(truth.sessions.keys.sorted().shuffled(using: &random).prefix(50))
        try agreement.checkUsers(truth.rowsOfUser.keys.sorted().shuffled(using: &random).prefix(10))
        #expect(agreement.differences.isEmpty)

        let second = try importing(folder, ["--format", "movielens", "--shift-time", data])
        #expect(second["tracked"] == 0 && second["duplicates"] == 100_000 && second["rejected"] == 0, "\(second.text)")
        try compare(client, ratings, films, shift: shift, using: &random)
        #expect(server.stop() == 0)

        // Once more into the folder that no server runs on, and the lists are still the same.
        let third = try importing(folder, ["--format", "movielens", "--shift-time", data])
        #expect(third["tracked"] == 0 && third["duplicates"] == 100_000, "\(third.text)")
        let again = try ServerProcess(folder)
        #expect(again.startSeconds < 60)
        try compare(try again.client(), ratings, films, shift: shift, using: &random)
        #expect(again.stop() == 0)
    }

    /// Lists and counts of films against the files alone.
    private func compare(
        _ client: Client, _ ratings: [Rating], _ films: Films, shift: Int64, using random: inout SeededGenerator
    ) throws {
        func wanted(_ window: String, _ genre: String?, _ now: Int64) -> [(String, Int)] {
            let edge = Recomputation.edge(window, now)
            var counts: [String: Int] = [:]
            for rating in ratings where window == "all" || rating.time + shift >= edge {
                if let genre, films.genres[rating.film]?.contains(genre) != true { continue }
                counts[rating.film, default: 0] += 1
            }
            return counts.sorted {
                $0.value != $1.value
                    ? $0.value > $1.value : Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8))
            }
            .map { ($0.key, $0.value) }
        }
        for (window, genre) in [
            ("all", nil), ("30d", nil), ("7d", nil), ("all", "Film-Noir"), ("all", "Children's"), ("30d", "Comedy"),
        ] as [(String, String?)] {
            let category = genre.map { "&category=\($0.escaped)" } ?? ""
            for (mode, weight) in [("most_viewed", 1), ("overall", 2)] {
                let answer = try client.get(
                    "/v1/popular?mode=\(mode)&time_window=\(window)&limit=1000&entity_type=product\(category)")
                let items = answer.json["items"]?.arrayValue ?? []
                let list = wanted(window, genre, now()).prefix(1000)
                let isSame =
                    items.map { "\($0["entity_id"]?.stringValue ?? "") \($0["score"]?.doubleValue ?? -1)" }
                    == list.map { "\($0.0) \(Double($0.1 * weight))" }
                #expect(isSame && !items.isEmpty, "\(mode) \(window) \(genre ?? "")")
            }
        }
        let counts = Dictionary(grouping: ratings, by: \.film).mapValues(\.count)
        for (film, count) in counts.sorted(by: { $0.key < $1.key }).shuffled(using: &random).prefix(20) {
            let stats = try client.get("/v1/entities/product/\(film)/stats").json
            #expect(stats["counts"] == ["view_count": .integer(Int64(count))], "\(film): \(stats.text)")
            #expect(stats["placeholder"] == false && stats["title"]?.stringValue?.isEmpty == false, "\(stats.text)")
        }
        let totals = try client.get("/v1/totals").json
        #expect(totals["interactions"] == ["view": 100_000] && totals["users"] == 943, "\(totals.text)")
    }

    @Test("MovieLens 100K can be imported into a stopped folder, with the times as they are")
    func movieLensStopped() throws {
        guard let data = Self.folder("ml-100k") else { return }
        let folder = try TestFolder()
        #expect(try ServerProcess(folder).stop() == 0)
        let report = try importing(folder, ["--format", "movielens", data])
        #expect(report["tracked"] == 100_000 && report["entities"] == 1682, "\(report.text)")
        let server = try ServerProcess(folder)
        let client = try server.client()
        var random = SeededGenerator(seed: 4)
        let ratings = ratings(data)
        let counts = Dictionary(grouping: ratings, by: \.film).mapValues(\.count)
        let best = counts.sorted { $0.value > $1.value }.prefix(3).map(\.key)
        let listed = try client.get("/v1/popular?limit=3").json["items"]?.arrayValue ?? []
        #expect(listed.compactMap { $0["entity_id"]?.stringValue } == best)
        // Nothing of 1998 trends today.
        #expect(try client.get("/v1/trending").json["items"] == [])
        for user in Set(ratings.map(\.user)).sorted().shuffled(using: &random).prefix(10) {
            let own = try client.get("/v1/users/\(user)/interactions").json["interactions"]?.arrayValue ?? []
            let times = ratings.filter { $0.user == user }.map(\.time).sorted(by: >).prefix(100)
            #expect(own.compactMap { milliseconds($0["occurred_at"]?.stringValue ?? "") } == Array(times), "\(user)")
        }
        #expect(server.stop() == 0)
    }

    @Test("The click sessions of RSC15 have the metrics that can be counted in their file")
    func clickSessions() throws {
        guard let data = Self.folder("rsc15") else { return }
        let lines = String(decoding: TestFolder.bytes("\(data)/train.txt"), as: UTF8.self).split(separator: "\n")
            .prefix(30_001)
        let folder = try TestFolder()
        let path = try folder.write("sessions.txt", lines.joined(separator: "\n") + "\n")
        let server = try ServerProcess(folder)
        let report = try importing(folder, ["--format", "sessions", path])
        #expect(report["tracked"]?.integerValue == Int64(lines.count - 1) && report["rejected"] == 0, "\(report.text)")
        var sessions: [String: [Int64]] = [:]
        var clicks: [String: Int64] = [:]
        for line in lines.dropFirst() {
            let fields = line.split(separator: "\t")
            let time = Int64(((Double(fields[2]) ?? 0) * 1000).rounded())
            sessions[String(fields[0]), default: []].append(time)
            clicks[String(fields[1]), default: 0] += 1
        }
        let client = try server.client()
        var random = SeededGenerator(seed: printedSeed("clickSessions"))
        for (id, times) in sessions.sorted(by: { $0.key < $1.key }).shuffled(using: &random).prefix(300) {
            let json = try client.get("/v1/sessions/\(id)").json
            let session = Recomputation.Session(
                start: times.min() ?? 0, last: times.max() ?? 0, count: Int64(times.count), views: Int64(times.count))
            #expect(json["duration"]?.integerValue == session.duration, "\(id): \(json.text)")
            #expect(json["interactionCount"]?.integerValue == session.count, "\(id): \(json.text)")
            #expect(json["pageViews"]?.integerValue == session.views, "\(id): \(json.text)")
            #expect(json["engagementScore"]?.doubleValue == session.engagement, "\(id): \(json.text)")
            #expect(json["bounceRate"]?.doubleValue == (session.isBounce ? 100 : 0), "\(id): \(json.text)")
            #expect(json["started_at"]?.stringValue == rfc3339(session.start), "\(id): \(json.text)")
        }
        let totals = try client.get("/v1/totals").json
        let bounces = sessions.values.count { $0.count == 1 }
        #expect(totals["sessions"]?.integerValue == Int64(sessions.count), "\(totals.text)")
        #expect(totals["bounces"]?.integerValue == Int64(bounces), "\(totals.text)")
        let listed = try client.get("/v1/popular?mode=most_viewed&limit=100").json["items"]?.arrayValue ?? []
        let best = clicks.values.sorted(by: >).prefix(100)
        #expect(listed.compactMap { $0["score"]?.doubleValue } == best.map { Double($0) })
        for item in listed {
            #expect(clicks[item["entity_id"]?.stringValue ?? ""].map { Double($0) } == item["score"]?.doubleValue)
        }
        let again = try importing(folder, ["--format", "sessions", path])
        #expect(again["tracked"] == 0 && again["duplicates"]?.integerValue == Int64(lines.count - 1), "\(again.text)")
        #expect(server.stop() == 0)
    }
}
