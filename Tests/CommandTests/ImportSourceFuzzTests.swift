import JSON
import Testing

@testable import Command

@Suite("The readers of import files, fed with noise")
struct ImportSourceFuzzTests {
    private let folder = TemporaryFolder()

    /// Bytes that are rather likely to be syntax.
    private func noise(_ generator: inout SeededGenerator, _ pieces: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...400, using: &generator) {
            if Int.random(in: 0..<12, using: &generator) == 0 {
                bytes.append(UInt8.random(in: 0...255, using: &generator))
            } else {
                bytes += (pieces.randomElement(using: &generator) ?? "").utf8
            }
        }
        return bytes
    }

    private func check(_ records: [String]) throws {
        for record in records where !record.hasPrefix("!") {
            #expect(!record.utf8.contains(10))
            #expect(try JSONValue(parsing: record, maximumDepth: 1024).objectValue != nil, "\(record)")
        }
    }

    @Test("whatever stands in a file, each record is one JSON object on one line and reading comes to an end")
    func noise() throws {
        var generator = SeededGenerator(seed: 23)
        let json = [
            "{", "}", "\"id\"", ":", ",", "null", "\n", "\"occurred_at\"", "\"2026-01-01T00:00:00Z\"", "[", "]", "1",
            "-0.5e3", "\"\\ud800\"", "\\", "\"", " ", "{\"id\":1}\n", "{\"user_id\":\"u\"}\n", "\r\n",
        ]
        let cells = [
            ",", "\"", "\n", "\r\n", "a", "view", "2026-01-01T00:00:00Z", "{\"\"k\"\":1}", "[1]", "1e999", "true", "|",
            "ü", "1,2,3,4,5,6,7\n", "\"x\",\"y\",,,,,\n", "\n1,view,e,u,,,2\n",
        ]
        let tabs = ["\t", "\n", "1", "2.5", "nan", "-1e300", "x", "7\t8\t1396437466.94\n", "\r\n"]
        for round in 0..<400 {
            let lines = folder.file("lines", noise(&generator, json))
            for kind in [ImportRecord.Kind.interaction, .entity] {
                try check(drain(JSONLinesSource(path: lines, kind: kind, shift: Int64(round))))
            }
            let interactions = Array("id,type,entity_id,user_id,occurred_at,metadata,metadata.k\n".utf8)
            let table = folder.file("table", interactions + noise(&generator, cells))
            try check(drain(CSVSource(path: table, kind: .interaction, shift: .max)))
            let catalogue = Array("type,id,categories,inventory,hidden,attributes,attributes.k\n".utf8)
            let products = folder.file("products", catalogue + noise(&generator, cells))
            try check(drain(CSVSource(path: products, kind: .entity, shift: 0)))
            let clicks = folder.file("clicks", Array("SessionId\tItemId\tTime\n".utf8) + noise(&generator, tabs))
            try check(drain(SessionsSource(path: clicks, shift: .min)))
        }
    }

    @Test("MovieLens files full of noise are read to the end")
    func movieLensNoise() throws {
        var generator = SeededGenerator(seed: 29)
        _ = folder.file("u.genre", "unknown|0\nDrama|1\n")
        let films = ["|", "\n", "1", "0", "Film", "01-Jan-1995", "3|Film|01-Jan-1995||http://x|0|1\n", "é", "\r\n"]
        let ratings = ["\t", "\n", "1", "99999999999", "-4", "x", "1\t2\t3\t4\n", "\r\n"]
        for _ in 0..<200 {
            _ = folder.file("u.item", noise(&generator, films))
            _ = folder.file("u.data", noise(&generator, ratings))
            try check(drain(MovieLensSource(folder: folder.path, filmsOnly: false, shift: 1)))
        }
    }

    @Test("a configuration file full of noise is refused or read, never more")
    func configurationNoise() throws {
        var generator = SeededGenerator(seed: 31)
        let pieces = [
            "{", "}", "\"port\"", ":", ",", "1", "\"host\"", "\"x\"", "null", "true", "[\"a\"]", "1e99", "-1",
        ]
        let commands = CommandDeclaration.all(processors: 1)
        let serve = try #require(commands.first)
        for _ in 0..<2000 {
            let bytes = noise(&generator, pieces)
            var values = ArgumentValues()
            values.options["config"] = "noise"
            do throws(CommandError) {
                _ = try ServeOptions(
                    Configuration(serve, flags: values, environment: [:], known: commands, readFile: { _ in bytes }))
            } catch {
                #expect(error.status == .usage)
            }
        }
    }
}
