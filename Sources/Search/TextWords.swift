/// The words of an entity's texts, in order, each with its column.
struct TextWords: Sendable, Equatable {
    private var bytes: [UInt8] = []
    private var words: [(end: UInt32, column: UInt8)] = []

    /// Words, repeats included.
    var count: Int { words.count }

    mutating func append(_ word: UnsafeRawBufferPointer, column: Int) {
        guard bytes.count + word.count < Int(UInt32.max) else { return }
        bytes.append(contentsOf: word)
        words.append((UInt32(bytes.count), UInt8(clamping: column)))
    }

    func forEach(_ body: (_ word: UnsafeRawBufferPointer, _ column: Int) -> Void) {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            for (end, column) in words {
                body(UnsafeRawBufferPointer(rebasing: bytes[start..<Int(end)]), Int(column))
                start = Int(end)
            }
        }
    }

    static func == (left: TextWords, right: TextWords) -> Bool {
        left.bytes == right.bytes && left.words.elementsEqual(right.words, by: ==)
    }
}
