internal import Dispatch
internal import Glibc

/// Work on several processors at once.
public enum Parallel {
    /// Runs `body` on consecutive ranges that cover `0..<count`, on at most `threads` threads, and waits for all. Ranges
    /// have `grain` elements, the last one what is left; which thread takes which is not said, so results must not depend
    /// on it.
    public static func ranges(
        _ count: Int, grain: Int, threads: Int = Parallel.processors, _ body: @Sendable (Range<Int>) -> Void
    ) {
        let grain = max(1, grain)
        let pieces = (count + grain - 1) / grain
        guard threads > 1, pieces > 1 else {
            for piece in 0..<pieces { body(piece * grain..<min(count, (piece + 1) * grain)) }
            return
        }
        let lanes = min(threads, pieces)
        let next = Counter()
        DispatchQueue.concurrentPerform(iterations: lanes) { _ in
            while true {
                let piece = next.take()
                guard piece < pieces else { return }
                body(piece * grain..<min(count, (piece + 1) * grain))
            }
        }
    }

    /// Processors of this machine.
    public static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
