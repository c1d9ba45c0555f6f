internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// What only the admin socket offers, to the commands that run beside the server.
    static let administration: [Route] = [
        Route(.post, "/v1/keys/revoke", .admin) { (request, context) throws(Problem) in
            try Query(request.queryItems).refuseRest()
            let text = try jsonBody(request)["sha256"]?.stringValue ?? ""
            guard let hash = hash(text) else {
                throw Problem(400, "missing_field", "Send the key's hash as 64 hexadecimal digits.", path: "/sha256")
            }
            do throws(StorageError) {
                guard try context.server.directory.revoke(hash, now: context.now) else {
                    throw StorageError("not_found", "There is no key with this hash.")
                }
            } catch {
                throw error.code == "not_found" ? Problem.notFound(error.message) : Problem(error)
            }
            context.server.log.info("key_revoked", ["key": .string(String(text.prefix(12)))])
            return .respond(.json(Array(#"{"revoked":true}"#.utf8)))
        }
    ]

    private static func hash(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text.utf8 {
            let value: UInt8
            switch digit {
            case 48...57: value = digit - 48
            case 97...102: value = digit - 87
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}
