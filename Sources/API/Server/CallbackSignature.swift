internal import HTTP

/// The signature of a callback: a header `t=<unix seconds>,v1=<hex>` with the HMAC-SHA256 of `<t>.<body>` under the
/// tenant's webhook secret. While a secret is being changed a sender may sign with both, in one `v1=` each.
enum CallbackSignature {
    /// How far the signing may lie from now, in seconds.
    static let tolerance: Int64 = 300
    private static let mostSignatures = 8

    /// Throws unless one of the secrets has signed the body within the tolerance.
    static func check(_ header: String?, body: UnsafeRawBufferPointer, secrets: [String], now: Int64) throws(Problem) {
        guard let header else {
            throw Problem(
                401, "missing_signature",
                "Sign the callback: X-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of \"t.body\">.")
        }
        guard !secrets.isEmpty else {
            throw Problem(
                401, "no_webhook_secret",
                "The tenant has no webhook secret; make one with \"footfall keys create --scope webhook\".")
        }
        var time: Substring?
        var signatures: [[UInt8]] = []
        for part in header.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = pair[0].drop { $0 == " " }
            guard pair.count == 2 else { throw invalid("must read t=<unix seconds>,v1=<hex>") }
            // Other versions than v1 are not for us.
            if name == "t" {
                guard time == nil else { throw invalid("has two times") }
                time = pair[1]
            } else if name == "v1" {
                guard signatures.count < mostSignatures, let bytes = hex(pair[1]) else {
                    throw invalid("has at most \(mostSignatures) \"v1=\", each with 64 hexadecimal digits")
                }
                signatures.append(bytes)
            }
        }
        guard let time, (1...18).contains(time.utf8.count), time.utf8.allSatisfy({ (48...57).contains($0) }),
            let seconds = Int64(time)
        else { throw invalid("needs the time of signing, t=<unix seconds>") }
        guard !signatures.isEmpty else { throw invalid("needs v1=<hex HMAC-SHA256 of \"t.body\">") }
        // Over the text of the time as it was sent, which is what was signed.
        let signed = Array(time.utf8) + [46] + Array(body)
        var isSigned = false
        for secret in secrets {
            let own = UserToken.hmac(signed, key: Array(secret.utf8))
            for signature in signatures where UserToken.matches(own, signature) { isSigned = true }
        }
        guard isSigned else { throw invalid("is not that of this tenant's webhook secret over this body") }
        let difference = now / 1000 - seconds
        guard (-tolerance...tolerance).contains(difference) else {
            throw Problem(
                401, "signature_expired",
                "The callback was signed more than \(tolerance / 60) minutes before or after it came; sign it anew.")
        }
    }

    private static func invalid(_ what: String) -> Problem {
        Problem(401, "invalid_signature", "X-Signature \(what).")
    }

    private static func hex(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 48...57: digit = character - 48
            case 97...102: digit = character - 87
            case 65...70: digit = character - 55
            default: return nil
            }
            if let own = high {
                bytes.append(own << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }
}
