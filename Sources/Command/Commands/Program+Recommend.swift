internal import JSON

extension CommandDeclaration {
    static let recommend = CommandDeclaration(
        words: ["recommend"],
        summary: "Show a list as a person would get it, and why.",
        discussion: [
            "Asks the server that runs on the data folder, or opens the folder itself when none runs. The list is what "
                + "POST /v1/recommendations answers, and is kept and measured like any other. --fields sends any of the "
                + "fields that the README lists, such as rules and filters."
        ],
        positionals: [],
        options: [
            .tenant,
            OptionDeclaration("user-id", "ID", .text, "The user whom the list is for."),
            OptionDeclaration("anonymous-id", "ID", .text, "The visitor whom the list is for."),
            OptionDeclaration("session-id", "ID", .text, "The running session; alone or beside a user or visitor."),
            OptionDeclaration("surface", "NAME", .text, "The surface, such as for_you or similar."),
            OptionDeclaration("subject-id", "ID", .text, "The entity that the list is about."),
            OptionDeclaration("entity-type", "TYPE", .text, "Only entities of this type."),
            OptionDeclaration("limit", "N", .integer(1...100), default: "10", "Length of the list."),
            OptionDeclaration("fields", "JSON", .text, "An object of further fields of the request."), .data, .json,
        ],
        examples: [
            Example(line: "footfall recommend --tenant demo --user-id 42", help: "What film fan 42 gets, and why."),
            Example(
                line: "footfall recommend --tenant shop --session-id s1 --fields '{\"in_stock\":true}' --json",
                help: "The answer of the API for a session, without what is out of stock."),
        ])
}

extension Program {
    private static let listFields = ["user-id", "anonymous-id", "session-id", "surface", "subject-id", "entity-type"]

    /// Has a list made and shows it.
    func recommend(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let tenant = try Program.tenant(configuration)
        var body = JSONObject()
        if let text = configuration.text("fields") {
            guard let fields = (try? JSONValue(parsing: text))?.objectValue else {
                throw .usage("--fields must be a JSON object, such as {\"in_stock\": true}.")
            }
            body = fields
        }
        for name in Program.listFields {
            if let value = configuration.text(name) { body[name.replacing("-", with: "_")] = .string(value) }
        }
        guard ["user_id", "anonymous_id", "session_id"].contains(where: { body[$0] != nil }) else {
            throw .usage("Say for whom: --user-id, --anonymous-id or --session-id.")
        }
        body["limit"] = .integer(Int64(configuration.integer("limit")))
        body["explain"] = true
        let session = try FolderSession(folder: configuration.text("data", or: "./data"))
        defer { session.close() }
        let answer = try session.send(
            "POST", "/v1/recommendations", tenant: tenant, body: Array(JSONValue.object(body).text.utf8))
        if configuration.flag("json") {
            try console.output(String(decoding: answer, as: UTF8.self))
            return .success
        }
        guard let list = try? JSONValue(parsing: answer), let items = list["items"]?.arrayValue else {
            throw .failure("The server's answer cannot be understood; is it of the same version?")
        }
        let lines = items.enumerated().map { place, item in Program.line(place + 1, item) }
        try console.output(lines.isEmpty ? "Nothing may be shown." : lines.joined(separator: "\n"))
        if let fallback = list["fallback"]?.stringValue { console.error("Filled up with what is \(fallback).") }
        return .success
    }

    /// `1  0.81  product/50  Star Wars (1977): Because you viewed Return of the Jedi (1983)`
    private static func line(_ place: Int, _ item: JSONValue) -> String {
        let score = (item["score"]?.doubleValue ?? 0).fixed(2)
        let name = "\(item["entity_type"]?.stringValue ?? "")/\(item["entity_id"]?.stringValue ?? "")"
        let what = [item["title"]?.stringValue, item["explain"]?["sentence"]?.stringValue].compactMap { $0 }
        return ["\(place)", score, name, what.joined(separator: ": ")].joined(separator: "  ")
    }
}
