/// Why a server could not start.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Stable name of the reason, open to additions: `port_in_use`, `address_unavailable`, `permission_denied`,
    /// `invalid_configuration`, `socket_in_use`, `system`, `already_started`.
    public var code: String
    /// A sentence that names the address and what to change.
    public var message: String

    /// An error of the given code.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The message followed by the code.
    public var description: String { "\(message) (\(code))" }
}
