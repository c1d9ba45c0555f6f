internal import COpenSSL
internal import JSON

/// A short-lived token in which the owner's own server says who a user is: a JSON Web Token (RFC 7519) signed with HS256
/// and the tenant's signing secret, with the user in `sub` and its end in `exp`.
enum UserToken {
    /// Longest life that is believed, in seconds.
    static let longestLife: Int64 = 86_400

    /// The user of a token that one of the secrets has signed and that is good at `now`, in milliseconds.
    static func user(_ token: String, secrets: [String], now: Int64) throws(Problem) -> String {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard token.utf8.count <= 4096, parts.count == 3, let header = object(parts[0]), let claims = object(parts[1]),
            let signature = KeyText.decodeBase64URL(String(parts[2]))
        else { throw invalid("is not a JSON Web Token") }
        guard header["alg"]?.stringValue == "HS256" else { throw invalid("must be signed with HS256") }
        // RFC 7515, 4.1.11: who signed it says that it means something else to whoever does not know these.
        guard header["crit"] == nil else { throw invalid("has \"crit\", and no extension is understood") }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        let isSigned = secrets.contains { matches(hmac(signed, key: Array($0.utf8)), signature) }
        guard isSigned else { throw invalid("is not signed with this tenant's signing secret") }
        let seconds = now / 1000
        guard let end = claims["exp"]?.doubleValue, end.isFinite else { throw invalid("needs \"exp\"") }
        guard end > Double(seconds) else { throw invalid("has expired") }
        guard end <= Double(seconds + longestLife) else { throw invalid("lives longer than a day") }
        if let start = claims["nbf"]?.doubleValue, start > Double(seconds + 60) { throw invalid("is not good yet") }
        guard let user = claims["sub"]?.stringValue, (1...256).contains(user.utf8.count), !user.utf8.contains(0) else {
            throw invalid("needs the user's id in \"sub\"")
        }
        return user
    }

    private static func invalid(_ what: String) -> Problem {
        Problem(401, "invalid_user_token", "The user token \(what).")
    }

    private static func object(_ part: Substring) -> JSONValue? {
        guard let bytes = KeyText.decodeBase64URL(String(part)) else { return nil }
        return try? JSONValue(parsing: bytes, maximumDepth: 8)
    }

    static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        _ = HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &length)
        return digest
    }

    /// Compares in a time that does not tell where they differ.
    static func matches(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
