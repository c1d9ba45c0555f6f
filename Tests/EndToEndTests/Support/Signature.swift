import Foundation

/// HMAC-SHA256 (FIPS 180-4, RFC 2104) written down from the standards: nothing of the product's own library is in it.
enum Signature {
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    static func sha256(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        var bytes = message + [0x80]
        while bytes.count % 64 != 56 { bytes.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift))
        }
        for start in stride(from: 0, to: bytes.count, by: 64) {
            var words = (0..<16).map { word in
                (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[start + word * 4 + $1]) }
            }
            func turned(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
            for index in 16..<64 {
                let (x, y) = (words[index - 15], words[index - 2])
                words.append(
                    words[index - 16] &+ (turned(x, 7) ^ turned(x, 18) ^ (x >> 3)) &+ words[index - 7]
                        &+ (turned(y, 17) ^ turned(y, 19) ^ (y >> 10)))
            }
            var v = state
            for index in 0..<64 {
                let e = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25)
                let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
                let first = v[7] &+ e &+ choice &+ constants[index] &+ words[index]
                let a = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22)
                let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
                v = [first &+ a &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
            }
            for index in 0..<8 { state[index] = state[index] &+ v[index] }
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - $0 * 8)) } }
    }

    static func hmac(_ message: [UInt8], key: [UInt8]) -> String {
        var block = key.count > 64 ? sha256(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        let digest = sha256(block.map { $0 ^ 0x5c } + sha256(block.map { $0 ^ 0x36 } + message))
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The header of a callback's body, signed at a moment (seconds since the epoch).
    static func header(_ body: String, secret: String, at time: Int64 = now() / 1000) -> String {
        "t=\(time),v1=\(hmac(Array("\(time).\(body)".utf8), key: Array(secret.utf8)))"
    }

    /// A user token: a JSON Web Token that ends in an hour.
    static func token(user: String, secret: String) -> String {
        func encoded(_ bytes: [UInt8]) -> String {
            Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
                .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
        }
        let claims: JSONValue = ["sub": .string(user), "exp": .integer(now() / 1000 + 3600)]
        let text = encoded(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + encoded(Array(claims.text.utf8))
        let digest = hmac(Array(text.utf8), key: Array(secret.utf8))
        let bytes = stride(from: 0, to: 64, by: 2).compactMap { place in
            UInt8(digest.dropFirst(place).prefix(2), radix: 16)
        }
        return text + "." + encoded(bytes)
    }
}
