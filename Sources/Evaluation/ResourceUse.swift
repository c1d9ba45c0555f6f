internal import Glibc

/// What the process has used so far, as the system counts it.
public enum ResourceUse {
    /// Seconds of processor time of all threads, in the program and in the system for it.
    public static var cpuSeconds: Double {
        let use = current
        return seconds(use.ru_utime) + seconds(use.ru_stime)
    }

    /// The most memory that was resident at once, in bytes.
    public static var peakMemoryBytes: Int { current.ru_maxrss * 1024 }

    private static var current: rusage {
        var use = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &use)
        return use
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
