import Testing

@testable import Command

@Suite("The argument reader")
struct ArgumentReaderTests {
    let commands = CommandDeclaration.all(processors: 2)

    private func read(_ line: String) throws -> Invocation {
        try ArgumentReader(commands: commands).read(line.split(separator: " ").map { String($0) })
    }

    private func values(_ line: String) throws -> ArgumentValues {
        guard case .command(_, let values) = try read(line) else {
            Issue.record("\(line) is no command")
            return ArgumentValues()
        }
        return values
    }

    private func refusal(_ line: String) -> String {
        do {
            let invocation = try read(line)
            Issue.record("\(line) was taken as \(invocation)")
            return ""
        } catch {
            guard let error = error as? CommandError else { return "\(error)" }
            #expect(error.status == .usage)
            return error.message
        }
    }

    @Test("values come after a space or an equals sign, options in any place")
    func forms() throws {
        let one = try values("import --tenant demo --format=csv data.csv --json")
        #expect(one.options == ["tenant": "demo", "format": "csv", "json": "true"])
        #expect(one.positionals == ["data.csv"])
        let two = try values("import data.csv --json --format csv --tenant=demo")
        #expect(one == two)
        #expect(try values("serve --data=a=b").options["data"] == "a=b")
    }

    @Test("-- ends the options and - is an argument")
    func dashes() throws {
        #expect(try values("import --tenant t --format csv -- --odd").positionals == ["--odd"])
        #expect(try values("import --tenant t --format csv -").positionals == ["-"])
    }

    @Test("commands of two words are found, help and version stand before all else")
    func words() throws {
        guard case .command(let command, _) = try read("keys create --tenant t --scope write") else {
            Issue.record("not a command")
            return
        }
        #expect(command.words == ["keys", "create"])
        #expect(try read("--version") == .version)
        #expect(try read("--help") == .help(nil))
        #expect(try read("help") == .help(nil))
        let keys = try #require(commands.first { $0.name == "keys create" })
        #expect(try read("help keys create") == .help(keys))
        #expect(try read("keys create --help") == .help(keys))
    }

    @Test(
        "what is wrong is refused with the nearest known name",
        arguments: [
            ("", "Name a command"),
            ("sevre", "Did you mean footfall serve?"),
            ("imp", "Did you mean footfall import?"),
            ("keys", "one more word: keys create"),
            ("keys craete", "one more word"),
            ("keyscreate", "Did you mean footfall keys create?"),
            ("--port 1", "The command comes first"),
            ("serve --prot 1", "has no option --prot. Did you mean --port?"),
            ("serve --max-conections=3", "Did you mean --max-connections?"),
            ("serve -p 1", "has no option -p."),
            ("serve --zzzzzzzz", "has no option --zzzzzzzz. See"),
            ("serve --port", "--port needs a value: --port N."),
            ("serve --data --port 1", "--data needs a value"),
            ("serve --port 1 --port=2", "--port is given twice."),
            ("serve --no-demo --no-demo", "--no-demo is given twice."),
            ("serve --no-demo=false", "--no-demo takes no value."),
            ("serve --port 65536", "--port must be a whole number from 0 to 65535; it is \"65536\"."),
            ("serve --port 1e3", "--port must be a whole number"),
            ("serve --port=", "--port must be a whole number"),
            ("serve --data=", "--data must be a text that is not empty"),
            ("serve --max-header-bytes 4KiB", "--max-header-bytes must be a number of bytes"),
            ("serve --queue-bytes 99999999999999999GiB", "--queue-bytes must be a number of bytes"),
            ("serve --log-level wran", "--log-level must be error, info or debug"),
            ("serve --log-level inf", "did you mean info?"),
            ("serve here", "does not take \"here\""),
            ("import --format csv x", "needs --tenant T"),
            ("import --tenant t --format csv", "needs PATH"),
            ("import --tenant t --format cvs x", "did you mean csv?"),
            ("keys create --tenant t", "needs --scope SCOPE"),
        ])
    func refusals(line: String, sentence: String) {
        let message = refusal(line)
        #expect(message.contains(sentence), "\(message)")
        #expect(message.hasSuffix("."))
    }

    @Test("bytes understand KiB, MiB and GiB")
    func bytes() throws {
        #expect(try values("serve --max-header-bytes 32KiB").options["max-header-bytes"] == "32768")
        #expect(try values("serve --queue-bytes 1GiB").options["queue-bytes"] == "1073741824")
        #expect(try values("serve --queue-bytes 65536").options["queue-bytes"] == "65536")
    }

    @Test("the edit distance is that of the plain recursion")
    func distance() {
        func slow(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
            guard let x = a.last else { return b.count }
            guard let y = b.last else { return a.count }
            var best = min(slow(a.dropLast(), b), slow(a, b.dropLast())) + 1
            best = min(best, slow(a.dropLast(), b.dropLast()) + (x == y ? 0 : 1))
            if a.count > 1, b.count > 1, x == b[b.endIndex - 2], a[a.endIndex - 2] == y {
                best = min(best, slow(a.dropLast(2), b.dropLast(2)) + 1)
            }
            return best
        }
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let words = (0..<2).map { _ in
                (0..<Int.random(in: 0...6, using: &generator)).map { _ in UInt8.random(in: 97...99, using: &generator) }
            }
            #expect(editDistance(words[0], words[1]) == slow(words[0][...], words[1][...]), "\(words)")
        }
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
