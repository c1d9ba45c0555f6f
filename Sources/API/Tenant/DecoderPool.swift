internal import Collect
internal import Synchronization

/// Decoders with their buffers, one for each request that is being read, kept for the next.
final class DecoderPool: Sendable {
    private struct Idle: @unchecked Sendable {
        // Unchecked: a decoder in this list belongs to nobody else.
        var decoders: [RequestDecoder] = []
    }

    private let idle = Mutex(Idle())

    /// Lends a decoder for the time of `body`.
    func use<Result, Failure: Error>(_ body: (RequestDecoder) throws(Failure) -> Result) throws(Failure) -> Result {
        let decoder = take()
        defer { idle.withLock { $0.decoders.append(decoder) } }
        return try body(decoder)
    }

    private func take() -> RequestDecoder {
        struct Lent: @unchecked Sendable { let decoder: RequestDecoder? }
        return idle.withLock { Lent(decoder: $0.decoders.popLast()) }.decoder ?? RequestDecoder()
    }
}
