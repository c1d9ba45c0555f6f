extension StringProtocol {
    /// Without white space at either end.
    var trimmingSpaces: String {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        guard let last = lastIndex(where: { !$0.isWhitespace }), start <= last else { return "" }
        return String(self[start...last])
    }
}

extension [String] {
    /// `a`, `a or b`, `a, b or c`.
    var joinedAlternatives: String {
        guard let last, count > 1 else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " or " + last
    }
}

extension Int {
    /// With commas between thousands: `1,234,567`.
    var grouped: String {
        let digits = String(magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return self < 0 ? "-" + text : text
    }

    /// `1 line`, `2 lines`.
    func counted(_ one: String, _ many: String) -> String { "\(grouped) \(self == 1 ? one : many)" }
}

/// The name most like a mistyped one, if one is like it: at most a third of its letters are wrong (Damerau's edits:
/// insert, remove, replace, swap neighbours), or it is the beginning of one name only.
func nearestName(to name: String, among names: [String]) -> String? {
    let name = name.lowercased()
    let limit = max(1, name.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in names {
        let distance = editDistance(Array(name.utf8), Array(candidate.lowercased().utf8))
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    if let best { return best.name }
    let longer = names.filter { $0.lowercased().hasPrefix(name) }
    return name.count >= 2 && longer.count == 1 ? longer.first : nil
}

/// Edits between two words: optimal string alignment, O(n·m) time.
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var best = Swift.min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = Swift.min(best, beforeLast[j - 1] + 1) }
            row.append(best)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}

extension Double {
    /// With a fixed number of digits after the point.
    func fixed(_ digits: Int) -> String {
        guard isFinite else { return "\(self)" }
        let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
        let scaled = (magnitude * scale).rounded()
        guard scaled < 1e15 else { return "\(self)" }
        let whole = Int(scaled)
        let fraction = String(whole % Int(scale))
        let text =
            "\(whole / Int(scale))"
            + (digits > 0 ? "." + String(repeating: "0", count: digits - fraction.count) + fraction : "")
        return self < 0 && whole > 0 ? "-" + text : text
    }
}
