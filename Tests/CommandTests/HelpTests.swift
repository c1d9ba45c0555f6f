import Testing

@testable import Command

@Suite("The help")
struct HelpTests {
    @Test(
        "a command's help mentions every option, default, variable and example of its table",
        arguments: CommandDeclaration.all(processors: 2))
    func mentionsEverything(command: CommandDeclaration) {
        let program = TestProgram()
        let words = command.words + ["--help"]
        #expect(
            words.count == 2
                ? program.run(words[0], words[1]) == .success : program.run(words[0], words[1], words[2]) == .success)
        let help = program.transcript.output
        let flat = help.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(help.hasPrefix(command.summary))
        for option in command.options {
            #expect(
                flat.contains(option.kind == .flag ? "--\(option.name) " : "--\(option.name) \(option.placeholder)"))
            #expect(flat.contains(option.help))
            if let standard = option.standard { #expect(flat.contains("Default: \(standard).")) }
            if let name = option.environmentName { #expect(flat.contains(name)) }
            if case .choice(let words) = option.kind { #expect(flat.contains(words.joined(separator: ", "))) }
        }
        for positional in command.positionals { #expect(flat.contains(positional.help)) }
        for example in command.examples { #expect(help.contains(example.line) && flat.contains(example.help)) }
        for paragraph in command.discussion { #expect(flat.contains(paragraph)) }
        let examples = Set(command.examples.map { "  " + $0.line })
        for line in help.split(separator: "\n") where !examples.contains(String(line)) {
            #expect(line.count <= HelpText.width, "\(line)")
        }
        #expect(program.transcript.error.isEmpty)
    }

    @Test("the overview names every command with its summary")
    func overview() {
        let program = TestProgram()
        #expect(program.run("--help") == .success)
        for command in CommandDeclaration.all(processors: 2) {
            #expect(program.transcript.output.contains("  \(command.name) "))
            #expect(program.transcript.output.contains(command.summary))
        }
    }

    @Test("every example of the help is a command line that is understood")
    func examplesWork() throws {
        let commands = CommandDeclaration.all(processors: 2)
        for command in commands {
            for example in command.examples {
                let typed = example.line.split { $0 == " " || $0 == "(" || $0 == ")" }.map { String($0) }
                let program = try #require(typed.firstIndex { $0.hasSuffix("footfall") })
                let words = Array(typed[(program + 1)...])
                let invocation = try ArgumentReader(commands: commands).read(words)
                guard case .command(command, _) = invocation else {
                    Issue.record("\(example.line) is not \(command.name)")
                    continue
                }
            }
        }
    }

    @Test("the help of keys list stands as it was approved")
    func golden() {
        let program = TestProgram()
        #expect(program.run("keys", "list", "--help") == .success)
        #expect(
            program.transcript.output == """
                List the keys, by the beginning of their hashes.

                Usage: footfall keys list [OPTIONS]

                One line a key: tenant, scope, time it was made, id. The id is the first 12
                digits of its SHA-256 hash.

                Options:
                  --tenant T              Only this tenant's.
                  --data DIR              The data folder. Default: ./data.
                  --json                  Print the result as one JSON object.
                  --help                  Show this help.

                Environment:
                  FOOTFALL_DATA.

                Examples:
                  footfall keys list --tenant shop
                    The shop's keys.

                """)
    }

    @Test("--version prints one line")
    func version() {
        let program = TestProgram()
        #expect(program.run("--version") == .success)
        #expect(program.transcript.output == "footfall \(Program.version)\n")
    }

    @Test("usage errors end with 64 and write to standard error only")
    func usage() {
        let program = TestProgram()
        #expect(program.run("serve", "--prot", "1") == .usage)
        #expect(CommandStatus.usage.rawValue == 64)
        #expect(program.transcript.output.isEmpty)
        #expect(program.transcript.error.hasPrefix("footfall: footfall serve has no option --prot."))
    }
}
