/// One option of a command. The one place that says how it is named on the command line, in the environment and in the
/// configuration file, what it takes, and what it is when nobody sets it.
public struct OptionDeclaration: Sendable, Equatable {
    /// What an option takes.
    public enum Kind: Sendable, Equatable {
        /// Nothing: it is there or not.
        case flag
        /// Any text that is not empty.
        case text
        /// A whole number within a range.
        case integer(ClosedRange<Int64>)
        /// A number of bytes within a range, with KiB, MiB or GiB understood.
        case bytes(ClosedRange<Int64>)
        /// One of several words.
        case choice([String])
        /// Texts separated by commas.
        case list
    }

    /// Name on the command line, without the dashes.
    public let name: String
    /// What stands for its value in the help.
    public let placeholder: String
    /// What it takes.
    public let kind: Kind
    /// What it is when nobody sets it; `nil`: not set.
    public let standard: String?
    /// Whether the command cannot do without it.
    public let isRequired: Bool
    /// Whether the environment and the configuration file can set it too.
    public let isConfigurable: Bool
    /// What it is for.
    public let help: String

    init(
        _ name: String, _ placeholder: String = "", _ kind: Kind = .text, default standard: String? = nil,
        isRequired: Bool = false, isConfigurable: Bool = false, _ help: String
    ) {
        self.name = name
        self.placeholder = placeholder
        self.kind = kind
        self.standard = standard
        self.isRequired = isRequired
        self.isConfigurable = isConfigurable
        self.help = help
    }

    /// Its environment variable: `FOOTFALL_MAX_CONNECTIONS` for `--max-connections`.
    public var environmentName: String? {
        isConfigurable ? "FOOTFALL_" + name.uppercased().replacing("-", with: "_") : nil
    }

    /// Its key in the configuration file: `max_connections` for `--max-connections`.
    public var fileKey: String? {
        // A file does not say where the file is.
        isConfigurable && name != "config" ? name.replacing("-", with: "_") : nil
    }
}

extension OptionDeclaration {
    /// The value in its canonical spelling. Throws the end of a sentence: what the value must be.
    func canonical(_ value: String) throws(ValueFault) -> String {
        switch kind {
        case .flag:
            switch value {
            case "true", "1": return "true"
            case "false", "0": return "false"
            default: throw ValueFault("true or false")
            }
        case .text:
            guard !value.isEmpty, !value.utf8.contains(0) else { throw ValueFault("a text that is not empty") }
            return value
        case .integer(let range):
            guard let number = Int64(value), range.contains(number) else {
                throw ValueFault("a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return String(number)
        case .bytes(let range):
            guard let number = Self.bytes(value), range.contains(number) else {
                throw ValueFault(
                    "a number of bytes from \(range.lowerBound) to \(range.upperBound), such as 65536, 64KiB or 1MiB")
            }
            return String(number)
        case .choice(let words):
            guard words.contains(value) else {
                let hint = nearestName(to: value, among: words).map { "; did you mean \($0)?" } ?? ""
                throw ValueFault("\(words.joinedAlternatives)\(hint)")
            }
            return value
        case .list:
            let parts = value.split(separator: ",").map { $0.trimmingSpaces }.filter { !$0.isEmpty }
            guard !parts.isEmpty else { throw ValueFault("one or more texts separated by commas") }
            return parts.joined(separator: ",")
        }
    }

    private static func bytes(_ text: String) -> Int64? {
        for (suffix, shift) in [("KiB", Int64(10)), ("MiB", 20), ("GiB", 30)] where text.hasSuffix(suffix) {
            guard let number = Int64(text.dropLast(suffix.count)), number >= 0 else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
            return overflow ? nil : product
        }
        return Int64(text)
    }
}

/// What a value must be, as the end of a sentence.
struct ValueFault: Error, Equatable {
    let expectation: String

    init(_ expectation: String) { self.expectation = expectation }
}
