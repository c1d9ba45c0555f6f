/// The values of `format` that are asserted.
enum Format: UInt8, BitwiseCopyable {
    case none, dateTime, date, time, email, uri, uuid, ipv4, ipv6

    init?(name: String) {
        switch name {
        case "date-time": self = .dateTime
        case "date": self = .date
        case "time": self = .time
        case "email": self = .email
        case "uri": self = .uri
        case "uuid": self = .uuid
        case "ipv4": self = .ipv4
        case "ipv6": self = .ipv6
        default: return nil
        }
    }

    /// What a text of the format is, for messages.
    var description: String {
        switch self {
        case .none: "any text"
        case .dateTime: "a date and time with an offset, such as 2026-01-31T12:00:00Z"
        case .date: "a date such as 2026-01-31"
        case .time: "a time with an offset, such as 12:00:00Z"
        case .email: "an e-mail address"
        case .uri: "an absolute URI"
        case .uuid: "a UUID such as 123e4567-e89b-12d3-a456-426614174000"
        case .ipv4: "an IPv4 address"
        case .ipv6: "an IPv6 address"
        }
    }

    /// Whether a text has the format.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = TextScanner(text)
        switch self {
        case .none: return true
        case .dateTime: return scanner.date() && scanner.take("T", or: "t") && scanner.time() && scanner.isAtEnd
        case .date: return scanner.date() && scanner.isAtEnd
        case .time: return scanner.time() && scanner.isAtEnd
        case .email: return scanner.mailbox()
        case .uri: return scanner.uri()
        case .uuid: return scanner.uuid() && scanner.isAtEnd
        case .ipv4: return scanner.ipv4() && scanner.isAtEnd
        case .ipv6: return scanner.ipv6() && scanner.isAtEnd
        }
    }
}
