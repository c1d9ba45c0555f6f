import JSON
import Testing

@testable import Command

@Suite("footfall evaluate")
struct EvaluateTests {
    let folder = TemporaryFolder()

    func run(_ arguments: [String]) -> (status: CommandStatus, output: String, error: String) {
        let program = TestProgram()
        let status = program.runAll(["evaluate"] + arguments)
        return (status, program.transcript.output, program.transcript.error)
    }

    /// Two halves of a catalogue, whose people stay in theirs.
    var lists: (train: String, test: String) {
        var (train, test) = ("", "")
        for person in 0..<40 {
            let half = person % 2 * 8
            train += "u\(person) " + (0..<5).map { "i\(half + (person / 2 + $0) % 8)" }.joined(separator: " ") + "\n"
            test += "u\(person) i\(half + (person / 2 + 5) % 8)\n"
        }
        return (folder.file("train", train), folder.file("test", test))
    }

    @Test("--json prints one object with the first model's measures on top and everything beside them")
    func json() throws {
        let files = lists
        let result = run([
            "--train", files.train, "--test", files.test, "--format", "lists", "--at", "3,20", "--json", "--models",
            "walk,popularity",
        ])
        #expect(result.status == .success)
        let report = try JSONValue(parsing: Array(result.output.utf8))
        #expect(report["recall@3"]?.doubleValue == 1)
        #expect(report["models"]?["walk"]?["recall@3"]?.doubleValue == 1)
        let popular = try #require(report["models"]?["popularity"])
        #expect(try #require(popular["ndcg@3"]?.doubleValue) < 1)
        #expect(try #require(popular["first_minus_this"]?["recall@3"]?["interval"]?[0]?.doubleValue) > 0)
        for name in [
            "ndcg@20", "hr@3", "mrr@3", "map@3", "precision@3", "training_cpu_seconds", "choosing_cpu_seconds",
            "scoring_cpu_seconds", "peak_memory_bytes",
        ] {
            #expect(report[name]?.doubleValue != nil, "\(name)")
        }
        #expect(result.error.contains("walk: training"))
    }

    @Test("How new listed items are is by the persons of training: who is only tested changes nothing")
    func novelty() throws {
        let train = folder.file("novel", "u1 a\nu1 b\nu2 a\nu2 c\nu3 b\nu3 c\nu3 d\n")
        let known = "u1 d\nu2 d\n"
        let strangers = known + (0..<98).map { "new\($0) a\n" }.joined()
        for (test, novelty, listed) in [
            // c and b, each of two of three persons; a besides, likewise, for everybody without a history.
            (known, 0.585, 2.0 / 3), (strangers, 0.585, 2.0 / 3),
        ] {
            let result = run([
                "--train", train, "--test", folder.file("strangers", test), "--format", "pairs", "--at", "1",
                "--models",
                "popularity", "--json",
            ])
            let row = try #require(try JSONValue(parsing: Array(result.output.utf8))["models"]?["popularity"])
            #expect(abs(try #require(row["novelty@1"]?.doubleValue) - novelty) < 0.001)
            #expect(abs(try #require(row["listed_popularity@1"]?.doubleValue) - listed) < 0.001)
        }
    }

    @Test("Without --json there is a table with a column a model, and what is clearly worse is marked")
    func table() {
        let files = lists
        let result = run([
            "--train", files.train, "--test", files.test, "--format", "lists", "--at", "3", "--models",
            "walk,popularity",
        ])
        #expect(result.output.contains("recall@3"))
        let rows = result.output.split(separator: "\n").filter { $0.hasPrefix("recall@3") }
        #expect(rows.count == 1 && rows[0].hasSuffix("-") && rows[0].contains("1.0000"))
    }

