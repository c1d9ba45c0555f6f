internal import COpenSSL
public import Storage

/// The text of keys: a prefix that tells their scope, then 32 random bytes.
public enum KeyText {
    /// A new key for a scope, and what the registry keeps of it.
    public static func make(tenant: String, scope: KeyScope, now: Int64) -> (text: String, entry: KeyEntry) {
        let prefix =
            switch scope {
            case .write: "ffw_"
            case .secret: "ffs_"
            case .webhook: "ffh_"
            }
        let text = prefix + random()
        return (
            text,
            KeyEntry(
                hash: sha256(Array(text.utf8)), tenant: tenant, scope: scope, createdAt: now,
                signingSecret: scope == .webhook ? text : nil)
        )
    }

    /// The hash by which the registry knows a key, as 64 hexadecimal digits.
    public static func hexadecimalHash(of text: String) -> String {
        KeyEntry(hash: sha256(Array(text.utf8)), tenant: "", scope: .write, createdAt: 0).hexadecimalHash
    }

    /// 32 random bytes as text.
    static func random() -> String {
        var system = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<4 { withUnsafeBytes(of: system.next() as UInt64) { bytes.append(contentsOf: $0) } }
        return base64URL(bytes)
    }

    /// The bytes of base64 with the URL alphabet, `nil` when it is not that.
    static func decodeBase64URL(_ text: String) -> [UInt8]? {
        guard text.utf8.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var bits = 0
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case 65...90: value = character - 65
            case 97...122: value = character - 71
            case 48...57: value = character + 4
            case 45: value = 62
            case 95: value = 63
            default: return nil
            }
            group = (group << 6) | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return bytes
    }

    /// Base64 with the URL alphabet and no padding (RFC 4648, section 5).
    static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let rest = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if rest > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if rest > 2 { group |= UInt32(bytes[index + 2]) }
            for sextet in 0...rest {
                text.append(alphabet[Int((group >> UInt32(18 - sextet * 6)) & 63)])
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}
