import Foundation
import JSON
import Testing

@testable import Command

/// The public data sets, which lie beside the repository where they are there at all.
enum SharedData {
    /// Their folder.
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["FOOTFALL_DATA_DIR"] { return path }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appendingPathComponent("shared/data").path
    }()

    static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }
}

@Suite("The public data sets")
struct SharedDataTests {
    @Test(
        "MovieLens 100K is read whole, in order of time",
        .enabled(if: SharedData.has("ml-100k"), "the folder ml-100k is not there"))
    func movieLens() throws {
        let folder = "\(SharedData.folder)/ml-100k"
        let records = try drain(MovieLensSource(folder: folder, filmsOnly: false, shift: 0))
        #expect(records.count == 1682 + 100_000)
        #expect(!records.contains { $0.hasPrefix("!") })
        let films = try records[..<1682].map { try JSONValue(parsing: $0) }
        #expect(films[0]["title"] == "Toy Story (1995)")
        #expect(films[0]["categories"] == ["Animation", "Children's", "Comedy"])
        #expect(films[0]["published_at"] == "1995-01-01T00:00:00.000Z")
        #expect(films.filter { $0["published_at"] == nil }.count == 1)
        let ratings = try records[1682...].map { try JSONValue(parsing: $0) }
        let times = ratings.compactMap { $0["occurred_at"]?.stringValue }
        #expect(times == times.sorted())
        #expect(times.first == "1997-09-20T03:05:10.000Z")
        #expect(times.last == "1998-04-22T23:10:38.000Z")
        #expect(Set(ratings.compactMap { $0["id"]?.stringValue }).count == 100_000)
        #expect(Set(ratings.compactMap { $0["user_id"]?.stringValue }).count == 943)
        #expect(ratings.compactMap { $0["metadata"]?["rating"]?.integerValue }.reduce(0, +) == 352_986)
    }

    @Test(
        "RSC15's sessions are read whole",
        .enabled(if: SharedData.has("rsc15"), "the folder rsc15 is not there"), arguments: ["train", "valid"])
    func sessions(part: String) throws {
        let path = "\(SharedData.folder)/rsc15/\(part).txt"
        let records = try drain(SessionsSource(path: path, shift: 0))
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(records.count == lines.count)
        var ids: Set<String> = []
        for (text, line) in zip(records, lines) {
            let value = try JSONValue(parsing: text)
            let fields = line.split(separator: "\t")
            #expect(value["session_id"]?.stringValue == String(fields[0]))
            #expect(value["entity_id"]?.stringValue == String(fields[1]))
            ids.insert(value["id"]?.stringValue ?? "")
        }
        #expect(ids.count == lines.count)
    }
}
