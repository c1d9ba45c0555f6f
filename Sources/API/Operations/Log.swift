internal import Domain
internal import Foundation
public import JSON
internal import Synchronization

/// JSON lines on standard error, one a happening.
public final class Log: Sendable {
    /// What is worth a line.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        /// Every request too.
        case debug
        /// What an operator wants to know.
        case info
        /// What somebody has to look at.
        case error

        /// A level by its name.
        public init?(name: String) {
            switch name {
            case "debug": self = .debug
            case "info": self = .info
            case "error": self = .error
            default: return nil
            }
        }

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// The least level that is written.
    public let level: Level
    private let output = Mutex(())
    private let clock: @Sendable () -> Int64

    /// A log that writes what is at least `level`.
    public init(level: Level, clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds) {
        self.level = level
        self.clock = clock
    }

    /// Writes a line for developers.
    public func debug(_ event: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        if level <= .debug { write("debug", event, fields()) }
    }

    /// Writes a line for operators.
    public func info(_ event: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        if level <= .info { write("info", event, fields()) }
    }

    /// Writes a line that asks for attention.
    public func error(_ event: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        write("error", event, fields())
    }

    private func write(_ level: StaticString, _ event: StaticString, _ fields: JSONObject) {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.key("time")
        writer.string(Timestamp(milliseconds: clock()).rfc3339)
        writer.key("level")
        writer.string("\(level)")
        writer.key("event")
        writer.string("\(event)")
        for member in fields.members {
            writer.key(member.key)
            member.value.write(into: &writer)
        }
        writer.endObject()
        writer.bytes.append(10)
        output.withLock { _ in
            writer.bytes.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let written = Foundation.write(2, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    if written <= 0 { return }
                    rest = rest.dropFirst(written)
                }
            }
        }
    }
}

/// Milliseconds since the Unix epoch, by the system's clock.
@Sendable
public func wallClockMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// Nanoseconds of a clock that never goes back.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Runs something on a thread of its own, which gives way to those that serve requests, unless they would wait for it: one
/// who holds a lock and is not given a processor holds up everybody.
func background(givesWay: Bool = true, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
        if givesWay { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
        body()
    }
    thread.stackSize = 4 << 20
    thread.start()
}

/// Waits on this thread.
func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }
