internal import CMicroHTTPD
internal import Synchronization

/// How a request's body is delimited and encoded.
struct Framing {
    enum Encoding { case identity, gzip, unknown }

    /// Nil when the body comes in chunks.
    var contentLength: Int? = 0
    /// Where in the head the digits of Content-Length stand.
    var lengthDigits = 0..<0
    /// Whether the request speaks of a body, be it an empty one.
    var isDeclared = false
    var expectsContinue = false
    /// The library may see another length than `contentLength`.
    var isAmbiguous = false
    var encoding = Encoding.identity

    var hasBody: Bool { contentLength != 0 }
}

extension Connection {
    /// A body that the server does not want is read to its end when that is at most so many bytes away, so that the
    /// connection can go on; otherwise the connection ends.
    static let discardLimit = 64 << 10

    /// The headers are in. False ends the connection.
    func admit(methodName: UnsafePointer<CChar>, version: UnsafePointer<CChar>, url: UnsafePointer<CChar>) -> Bool {
        server.activeRequests.add(1, ordering: .sequentiallyConsistent)
        isAdmitted = true
        guard enter(.body) else { return false }
        let name = UnsafeRawBufferPointer(start: methodName, count: strlen(methodName))
        method = HTTPMethod(name)
        self.methodName = method.name ?? String(decoding: name, as: UTF8.self)
        stage = .body

        var headers = ff_mhd_headers()
        ff_mhd_scan_headers(handle, methodName, version, &headers)
        readFraming(headers, headStart: methodName)
        let bytes = UnsafeRawBufferPointer(start: methodName, count: ff_mhd_header_size(handle))
        let earlier = withTarget { knownHead.context(of: bytes, target: $0, length: framing.lengthDigits) }
        // Before any answer is made.
        if earlier == nil || !isOriginOfKnownHead {
            noteOrigin()
            isOriginOfKnownHead = earlier != nil
        }
        if let fault = check(headers, version: version, url: url) {
            // Where one request ends and the next begins may be in doubt.
            var response = fault
            response.closesConnection = true
            if !framing.hasBody && !framing.isAmbiguous { return discardRest(response) }
            answerAndClose(response)
            return false
        }
        let head = HTTPRequestHead(connection: self, earlierContext: earlier)
        switch server.handler.admit(head) {
        case .accept(let maximum, let context):
            limit = max(maximum, 0)
            admissionContext = context
            if earlier !== context {
                withTarget { knownHead.keep(bytes, target: $0, length: framing.lengthDigits, context: context) }
                isOriginOfKnownHead = true
            }
        case .acceptDefault: limit = server.configuration.maximumBodyBytes
        case .refuse(let response): return refuse(response)
        }
        if let length = framing.contentLength, length > limit { return refuse(tooLarge()) }
        guard framing.isDeclared else { return true }
        switch framing.encoding {
        case .identity:
            // What is declared may never come: beyond a first piece, memory follows what does.
            guard body.reserve(min(framing.contentLength ?? 4096, Self.smallBody)) else { return false }
        case .gzip: inflater = server.takeInflater()
        case .unknown:
            return refuse(
                problem(415, HTTPProblemCode.unsupportedEncoding, "Send the body as it is or compressed with gzip."))
        }
        return true
    }

    func tooLarge() -> HTTPResponse {
        problem(413, HTTPProblemCode.bodyTooLarge, "The body is larger than \(limit) bytes.")
    }

    private func readFraming(_ headers: ff_mhd_headers, headStart: UnsafePointer<CChar>) {
        let chunked = headers.transfer_encodings > 0
        if headers.content_lengths > 0, let length = headers.content_length {
            framing.contentLength = decimal(UnsafeRawBufferPointer(start: length, count: headers.content_length_size))
            let start = UnsafeRawPointer(length) - UnsafeRawPointer(headStart)
            framing.lengthDigits = start..<start + headers.content_length_size
        }
        if chunked || framing.contentLength == nil { framing.contentLength = nil }
        framing.expectsContinue = headers.expect != nil

        framing.isDeclared = chunked || headers.content_lengths > 0
        framing.isAmbiguous = chunked || headers.content_lengths > 1
        framing.encoding =
            switch headers.content_encodings {
            case 0: .identity
            case 1: encoding(headers.content_encoding, headers.content_encoding_size)
            default: .unknown
            }
    }

    /// Checks what does not need the handler.
    private func check(
        _ headers: ff_mhd_headers, version: UnsafePointer<CChar>, url: UnsafePointer<CChar>
    ) -> HTTPResponse? {
        func malformed(_ message: String) -> HTTPResponse {
            problem(400, HTTPProblemCode.malformedRequest, message)
        }
        let chunked = headers.transfer_encodings > 0
        if headers.malformed != 0 { return malformed("A header line cannot be read.") }
        if chunked && headers.content_lengths > 0 {
            return malformed("Content-Length and Transfer-Encoding exclude each other.")
        }
        if headers.content_lengths > 1 || headers.transfer_encodings > 1 {
            return malformed("The body's length is given more than once.")
        }
        if headers.content_lengths == 1 && framing.contentLength == nil { return tooLargeToCount() }
        if chunked, !equals(headers.transfer_encoding, headers.transfer_encoding_size, "chunked") {
            return problem(
                501, HTTPProblemCode.unsupportedTransferEncoding, "The only transfer encoding is chunked.")
        }
        if headers.hosts != 1 && equals(version, strlen(version), "http/1.1") || headers.hosts > 1 {
            return malformed("A request has exactly one Host header.")
        }
        if targetCount > server.configuration.maximumTargetBytes {
            return problem(
                414, HTTPProblemCode.targetTooLong,
                "The request target is longer than \(server.configuration.maximumTargetBytes) bytes.")
        }
        if ff_mhd_header_size(handle) > server.configuration.maximumHeaderBytes {
            return problem(
                431, HTTPProblemCode.headersTooLarge,
                "The headers are longer than \(server.configuration.maximumHeaderBytes) bytes.")
        }
        // The version stands one byte after the target on the same line, unless the target holds a NUL.
        if !isTargetValid || UnsafeRawPointer(version) - UnsafeRawPointer(url) != targetCount + 1 {
            return malformed("The request target cannot be read.")
        }
        return nil
    }

    private func tooLargeToCount() -> HTTPResponse {
        problem(413, HTTPProblemCode.bodyTooLarge, "The declared length of the body is too large.")
    }

    private func encoding(_ value: UnsafePointer<CChar>?, _ count: Int) -> Framing.Encoding {
        if equals(value, count, "identity") { return .identity }
        if equals(value, count, "gzip") || equals(value, count, "x-gzip") { return .gzip }
        return .unknown
    }

    /// Answers without having read the body, in a way that suits what the client is doing.
    private func refuse(_ response: HTTPResponse) -> Bool {
        if !framing.hasBody || !framing.expectsContinue && (framing.contentLength ?? 0) <= Self.discardLimit {
            return discardRest(response)
        }
        answerAndClose(response)
        return false
    }

    /// Reads on without keeping anything, then answers.
    func discardRest(_ response: HTTPResponse) -> Bool {
        reply = response
        stage = .discarding
        return true
    }
}

extension HTTPMethod {
    var name: String? {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: nil
        }
    }
}

/// A non-negative number in decimal digits; nil when it is anything else or does not fit.
private func decimal(_ digits: UnsafeRawBufferPointer) -> Int? {
    guard !digits.isEmpty else { return nil }
    var value = 0
    for digit in digits {
        guard digit >= 0x30, digit <= 0x39 else { return nil }
        let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tenfold.addingReportingOverflow(Int(digit &- 0x30))
        guard !overflow, !carry else { return nil }
        value = sum
    }
    return value
}

/// Whether a header's value is `literal` (in lower case), whatever its case and trailing blanks.
private func equals(_ value: UnsafePointer<CChar>?, _ count: Int, _ literal: StaticString) -> Bool {
    guard let value else { return false }
    var count = count
    while count > 0, value[count - 1] == 0x20 || value[count - 1] == 0x09 { count -= 1 }
    guard count == literal.utf8CodeUnitCount else { return false }
    return literal.withUTF8Buffer { bytes in
        bytes.indices.allSatisfy { index in
            let byte = UInt8(bitPattern: value[index])
            let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            return lower == bytes[index]
        }
    }
}
