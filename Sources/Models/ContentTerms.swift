internal import Numerics

/// The words and names of an entity as hashed terms with weights: what an inverted index takes.
///
/// A field's term weighs field · (1 + ln(times it occurs)); the ``ContentTerms/most`` greatest are kept. Words are runs of
/// letters and digits, in lower case, without combining marks; of scripts that are written without spaces each pair of
/// neighbours is a word. Terms are 32-bit hashes: of a million different words one in four thousand shares its hash.
enum ContentTerms {
    /// Terms kept of an entity.
    static let most = 64
    /// Words read of a text; what follows is not looked at.
    static let mostWords = 400
    /// Scalars kept of a word.
    static let longestWord = 32

    /// A term with its weight.
    struct Term: Sendable, Equatable {
        var hash: UInt32
        var weight: Float
    }

    /// The terms of features, by hash.
    static func terms(of features: ContentFeatures) -> [Term] {
        var counts: [UInt32: Float] = [:]
        var weights: [UInt32: Float] = [:]
        func add(_ hash: UInt32, _ weight: Float) {
            counts[hash, default: 0] += 1
            weights[hash] = max(weights[hash] ?? 0, weight)
        }
        for category in features.categories.prefix(32) {
            add(hash(name(category), field: 1), 2)
            for word in words(category) { add(hash(word, field: 0), 0.5) }
        }
        if let brand = features.brand, !brand.isEmpty {
            add(hash(name(brand), field: 2), 1.5)
            for word in words(brand) { add(hash(word, field: 0), 0.5) }
        }
        for label in features.labels.prefix(64) {
            add(hash(name(label), field: 3), 1.5)
            for word in words(label) { add(hash(word, field: 0), 0.5) }
        }
        for word in words(features.title) { add(hash(word, field: 0), 1) }
        for word in words(features.text) { add(hash(word, field: 0), 0.5) }
        var selection = TopSelection(capacity: most)
        for (hash, weight) in weights { selection.add(hash, weight * (1 + (counts[hash] ?? 1).logarithm)) }
        return selection.unsorted.map { Term(hash: $0.index, weight: $0.value) }.sorted { $0.hash < $1.hash }
    }

    /// A name that counts as a whole: lower case, inner spaces made one.
    private static func name(_ text: String) -> String {
        text.prefix(200).lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The words of a text, in its order.
    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var length = 0
        // The last letter of a run without spaces, and whether it stands in a pair already.
        var previous: Unicode.Scalar?
        var isPaired = false
        func end() {
            if !word.isEmpty { words.append(String(word)) }
            word.removeAll(keepingCapacity: true)
            length = 0
        }
        func endRun() {
            if let previous, !isPaired { words.append(String(previous)) }
            previous = nil
        }
        for scalar in text.prefix(mostWords * 16).lowercased().unicodeScalars {
            guard words.count < mostWords else { break }
            if isUnspaced(scalar) {
                end()
                if let previous { words.append(String(previous) + String(scalar)) }
                isPaired = previous != nil
                previous = scalar
                continue
            }
            endRun()
            if isLetterOrDigit(scalar) {
                length += 1
                if length <= longestWord { word.append(scalar) }
            } else if scalar.properties.generalCategory != .nonspacingMark && scalar != "'" && scalar != "’" {
                end()
            }
        }
        endRun()
        end()
        return Array(words.prefix(mostWords))
    }

    private static func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || ("A"..."Z").contains(scalar)
        }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .spacingMark:
            return true
        default: return false
        }
    }

    /// Han, kana, Thai, Lao and Khmer: written without spaces between words.
    private static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF,
            0x20000...0x3134F:
            return true
        default: return false
        }
    }

    /// FNV-1a over the bytes, mixed, with the field in front.
    static func hash(_ text: String, field: UInt8) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func take(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        take(field)
        for byte in text.utf8 { take(byte) }
        var mixer = SplitMix(seed: hash)
        return UInt32(truncatingIfNeeded: mixer.next())
    }
}
