/// An owned JSON object: members in their order, looked up by key.
///
/// Equality and hashing ignore the order. Lookup is linear up to 16 members and hashed above.
public struct JSONObject: Sendable {
    /// A key with its value.
    public struct Member: Sendable {
        /// The member's name.
        public let key: String
        /// What it holds.
        public var value: JSONValue

        /// Creates a member.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members in their order; keys are unique.
    public private(set) var members: [Member] = []
    // Only kept above the size where a linear search loses.
    private var positions: [ExactKey: Int] = [:]
    private static let linearLimit = 16

    /// Creates an empty object.
    public init() {}

    /// Creates an object from members; of equal keys the last value counts, at the place of the first.
    public init(_ members: some Sequence<(key: String, value: JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    private func position(of key: String) -> Int? {
        positions.isEmpty ? members.firstIndex { ExactKey($0.key) == ExactKey(key) } : positions[ExactKey(key)]
    }

    /// The value under that key; assigning `nil` removes the member, a new key goes to the end.
    public subscript(_ key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                reindex()
            case (nil, let value?):
                members.append(Member(key: key, value: value))
                if !positions.isEmpty {
                    positions[ExactKey(key)] = members.count - 1
                } else if members.count > Self.linearLimit {
                    reindex()
                }
            case (nil, nil): break
            }
        }
    }

    private mutating func reindex() {
        positions.removeAll()
        guard members.count > Self.linearLimit else { return }
        for (position, member) in members.enumerated() { positions[ExactKey(member.key)] = position }
    }

    /// How many members there are.
    public var count: Int { members.count }
    /// Whether there are none.
    public var isEmpty: Bool { members.isEmpty }
    /// The keys in order.
    public var keys: [String] { members.map(\.key) }
}

extension JSONObject {
    /// A name compared by its code points: `String` takes canonically equivalent texts for equal, JSON does not.
    private struct ExactKey: Hashable {
        let text: String

        init(_ text: String) {
            self.text = text
        }

        static func == (a: ExactKey, b: ExactKey) -> Bool {
            // The lengths are at hand, and differ for most.
            a.text.utf8.count == b.text.utf8.count && a.text.utf8.elementsEqual(b.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            text.hash(into: &hasher)
        }
    }
}

extension JSONObject: Hashable {
    /// Whether both have the same keys with equal values, in any order.
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count && a.members.allSatisfy { b[$0.key] == $0.value }
    }

    /// Hashes the members without regard to their order.
    public func hash(into hasher: inout Hasher) {
        // Canonically equivalent keys hash alike, which costs a collision and nothing else.
        var combined = 0
        for member in members {
            var inner = Hasher()
            inner.combine(member.key)
            inner.combine(member.value)
            combined ^= inner.finalize()
        }
        hasher.combine(combined)
    }
}

extension JSONObject: Sequence {
    /// Walks over the members in order.
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Creates an object from a literal; of equal keys the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }
}