    @Test("A model that cannot be had is left out and named; the others stay, and only when none is left it fails")
    func leftOut() throws {
        let files = lists
        var text = ""
        for person in 0..<10 { for item in 0..<4 { text += "u\(person) i\((person + item) % 8) -1\n" } }
        let file = folder.file("against", text)
        let test = folder.file("after", "u1 i7\nu2 i7\n")
        let against = ["--train", file, "--test", test, "--format", "pairs", "--at", "3", "--models"]
        let whole = run(against + ["all", "--json"])
        #expect(whole.status == .success, "\(whole.error)")
        let report = try JSONValue(parsing: Array(whole.output.utf8))
        #expect(report["left_out"]?["served"]?.stringValue?.contains("no interactions to learn from") == true)
        #expect(report["models"]?["served"] == nil && report["model"]?.stringValue == "default")
        for name in ["als", "user-to-user", "decayed-popularity", "walk"] {
            #expect(report["models"]?[name]?["recall@3"] != nil, "\(name)")
        }
        let table = run(against + ["served,popularity"])
        #expect(table.status == .success && table.output.contains("served is left out: no interactions to learn from"))
        let none = run(against + ["served"])
        #expect(none.status == .failure && none.output.isEmpty && none.error.contains("no interactions to learn from"))
        // Two people are too few to choose on.
        let few = folder.file("few", "a x\nb x\nb y\n")
        let tuned = run([
            "--train", few, "--test", folder.file("next", "a y\n"), "--format", "pairs", "--models",
            "popularity,tuned-als",
        ])
        #expect(tuned.status == .success && tuned.output.contains("tuned-als is left out"), "\(tuned.error)")
        let most = run([
            "--train", files.train, "--test", files.test, "--format", "lists", "--models", "als,user-to-user", "--json",
        ])
        #expect(try JSONValue(parsing: Array(most.output.utf8))["models"]?["user-to-user"] != nil)
    }

    @Test("Sessions: hit rate and MRR of every place; a split in place of a test part")
    func sessions() throws {
        var text = "SessionId\tItemId\tTime\n"
        for session in 0..<200 {
            for click in 0..<4 { text += "\(session)\ti\((session + click) % 20)\t\(session * 4_000 + click)\n" }
        }
        let file = folder.file("sessions", text)
        let result = run(["--train", file, "--split", "last", "--format", "sessions", "--json", "--at", "2"])
        #expect(result.status == .success)
        let report = try JSONValue(parsing: Array(result.output.utf8))
        #expect(report["hr@2"]?.doubleValue == 1 && report["mrr@2"]?.doubleValue == 1)
        #expect(report["model"]?.stringValue == "default")
    }

    @Test("Pairs with a temporal split, and sets")
    func pairs() throws {
        var text = ""
        for step in 0..<6 { for person in 0..<30 { text += "u\(person)\ti\(step + person % 2 * 6)\t1\t\(step)\n" } }
        let file = folder.file("pairs", text)
        for extra in [[], ["--ignore-order"]] {
            let arguments = [
                "--train", file, "--split", "temporal:0.8", "--format", "pairs", "--json", "--models",
                "popularity",
            ]
            let result = run(arguments + extra)
            #expect(result.status == .success)
            #expect(try JSONValue(parsing: Array(result.output.utf8))["test_users"]?.doubleValue == 30)
        }
    }

    @Test("What cannot be is refused with a sentence")
    func refusals() {
        let files = lists
        let header = folder.file("header", "SessionId\tItemId\tTime\n")
        let clicks = folder.file("clicks", "SessionId\tItemId\tTime\n1\t5\t10\n1\t6\t11\n")
        let bad = folder.file("bad", "u a 1 2\nu b\n")
        for (arguments, words, status) in [
            (["--train", files.train, "--format", "lists"], "needs --test", CommandStatus.usage),
            (
                ["--train", files.train, "--test", files.test, "--split", "last", "--format", "lists"], "not both",
                .usage
            ),
            (["--train", files.train, "--split", "half", "--format", "lists"], "temporal:SHARE", .usage),
            (["--train", files.train, "--test", files.test, "--format", "lists", "--at", "0"], "--at", .usage),
            (
                ["--train", files.train, "--test", files.test, "--format", "lists", "--models", "wakl"], "walk?", .usage
            ),
            (["--format", "lists"], "or --tenant", .usage),
            (["--tenant", "demo", "--train", files.train], "--train does not go", .usage),
            (["--tenant", "demo", "--split", "last"], "cut by time", .usage),
            (["--tenant", "demo", "--data", folder.path], "no data folder", .failure),
            (["--train", bad, "--test", bad, "--format", "pairs"], "line 2", .failure),
            (["--train", "/no/file", "--test", bad, "--format", "pairs"], "cannot be opened", .failure),
            (["--train", files.train, "--split", "temporal:0.5", "--format", "lists"], "needs times", .failure),
            (["--train", files.train, "--test", "/dev/null", "--format", "lists"], "nobody", .failure),
            (["--train", files.train, "--test", files.test, "--format", "sessions"], "SessionId", .failure),
            (["--train", header, "--test", clicks, "--format", "sessions"], "no session in the training", .failure),
            (["--train", clicks, "--test", header, "--format", "sessions"], "no test session", .failure),
        ] {
            let result = run(arguments)
            #expect(result.status == status)
            #expect(result.error.contains(words), "\(arguments): \(result.error)")
            #expect(result.output.isEmpty)
        }
    }
}
