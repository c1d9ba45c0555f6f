extension Program {
    func checkSchemas(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let path = configuration.text("pairs", or: "-")
        let reader = try LineReader(path: path, maximumLineBytes: 64 << 20)
        var status = CommandStatus.success
        while let line = try reader.next() {
            var verdict: String?
            if case .text(let text) = line {
                if text.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
                verdict = services.checkPair(text)
            }
            if verdict == nil {
                console.error("Line \(reader.lineNumber) is not a JSON object with \"schema\" and \"data\".")
                status = .failure
            }
            // One line out for each line in, so that a script can put them side by side.
            try console.output(verdict ?? "malformed")
        }
        return status
    }
}
