internal import Glibc

/// One measured figure a line: a table for people on standard error, JSON on standard output.
func report(_ benchmark: String, _ figures: KeyValuePairs<String, Double>) {
    var json = "{\"benchmark\":\"\(benchmark)\""
    var line = benchmark.padded(22)
    for (name, value) in figures {
        json += ",\"\(name)\":\(number(value))"
        line += "  \(name) \(number(value))"
    }
    say(json + "}", to: STDOUT_FILENO)
    say(line, to: STDERR_FILENO)
}

/// Writes a line at once.
func say(_ line: String, to file: Int32) {
    let bytes = Array((line + "\n").utf8)
    var written = 0
    while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        if count <= 0 { return }
        written += count
    }
}

/// A number with as many digits as it deserves.
func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if abs(value) >= 1000 || value == value.rounded() { return String(Int64(value.rounded())) }
    let digits = abs(value) < 1 ? 1e5 : 1e3
    return String((value * digits).rounded() / digits)
}

/// Nanoseconds of a clock that only goes forward.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds of processor time that the calling thread has had: what others run beside it does not count.
func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds of processor time that the process has had, all threads together.
func processNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Resident memory of the process in MiB.
func residentMemory() -> Double {
    guard let file = fopen("/proc/self/statm", "r") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return .nan }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
}

/// The value that a share of the samples does not exceed.
func percentile(_ sorted: [UInt64], _ share: Double) -> Double {
    guard !sorted.isEmpty else { return .nan }
    return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
}

extension String {
    func padded(_ width: Int) -> String {
        count >= width ? self : self + String(repeating: " ", count: width - count)
    }
}
