internal import Glibc
internal import JSON

extension CommandDeclaration {
    static let train = CommandDeclaration(
        words: ["train"],
        summary: "Train a tenant's model on its own log.",
        discussion: [
            "Has the server that runs on the data folder train beside its requests, or opens the folder itself when none "
                + "runs, and waits for the end. The new model serves from then on when it is better than the current one on "
                + "a hold-out of the log, beyond noise; when there is none; when the current one no longer knows enough of "
                + "the catalogue; or when enough is new since and it is not worse. The last 5 models are kept; "
                + "POST /v1/models/{version}/activate goes back to one.",
            "Hyper-parameters are searched for within the training part of the log, with --tune for as long as given. "
                + "Progress goes to standard error.",
        ],
        positionals: [],
        options: [
            .tenant,
            OptionDeclaration(
                "tune", "SECONDS", .integer(0...86_400), default: "0",
                "Seconds of processor time that the search for hyper-parameters may take; 0: 60."), .data, .json,
        ],
        examples: [
            Example(line: "footfall train --tenant demo", help: "A model of everything in the log."),
            Example(
                line: "footfall train --tenant shop --tune 300 --json",
                help: "The same, searching for up to five minutes."),
        ])
}

extension Program {
    /// Has a tenant's model trained and says what came of it.
    func train(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let tenant = try Program.tenant(configuration)
        let session = try FolderSession(folder: configuration.text("data", or: "./data"))
        defer { session.close() }
        let seconds = configuration.integer("tune")
        let body: JSONValue = ["tune_seconds": .integer(Int64(seconds))]
        _ = try session.send("POST", "/v1/models/train", tenant: tenant, body: Array(body.text.utf8))
        let last = try waitForTraining(session, tenant)
        if let message = last["error"]?["message"]?.stringValue {
            throw .failure("\(message) (\(last["error"]?["code"]?.stringValue ?? "unknown"))")
        }
        guard configuration.flag("json") else {
            try console.output(Program.summary(last))
            return .success
        }
        var object = last.objectValue ?? JSONObject()
        object["kept"] = .bool(last["version"]?.integerValue != nil)
        try console.output(JSONValue.object(object).text)
        return .success
    }

    private func waitForTraining(_ session: FolderSession, _ tenant: String) throws(CommandError) -> JSONValue {
        var shown = Program.monotonicSeconds()
        var step = ""
        while true {
            let answer = try? JSONValue(parsing: try session.send("GET", "/v1/models", tenant: tenant))
            guard let training = answer?["training"], let state = training["state"]?.stringValue else {
                throw .failure("The server's answer cannot be understood; is it of the same version?")
            }
            if state == "idle", let last = training["last"], !last.isNull {
                if console.isErrorTerminal { console.errorText("\r\u{1B}[K") }
                return last
            }
            let now = Program.monotonicSeconds()
            let next = training["step"]?.stringValue ?? state
            if now - shown >= (console.isErrorTerminal ? 0.2 : 5) || (next != step && !console.isErrorTerminal) {
                (shown, step) = (now, next)
                let text = "\(next): \(Int((training["progress"]?.doubleValue ?? 0) * 100)) %"
                if console.isErrorTerminal { console.errorText("\r\u{1B}[K" + text) } else { console.error(text) }
            }
            usleep(50_000)
        }
    }

    private static func summary(_ last: JSONValue) -> String {
        func number(_ value: Double?) -> String { (value ?? 0).fixed(4) }
        func count(_ name: String) -> Int { Int(clamping: last[name]?.integerValue ?? 0) }
        var lines: [String] = []
        let reason = last["reason"]?.stringValue ?? ""
        if let version = last["version"]?.integerValue {
            lines.append("Model \(version) serves now. \(reason)")
        } else {
            lines.append(reason)
        }
        lines.append(
            "Learned from \(count("interactions").counted("interaction", "interactions")) of "
                + "\(count("persons").counted("person", "persons")) with \(count("items").counted("entity", "entities"))."
        )
        let measures = last["measures"]?.objectValue?.members ?? []
        if !measures.isEmpty {
            let held = count("held_out_persons").counted("person", "persons")
            lines.append("On the hold-out (\(held)):")
            for measure in measures {
                let ends = last["intervals"]?[measure.key]?.arrayValue?.compactMap(\.doubleValue) ?? []
                let interval = ends.count == 2 ? " (95 %: \(number(ends[0])) to \(number(ends[1])))" : ""
                lines.append("  \(measure.key) \(number(measure.value.doubleValue))\(interval)")
            }
        }
        if let comparison = last["comparison"], let version = comparison["version"]?.integerValue {
            lines.append(
                "Beside model \(version): \(comparison["measure"]?.stringValue ?? "") "
                    + "\(number(comparison["difference"]?.doubleValue)) more (95 %: "
                    + "\(number(comparison["lower"]?.doubleValue)) to \(number(comparison["upper"]?.doubleValue))).")
        }
        return lines.joined(separator: "\n")
    }
}
