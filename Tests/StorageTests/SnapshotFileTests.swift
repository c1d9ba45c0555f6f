import Foundation
import Testing

@testable import Storage

@Suite("Files of derived state")
struct SnapshotFileTests {
    @Test(
        "What is written in blocks of any size is read back, and so are the larger blocks of earlier releases",
        arguments: [64, SnapshotFile.blockSize, SnapshotFile.largestBlock])
    func blocks(blockSize: Int) throws {
        let path = NSTemporaryDirectory() + "snapshot-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = (0..<(blockSize == 64 ? 1000 : 3_000_000)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        try #require(file >= 0)
        var writer = SnapshotWriter(file: file, pace: BackgroundPace(), blockSize: blockSize)
        writer.start(kind: "test", version: 3, position: 42)
        writer.beginSection("numbers")
        for number in 0..<100 { writer.u64(UInt64(number)) }
        writer.beginSection("bytes")
        bytes.withUnsafeBytes { writer.raw($0) }
        writer.finish()
        #expect(close(file) == 0 && writer.problem == nil)

        guard case .opened(var reader) = SnapshotFile.open(path, kind: "test", versions: 1...3) else {
            Issue.record("The file cannot be opened.")
            return
        }
        #expect(reader.position == 42 && reader.version == 3)
        #expect(try reader.section() == "numbers")
        for number in 0..<100 { #expect(try reader.u64() == UInt64(number)) }
        try reader.endSection()
        #expect(try reader.section() == "bytes")
        var read = [UInt8](repeating: 0, count: bytes.count)
        try read.withUnsafeMutableBytes { try reader.raw(into: $0) }
        try reader.endSection()
        #expect(read == bytes)
    }

    @Test("Work beside those who serve rests four times as long as it takes")
    func pace() {
        func processorTime() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let pace = BackgroundPace()
        var work = BackgroundPace.Work(pace)
        let start = processorTime()
        while processorTime() - start < 0.005 {}
        let clock = ContinuousClock()
        #expect(clock.measure { work.rest() } >= .milliseconds(20))
        // In a hurry the thread does not give its processor away.
        func timesGivenAway() -> Int {
            var usage = rusage()
            getrusage(1, &usage)  // RUSAGE_THREAD
            return usage.ru_nvcsw
        }
        let before = timesGivenAway()
        while processorTime() - start < 0.01 {}
        work.rest()
        let after = timesGivenAway()
        #expect(after > before)
        pace.hurry()
        while processorTime() - start < 0.02 {}
        work.rest()
        #expect(timesGivenAway() == after)
    }
}
