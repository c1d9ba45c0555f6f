/// A suspended request that waits for its answer. Resume it once, from any thread; one that is dropped unanswered is
/// answered 500.
public final class HTTPExchange: Sendable {
    private let connection: Connection
    private let generation: UInt64

    init(connection: Connection, generation: UInt64) {
        self.connection = connection
        self.generation = generation
    }

    /// Hands in the answer. Never waits for the network. A second call, or one after the client has gone or the
    /// server has given up waiting, does nothing and returns false.
    @discardableResult
    public func resume(with response: HTTPResponse) -> Bool {
        connection.resume(generation, with: response)
    }

    /// ``resume(with:)`` with an answer that the serving thread makes when it comes to it: for a thread that has many
    /// requests to answer and other things to do.
    @discardableResult
    public func resume(making response: @escaping @Sendable () -> HTTPResponse) -> Bool {
        connection.resume(generation, making: response)
    }

    deinit {
        if connection.isUnanswered(generation) {
            connection.resume(
                generation,
                with: connection.problem(500, HTTPProblemCode.internalError, "The request was not answered."))
        }
    }
}
