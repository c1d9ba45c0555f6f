import Foundation
import Synchronization

/// Random numbers that a failing test can repeat (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }
}

/// A seed that is printed, and can be given again in FOOTFALL_TEST_SEED.
func printedSeed(_ test: String) -> UInt64 {
    let seed =
        ProcessInfo.processInfo.environment["FOOTFALL_TEST_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 1..<1_000_000_000)
    print("\(test): FOOTFALL_TEST_SEED=\(seed)")
    return seed
}

/// A folder that is gone when the test is over. The data folder of a server is `data` in it.
final class TestFolder: Sendable {
    let path: String
    var data: String { path + "/data" }
    /// The folder of the tenant `demo`.
    var tenant: String { data + "/tenants/demo" }
    private let numbers = Atomic<Int>(0)

    init() throws {
        path = NSTemporaryDirectory() + "footfall-e2e-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // Tests take rights away.
        _ = chmod(path, 0o700)
        _ = chmod(data, 0o700)
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A number that no other file of this folder has in its name.
    func nextNumber() -> Int { numbers.add(1, ordering: .relaxed).newValue }

    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    /// Every file below a folder, with its path.
    static func files(below folder: String) -> [String] {
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else { return [] }
        return names.map { folder + "/" + $0 }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }

    static func bytes(_ path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }

    static func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

    static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    }
}

/// What went wrong in the test's own tools.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Milliseconds since the epoch.
func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

/// Seconds of a clock that never goes back.
func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Asks every few milliseconds until the answer is yes; false when that takes too long.
func eventually(within limit: Double = 60, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = seconds() + limit
    while true {
        if try condition() { return true }
        if seconds() > end { return false }
        usleep(20_000)
    }
}

/// Runs the bodies on threads of their own and waits for all of them.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            body(index)
            group.leave()
        }
        thread.stackSize = 2 << 20
        thread.start()
    }
    group.wait()
}

/// Milliseconds as RFC 3339 text, computed by the C library.
func rfc3339(_ milliseconds: Int64) -> String {
    var whole = time_t(floorDivide(milliseconds, 1000))
    let rest = milliseconds - Int64(whole) * 1000
    var parts = tm()
    gmtime_r(&whole, &parts)
    func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return digits(Int(parts.tm_year) + 1900, 4) + "-" + digits(Int(parts.tm_mon) + 1, 2) + "-"
        + digits(Int(parts.tm_mday), 2) + "T" + digits(Int(parts.tm_hour), 2) + ":" + digits(Int(parts.tm_min), 2) + ":"
        + digits(Int(parts.tm_sec), 2) + "." + digits(Int(rest), 3) + "Z"
}

/// The other way round, for the form above.
func milliseconds(_ text: String) -> Int64? {
    let numbers = text.split { !$0.isNumber }.compactMap { Int32($0) }
    guard numbers.count == 7, text.hasSuffix("Z") else { return nil }
    var parts = tm()
    parts.tm_year = numbers[0] - 1900
    parts.tm_mon = numbers[1] - 1
    (parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4], numbers[5])
    return Int64(timegm(&parts)) * 1000 + Int64(numbers[6])
}

func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
    let quotient = value / by
    return value % by < 0 ? quotient - 1 : quotient
}
