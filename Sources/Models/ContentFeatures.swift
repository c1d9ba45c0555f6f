/// What is known of an entity without anybody having touched it: plain values, as a catalogue gives them.
public struct ContentFeatures: Sendable, Equatable {
    /// Its categories.
    public var categories: [String]
    /// Who makes it.
    public var brand: String?
    /// Its title.
    public var title: String
    /// Its description, plain text.
    public var text: String
    /// Tags of any kind.
    public var labels: [String]
    /// Numeric attributes by name, in any unit: price, year, duration.
    public var numbers: [String: Double]
    /// Vector attributes by name, such as embeddings. All vectors of a name must have the same length.
    public var vectors: [String: [Float]]

    /// Features; none unless told otherwise.
    public init(
        categories: [String] = [], brand: String? = nil, title: String = "", text: String = "", labels: [String] = [],
        numbers: [String: Double] = [:], vectors: [String: [Float]] = [:]
    ) {
        self.categories = categories
        self.brand = brand
        self.title = title
        self.text = text
        self.labels = labels
        self.numbers = numbers
        self.vectors = vectors
    }
}
