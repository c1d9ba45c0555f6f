internal import CZlib

/// A gzip stream that is being read. Members may follow one another, as RFC 1952 allows. One connection uses it at
/// a time, on its own thread; between uses it waits in the server's pool.
final class Inflater: @unchecked Sendable {
    enum Outcome { case more, tooLarge, malformed, outOfMemory }

    private var stream = z_stream()
    private let isReady: Bool
    private var betweenMembers = false

    init() { isReady = ff_inflate_init_gzip(&stream) == Z_OK }

    deinit { if isReady { inflateEnd(&stream) } }

    /// Whether the input may end here.
    var isComplete: Bool { betweenMembers }

    /// Makes the stream ready for another body.
    func reset() {
        betweenMembers = false
        if isReady { inflateReset(&stream) }
    }

    /// Inflates `input` onto `output`, which may not grow past `limit` bytes.
    func inflate(_ input: UnsafeRawBufferPointer, onto output: inout ByteStore, limit: Int) -> Outcome {
        guard isReady else { return .outOfMemory }
        guard let start = input.baseAddress, input.count > 0 else { return .more }
        guard input.count <= UInt32.max else { return .tooLarge }
        stream.next_in = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(input.count)
        defer { stream.next_in = nil }
        while stream.avail_in > 0 {
            if betweenMembers {
                guard inflateReset(&stream) == Z_OK else { return .malformed }
                betweenMembers = false
            }
            // One byte past the limit tells a body that just fits from one that does not.
            let allowed = limit - output.count + 1
            guard allowed > 0 else { return .tooLarge }
            if output.room.isEmpty {
                guard output.reserve(min(max(output.count, 4096), allowed)) else { return .outOfMemory }
            }
            let room = UnsafeMutableRawBufferPointer(rebasing: output.room.prefix(min(allowed, 1 << 30)))
            stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(room.count)
            let status = CZlib.inflate(&stream, Z_NO_FLUSH)
            output.advance(by: room.count - Int(stream.avail_out))
            stream.next_out = nil
            if output.count > limit { return .tooLarge }
            switch status {
            case Z_STREAM_END: betweenMembers = true
            case Z_OK, Z_BUF_ERROR: continue
            case Z_MEM_ERROR: return .outOfMemory
            default: return .malformed
            }
        }
        return .more
    }
}
