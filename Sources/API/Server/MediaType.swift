internal import HTTP

/// What a body is said to be.
enum MediaType {
    case json, ndjson, text, other

    init(_ head: borrowing HTTPRequestHead) {
        let kind = head.withHeader("Content-Type") { bytes -> MediaType in
            func starts(_ name: StaticString) -> Bool {
                let length = name.utf8CodeUnitCount
                guard bytes.starts(with: name) else { return false }
                return bytes.count == length || bytes[length] == 59 || bytes[length] == 32
            }
            guard MediaType.isUTF8(bytes) else { return .other }
            if starts("application/json") { return .json }
            if starts("application/x-ndjson") || starts("application/ndjson") || starts("application/jsonl") {
                return .ndjson
            }
            return starts("text/plain") ? .text : .other
        }
        self = kind ?? .json
    }

    /// Whether a content type names no other character set than the one that bodies are read in.
    private static func isUTF8(_ type: UnsafeRawBufferPointer) -> Bool {
        // Nearly all name none.
        guard type.contains(UInt8(ascii: ";")) else { return true }
        return String(decoding: type, as: UTF8.self).lowercased().split(separator: ";").dropFirst().allSatisfy {
            parameter in
            let sides = parameter.split(separator: "=", maxSplits: 1).map { side in
                side.filter { !" \t\"".contains($0) }
            }
            return sides.count < 2 || sides[0] != "charset" || ["utf-8", "utf8", "us-ascii"].contains(sides[1])
        }
    }
}
