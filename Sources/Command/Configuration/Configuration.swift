internal import JSON

/// The settings of a command, each with where it comes from: flag, else environment, else file, else default.
public struct Configuration: Sendable, Equatable {
    /// Who set a value.
    public enum Origin: Sendable, Equatable, CustomStringConvertible {
        /// The command line.
        case flag(String)
        /// An environment variable.
        case environment(String)
        /// The configuration file.
        case file(String)
        /// Nobody.
        case standard

        /// For people.
        public var description: String {
            switch self {
            case .flag(let name): "flag --\(name)"
            case .environment(let name): "environment \(name)"
            case .file(let path): "file \(path)"
            case .standard: "default"
            }
        }
    }

    /// An option with its value; `nil`: not set.
    public struct Setting: Sendable, Equatable {
        /// Which option.
        public let option: OptionDeclaration
        /// Its value in canonical spelling.
        public let value: String?
        /// Who set it.
        public let origin: Origin
    }

    /// All settings, in the order of the command's options.
    public let settings: [Setting]

    /// Puts the settings of a command together. Unknown `FOOTFALL_` variables and unknown keys of the file are refused
    /// by name; `known` are the commands whose variables count as known. An empty variable counts as not set.
    public init(
        _ command: CommandDeclaration, flags: ArgumentValues, environment: [String: String],
        known: [CommandDeclaration], readFile: (String) throws(CommandError) -> [UInt8]
    ) throws(CommandError) {
        try Configuration.refuseUnknown(environment, known: known)
        var fromFile: [String: String] = [:]
        let path = flags.options["config"] ?? environment["FOOTFALL_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let declaresFile = command.options.contains { $0.name == "config" }
        if declaresFile, let path { fromFile = try Configuration.parse(try readFile(path), path: path, command) }
        var settings: [Setting] = []
        for option in command.options {
            if let value = flags.options[option.name] {
                settings.append(Setting(option: option, value: value, origin: .flag(option.name)))
            } else if let name = option.environmentName, let text = environment[name], !text.isEmpty {
                let value = try Configuration.checked(text, option, called: name)
                settings.append(Setting(option: option, value: value, origin: .environment(name)))
            } else if let key = option.fileKey, let value = fromFile[key], let path {
                settings.append(Setting(option: option, value: value, origin: .file(path)))
            } else {
                settings.append(Setting(option: option, value: option.standard, origin: .standard))
            }
        }
        self.settings = settings
    }

    private static func checked(_ text: String, _ option: OptionDeclaration, called name: String)
        throws(CommandError) -> String
    {
        do throws(ValueFault) {
            return try option.canonical(text)
        } catch {
            throw .usage("\(name) must be \(error.expectation); it is \"\(text)\".")
        }
    }

    private static func refuseUnknown(_ environment: [String: String], known: [CommandDeclaration])
        throws(CommandError)
    {
        let names = Set(known.flatMap { $0.options.compactMap(\.environmentName) })
        let unknown = environment.keys.filter { $0.hasPrefix("FOOTFALL_") && !names.contains($0) }
        guard let name = unknown.min() else { return }
        let hint = nearestName(to: name, among: names.sorted()).map { " Did you mean \($0)?" } ?? ""
        throw .usage("The environment variable \(name) is not known.\(hint) Unset it, or see footfall serve --help.")
    }

    private static func parse(_ bytes: [UInt8], path: String, _ command: CommandDeclaration) throws(CommandError)
        -> [String: String]
    {
        let document: JSONValue
        let parser = JSONParser()
        var twice: String?
        do throws(JSONError) {
            let view = try parser.parse(bytes)
            var seen: Set<String> = []
            // Of two values the last would count, and whoever reads the file may have the first in mind.
            twice = view.members.lazy.map { String(decoding: $0.key, as: UTF8.self) }.first {
                !seen.insert($0).inserted
            }
            document = JSONValue(view)
        } catch {
            throw .usage("The configuration file \(path) cannot be read as JSON: \(error)")
        }
        guard case .object(let object) = document else {
            throw .usage("The configuration file \(path) must hold one JSON object.")
        }
        if let twice { throw .usage("The key \"\(twice)\" is given twice in \(path); leave one of them out.") }
        let keys = command.options.compactMap(\.fileKey)
        var values: [String: String] = [:]
        for member in object {
            guard let option = command.options.first(where: { $0.fileKey == member.key }) else {
                let hint = nearestName(to: member.key, among: keys).map { " Did you mean \"\($0)\"?" } ?? ""
                throw .usage("The key \"\(member.key)\" in \(path) is not known.\(hint)")
            }
            if member.value.isNull { continue }
            guard let text = spelled(member.value, option.kind) else {
                throw .usage("\"\(member.key)\" in \(path) must be \(expected(option.kind)).")
            }
            values[member.key] = try checked(text, option, called: "\"\(member.key)\" in \(path)")
        }
        return values
    }

    private static func spelled(_ value: JSONValue, _ kind: OptionDeclaration.Kind) -> String? {
        switch kind {
        case .flag: value.boolValue.map { String($0) }
        case .text, .choice: value.stringValue
        case .integer: value.integerValue.map { String($0) }
        case .bytes: value.integerValue.map { String($0) } ?? value.stringValue
        case .list: joined(value) ?? value.stringValue
        }
    }

    private static func joined(_ list: JSONValue) -> String? {
        guard let elements = list.arrayValue else { return nil }
        let texts = elements.compactMap(\.stringValue)
        return texts.count == elements.count ? texts.joined(separator: ",") : nil
    }

    private static func expected(_ kind: OptionDeclaration.Kind) -> String {
        switch kind {
        case .flag: "true or false"
        case .text, .choice: "a text"
        case .integer: "a whole number"
        case .bytes: "a number of bytes"
        case .list: "a list of texts"
        }
    }
}

extension Configuration {
    private func setting(_ name: String) -> Setting? { settings.first { $0.option.name == name } }

    /// The value of an option; `nil` when it is not set.
    public func text(_ name: String) -> String? { setting(name)?.value }

    /// The value of an option with a default.
    func text(_ name: String, or fallback: String) -> String { text(name) ?? fallback }

    /// The value of a whole number, or of a number of bytes.
    func integer(_ name: String) -> Int { text(name).flatMap { Int($0) } ?? 0 }

    /// Whether a flag is set.
    func flag(_ name: String) -> Bool { text(name) == "true" }

    /// The texts of a list.
    func list(_ name: String) -> [String] { text(name)?.split(separator: ",").map { String($0) } ?? [] }

    /// The settings that files and variables can hold, one a line: key, value, origin.
    public var report: String {
        let rows = settings.filter { $0.option.isConfigurable }.map { setting in
            (setting.option.name, setting.value ?? "-", setting.origin.description)
        }
        let first = rows.map { $0.0.count }.max() ?? 0
        let second = Swift.min(rows.map { $0.1.count }.max() ?? 0, 40)
        return rows.map { name, value, origin in
            name.padded(to: first) + "  " + value.padded(to: second) + "  " + origin
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
