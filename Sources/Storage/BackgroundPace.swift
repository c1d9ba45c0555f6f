internal import Glibc
internal import Synchronization

/// Has long work beside those who serve take a fifth of a processor at most. With all of one, even at a low priority, a machine
/// that is half busy has none left for requests as long as the work lasts: answers then take tens of milliseconds.
public final class BackgroundPace: Sendable {
    /// How much longer a rest is than the work before it.
    private static let restsPerWork: UInt64 = 4
    /// In nanoseconds.
    private static let longestRest: UInt64 = 100_000_000

    /// How much work beside those who serve writes between two syncs: one large sync holds up the log's own for as long as it
    /// takes.
    public static let bytesPerSync = 1 << 20

    private let isHurried = Atomic(false)

    public init() {}

    /// From now on nobody rests any more: somebody waits for the work.
    public func hurry() { isHurried.store(true, ordering: .relaxed) }

    /// The work of one thread.
    public struct Work {
        private let pace: BackgroundPace
        /// The thread's CPU time at the end of the last rest, in nanoseconds.
        private var spent: UInt64

        /// Work of the calling thread that begins now.
        public init(_ pace: BackgroundPace) {
            self.pace = pace
            spent = Self.threadNanoseconds()
        }

        /// To be called at least every few milliseconds of work, holding nothing that others wait for.
        public mutating func rest() {
            guard !pace.isHurried.load(ordering: .relaxed) else { return }
            let worked = Self.threadNanoseconds() &- spent
            usleep(UInt32(min(worked &* restsPerWork, longestRest) / 1000))
            spent = Self.threadNanoseconds()
        }

        private static func threadNanoseconds() -> UInt64 {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
        }
    }
}
