internal import Glibc

/// A thread for one piece of blocking work (sorting, writing, syncing files), which has no place on Swift's
/// cooperative pool and gives way to the threads that serve requests.
enum BackgroundThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread; on the calling one when the system gives no thread.
    @Sendable
    static func run(_ body: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, &attributes,
            { argument in
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        if failed != 0 { work.takeRetainedValue().body() }
    }

    /// Lets a millisecond pass.
    static func pause() { usleep(1000) }
}
