public import Domain
public import JSON

/// Which interactions are meant. All conditions hold at once; one that is `nil` holds always. Texts are equal when their
/// UTF-8 bytes are.
public struct InteractionFilter: Sendable, Equatable {
    /// Happened at this moment or later, in milliseconds since the epoch.
    public var from: Int64?
    /// Happened before this moment, in milliseconds since the epoch.
    public var to: Int64?
    /// Of this user.
    public var userID: String?
    /// Of this visitor.
    public var anonymousID: String?
    /// In this session.
    public var sessionID: String?
    /// With entities of this type.
    public var entityType: String?
    /// With this entity.
    public var entityID: String?
    /// Of this canonical type.
    public var type: String?
    /// In this context.
    public var context: String?
    /// What their metadata must hold.
    public var metadata: [MetadataPredicate] = []

    /// All interactions.
    public init() {}
}

/// A stretch of interactions that is asked for, in order of positions.
public struct InteractionQuery: Sendable {
    /// Which ones.
    public var filter: InteractionFilter
    /// Whether the newest come first.
    public var newestFirst = true
    /// Goes on behind this position, in the direction asked for; `nil` begins at the end or the beginning.
    public var after: Int64?
    /// Most interactions of an answer.
    public var limit = 100
    /// Positions that are looked at, at most; the answer then says where to go on. What the answer costs is bounded by
    /// it, whatever is stored.
    public var examined: Int64 = 200_000
    /// Bytes of text in an answer beyond which no more are read.
    public var bytes = 8 << 20

    /// The newest interactions that pass a filter.
    public init(_ filter: InteractionFilter) { self.filter = filter }
}

/// What came of an ``InteractionQuery``.
public struct InteractionPage: Sendable {
    /// The interactions, in the order asked for; not resolved.
    public var batch: InteractionBatch
    /// Where to go on (``InteractionQuery/after``); `nil` when everything has been looked at.
    public var next: Int64?
    /// Whether the answer is short only because as many positions as allowed were looked at.
    public var stoppedEarly: Bool

    /// A page.
    public init(batch: InteractionBatch, next: Int64?, stoppedEarly: Bool) {
        self.batch = batch
        self.next = next
        self.stoppedEarly = stoppedEarly
    }
}

/// A condition on one field of an interaction's metadata.
public struct MetadataPredicate: Sendable, Equatable {
    /// How the field compares to the value.
    public enum Comparison: String, Sendable, CaseIterable {
        /// Is there, and not null.
        case isPresent = ""
        /// Is the value; of a list, one element is.
        case equal = "="
        /// Is not, or is not there.
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// Names from the metadata's top to the field.
    public var path: [String]
    /// How it compares.
    public var comparison: Comparison
    /// The value as text.
    public var text: String
    /// The value as a number, when it may stand for one.
    public var number: Double?
    /// The value as a truth value, when it may stand for one.
    public var truth: Bool?

    /// Reads `metadata.NAME[.NAME…][OP VALUE]` with OP one of `=`, `!=`, `<`, `<=`, `>`, `>=`; without OP the field must be
    /// there. VALUE stands for the text that it is, and for the number, `true` or `false` that it spells; in double quotes
    /// for the text alone. `nil` when it is not of this form.
    public init?(_ condition: String) {
        let bytes = Array(condition.utf8)
        let prefix = Array("metadata.".utf8)
        guard bytes.starts(with: prefix) else { return nil }
        let end = bytes.firstIndex { "=!<>".utf8.contains($0) } ?? bytes.count
        let names = bytes[prefix.count..<max(end, prefix.count)].split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard !names.isEmpty, names.count <= 32, names.allSatisfy({ !$0.isEmpty }) else { return nil }
        path = names.map { String(decoding: $0, as: UTF8.self) }
        var rest = bytes[end...]
        let symbols: [Comparison] = [.notEqual, .lessOrEqual, .greaterOrEqual, .equal, .less, .greater]
        comparison = .isPresent
        text = ""
        guard !rest.isEmpty else { return }
        guard let found = symbols.first(where: { rest.starts(with: Array($0.rawValue.utf8)) }) else { return nil }
        comparison = found
        rest = rest.dropFirst(found.rawValue.utf8.count)
        if rest.count >= 2, rest.first == UInt8(ascii: "\""), rest.last == UInt8(ascii: "\"") {
            text = String(decoding: rest.dropFirst().dropLast(), as: UTF8.self)
            return
        }
        text = String(decoding: rest, as: UTF8.self)
        switch text {
        case "true": truth = true
        case "false": truth = false
        default:
            let isSpelled = rest.allSatisfy { "+-.0123456789eE".utf8.contains($0) }
            if isSpelled, let value = Double(text), value.isFinite { number = value }
        }
    }

    /// Whether metadata, an object, passes. `nil` stands for an interaction without any.
    public func holds(for metadata: JSONView?) -> Bool {
        var field = metadata
        for name in path {
            guard let object = field else { break }
            var name = name
            field = name.withUTF8 { object.member(UnsafeRawBufferPointer($0)) }
        }
        switch comparison {
        case .isPresent: return field.map { $0.kind != .null } ?? false
        case .equal: return field.map { isEqual($0) } ?? false
        case .notEqual: return !(field.map { isEqual($0) } ?? false)
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return field.map { isOrdered($0) } ?? false
        }
    }

    private func isEqual(_ view: JSONView) -> Bool {
        switch view.kind {
        case .bool: return truth != nil && view.bool == truth
        case .string: return view.stringValue.map { $0.utf8.elementsEqual(text.utf8) } ?? false
        case .array: return view.elements.contains { $0.kind != .array && isEqual($0) }
        case .null, .object: return false
        default: return number != nil && view.double == number
        }
    }

    /// Numbers compare to numbers, texts to texts (by their bytes, so RFC 3339 times in UTC in the order of time).
    private func isOrdered(_ view: JSONView) -> Bool {
        let order: Int
        switch view.kind {
        case .string:
            guard number == nil, let own = view.stringValue else { return false }
            order =
                own.utf8.elementsEqual(text.utf8) ? 0 : own.utf8.lexicographicallyPrecedes(text.utf8) ? -1 : 1
        case .null, .bool, .array, .object: return false
        default:
            guard let number, let own = view.double, own.isFinite else { return false }
            order = own == number ? 0 : own < number ? -1 : 1
        }
        switch comparison {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        default: return order >= 0
        }
    }
}
