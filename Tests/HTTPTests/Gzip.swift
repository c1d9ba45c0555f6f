import Glibc

/// Writes gzip in ways that are easy to be sure of, and through the system's own program.
enum Gzip {
    /// One member of uncompressed blocks.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var out = header
        var start = 0
        repeat {
            let end = min(start + 65535, bytes.count)
            let size = end - start
            out.append(end == bytes.count ? 1 : 0)
            out += [UInt8(size & 255), UInt8(size >> 8), UInt8(~size & 255), UInt8(~size >> 8 & 255)]
            out += bytes[start..<end]
            start = end
        } while start < bytes.count
        return out + trailer(crc(bytes), bytes.count)
    }

    /// One member that stands for `1 + 258 * repeats` zeros in about `repeats * 13 / 8` bytes: one literal and matches
    /// of the greatest length, in a block with the fixed codes. The checksum takes longest, and a bomb needs none.
    static func zeros(repeats: Int, withChecksum: Bool = true) -> (bytes: [UInt8], count: Int) {
        var bits: [Bool] = [true, true, false]
        func code(_ value: Int, _ length: Int) {
            for bit in (0..<length).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        code(0x30, 8)
        for _ in 0..<repeats {
            code(0b1100_0101, 8)
            code(0, 5)
        }
        code(0, 7)
        var out = header
        for start in stride(from: 0, to: bits.count, by: 8) {
            var byte: UInt8 = 0
            for index in start..<min(start + 8, bits.count) where bits[index] { byte |= 1 << UInt8(index - start) }
            out.append(byte)
        }
        let count = 1 + 258 * repeats
        return (out + trailer(withChecksum ? crc([UInt8](repeating: 0, count: count)) : 0, count), count)
    }

    /// What the `gzip` program makes of the bytes, or nil without it.
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        var template = Array("/tmp/gzip-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { return nil }
        let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        defer { unlink(path) }
        bytes.withUnsafeBytes { _ = write(file, $0.baseAddress, $0.count) }
        close(file)
        guard let pipe = popen("gzip -c \(path)", "r") else { return nil }
        defer { pclose(pipe) }
        var out: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&piece, 1, piece.count, pipe)
            if count == 0 { return out.isEmpty ? nil : out }
            out += piece[..<count]
        }
    }

    private static let header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]

    private static func trailer(_ crc: UInt32, _ count: Int) -> [UInt8] {
        [crc, UInt32(truncatingIfNeeded: count)].flatMap { value in (0..<4).map { UInt8(value >> ($0 * 8) & 255) } }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 255)] }
    }
}
