internal import Glibc

/// How much the calling thread is to get of the processors.
public enum ThreadPriority {
    /// SCHED_IDLE of sched.h, which is a macro.
    private static let idle: Int32 = 5

    /// Has the calling thread, and what threads it makes, give way to all others: whoever wakes takes the processor from it at
    /// once, which the lowest nice value alone does not do. Beside a training the p99 of lists is a third to a half lower.
    public static func lower() {
        // On Linux both are a thread's own and inherited by its threads.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        var parameters = sched_param()
        parameters.sched_priority = 0
        sched_setscheduler(0, idle, &parameters)
    }
}
