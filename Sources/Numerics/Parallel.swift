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
        let next = Counter()
        withoutActuallyEscaping(body) { body in
            let lane: @Sendable () -> Void = {
                while true {
                    let piece = next.take()
                    guard piece < pieces else { return }
                    body(piece * grain..<min(count, (piece + 1) * grain))
                }
            }
            let helpers = (1..<min(threads, pieces)).compactMap { _ in thread(lane) }
            lane()
            for helper in helpers { pthread_join(helper, nil) }
        }
    }

    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// A thread of its own, which unlike those of a pool has the caller's priority: what is computed beside serving gives
    /// way with all its threads. `nil` when the system gives none; the others then do its share. Some 15 µs.
    private static func thread(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        guard failed != 0 else { return thread }
        work.release()
        return nil
    }

    /// Processors of this machine.
    public static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
