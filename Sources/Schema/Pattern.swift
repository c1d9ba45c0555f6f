internal import CRE2

/// A compiled ECMA-262 pattern. Matching is linear in the text and safe from any number of threads.
final class Pattern: @unchecked Sendable {
    // Immutable after `init`; RE2 guards its own caches.
    private let handle: OpaquePointer
    /// The pattern as its author wrote it.
    let source: String

    /// Translates and compiles a pattern.
    init(_ source: String) throws(PatternError) {
        let translated = try PatternTranslator.translate(source)
        var reason = [CChar](repeating: 0, count: 160)
        var text = translated
        let created = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                footfall_pattern_create($0.baseAddress, $0.count, &reason, reason.count)
            }
        }
        guard let created else {
            let bytes = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .unsupported(
                "The pattern cannot be matched in linear time: \(String(decoding: bytes, as: UTF8.self)).")
        }
        handle = created
        self.source = source
    }

    deinit {
        footfall_pattern_destroy(handle)
    }

    /// Whether the pattern matches anywhere in the text.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        footfall_pattern_matches(handle, text.baseAddress, text.count)
    }
}

/// Why a pattern was refused; the text is a sentence for the schema's author.
enum PatternError: Error, Equatable {
    /// Not a pattern by ECMA-262.
    case invalid(String)
    /// A pattern that has no linear-time equivalent here.
    case unsupported(String)
}
