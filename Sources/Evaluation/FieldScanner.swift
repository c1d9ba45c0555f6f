/// The lines of a text and their fields, without copies.
struct FieldScanner {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    /// Number of the line read last, from 1.
    private(set) var line = 0
    /// Fields of that line.
    private(set) var fields: [Range<Int>] = []

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    }

    /// Goes to the next line that has a field; false at the end. With `tabs` fields are what stands between tabs, else what
    /// stands between runs of spaces and tabs.
    mutating func next(tabs: Bool = false) -> Bool {
        while place < bytes.count {
            var end = place
            while end < bytes.count, bytes[end] != 10 { end += 1 }
            let start = place
            place = end + 1
            line += 1
            if end > start, bytes[end - 1] == 13 { end -= 1 }
            fields.removeAll(keepingCapacity: true)
            if tabs { splitByTabs(start..<end) } else { splitBySpaces(start..<end) }
            if !fields.isEmpty { return true }
        }
        return false
    }

    private mutating func splitByTabs(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        var start = range.lowerBound
        for index in range where bytes[index] == 9 {
            fields.append(start..<index)
            start = index + 1
        }
        fields.append(start..<range.upperBound)
    }

    private mutating func splitBySpaces(_ range: Range<Int>) {
        var start: Int?
        for index in range {
            if bytes[index] == 32 || bytes[index] == 9 {
                if let begun = start { fields.append(begun..<index) }
                start = nil
            } else if start == nil {
                start = index
            }
        }
        if let begun = start { fields.append(begun..<range.upperBound) }
    }

    /// A field as text; `nil` when it is not UTF-8.
    func text(_ field: Int) -> String? {
        String(validating: UnsafeRawBufferPointer(rebasing: bytes[fields[field]]), as: UTF8.self)
    }

    /// A field as a finite number.
    func number(_ field: Int) -> Double? {
        guard let number = text(field).flatMap({ Double($0) }), number.isFinite else { return nil }
        return number
    }
}
