internal import Glibc

/// How much the calling thread is to get of the processors.
public enum ThreadPriority {
    /// SCHED_BATCH of sched.h, which is a macro.
    private static let batch: Int32 = 3

    /// Has the calling thread, and what threads it makes, give way to all others: lowest nice value, scheduled as a batch.
    public static func lower() {
        // On Linux both are a thread's own and inherited by its threads.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        var parameters = sched_param()
        parameters.sched_priority = 0
        sched_setscheduler(0, batch, &parameters)
    }
}
