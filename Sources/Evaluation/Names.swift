/// Numbers for texts, in order of first appearance.
public struct Names: Sendable {
    /// The texts, by number.
    public private(set) var texts: [String] = []
    private var numbers: [String: UInt32] = [:]

    /// None yet.
    public init() {}

    /// How many there are.
    public var count: Int { texts.count }

    /// The number of a text; a new one when it was not seen yet.
    public mutating func number(of text: String) -> UInt32 {
        if let number = numbers[text] { return number }
        let number = UInt32(truncatingIfNeeded: texts.count)
        texts.append(text)
        numbers[text] = number
        return number
    }

    /// The number of a text that was seen.
    public func existing(_ text: String) -> UInt32? { numbers[text] }
}
