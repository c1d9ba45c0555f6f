/// An exchange that is over. Strings are made when they are asked for.
public struct HTTPFinishedExchange: ~Copyable {
    let connection: Connection

    /// The method.
    public var method: HTTPMethod { connection.method }
    /// The method's name as sent; empty when the request was not read so far.
    public var methodName: String { connection.methodName }
    /// The path as sent.
    public var path: String { connection.withPath { String(decoding: $0, as: UTF8.self) } }
    /// The status of the answer; 0 when the connection ended without one.
    public let status: Int
    /// Bytes of the body as sent by the client.
    public let requestBytes: Int
    /// Bytes of the answer's body; 0 for HEAD.
    public let responseBytes: Int
    /// From the request line to the last byte handed to the system, in nanoseconds.
    public let durationNanoseconds: Int
    /// False when the client left, a limit of time was passed or the server stopped before the answer was out.
    public let isComplete: Bool
    /// The answer's tag.
    public let tag: Int
    /// The answer's context.
    public let context: (any AnyObject & Sendable)?
}
