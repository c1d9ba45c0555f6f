import Domain
import Foundation
import Storage
import Testing

@testable import Collect

@Suite final class DeduplicationFileTests {
    static let day: Int64 = 86_400_000
    static let start: Int64 = 1_700_000_000_000
    let scratch: ScratchFolder
    let path: String

    init() throws {
        scratch = try ScratchFolder()
        path = scratch.path + "/dedup"
    }

    deinit { scratch.remove() }

    static func key(_ number: Int) -> Key128 {
        var hash = SeededGenerator(seed: UInt64(number))
        return Key128(high: hash.next(), low: hash.next())
    }

    /// Fills the folder with one sealed file of the keys 0..<count, all stored at `start`, positions 1...count.
    func fill(count: Int) throws -> FakeLog {
        var log = FakeLog()
        let index = try open(path, log)
        for number in 0..<count {
            #expect(try index.insert(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start))
            log.append(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start)
        }
        index.commit(through: log.last, now: DeduplicationFileTests.start)
        index.close()
        return log
    }

    func open(
        _ path: String, _ log: FakeLog, now: Int64 = DeduplicationFileTests.start, seed: UInt64 = 7,
        through: Int64? = nil,
        recentKeys: Int = 1 << 20, window: Int64 = 7 * DeduplicationFileTests.day,
        schedule: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil
    ) throws -> DeduplicationIndex {
        var configuration = DeduplicationIndex.Configuration()
        configuration.recentKeys = recentKeys
        configuration.window = window
        return try DeduplicationIndex.open(
            folder: path, seed: seed, logPosition: through ?? log.last, now: now, configuration: configuration,
            schedule: schedule)
    }

    func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("An id counts as stored until exactly seven days after its receipt, in memory and in a file alike")
    func windowEdge() throws {
        let log = try fill(count: 50)
        let window: Int64 = 7 * DeduplicationFileTests.day
        let sealed = try open(path, log)
        #expect(sealed.replayAfter == log.last)
        let recent = try open(scratch.path + "/other", log)
        try log.replay(into: recent)
        for index in [sealed, recent] {
            for number in 0..<50 {
                let key = DeduplicationFileTests.key(number)
                let stored = DeduplicationFileTests.start
                #expect(try index.contains(key, receivedAt: stored))
                #expect(try index.contains(key, receivedAt: stored + window - 1))
                #expect(try !index.contains(key, receivedAt: stored + window))
                #expect(try !index.insert(key, receivedAt: stored + window - 1))
                #expect(try index.insert(key, receivedAt: stored + window))
                #expect(try !index.insert(key, receivedAt: stored + window))
                #expect(try index.contains(key, receivedAt: stored + 2 * window - 1))
            }
        }
    }

    @Test("A rollback gives a key back the time that it had")
    func rollback() throws {
        let index = try open(path, FakeLog(), window: 1000)
        let key = DeduplicationFileTests.key(1)
        let start = DeduplicationFileTests.start
        let end = start + 1000
        #expect(try index.insert(key, receivedAt: start))
        index.commit(through: 1, now: start)
        #expect(try index.insert(key, receivedAt: end))
        index.rollback(to: 0)
        #expect(try index.contains(key, receivedAt: end - 1))
        #expect(try !index.contains(key, receivedAt: end))
    }

    @Test("Files need no replay after an orderly end")
    func reopening() throws {
        let log = try fill(count: 5000)
        let index = try open(path, log)
        #expect(index.replayAfter == log.last)
        #expect(index.sealedThrough == log.last)
        #expect(index.report.keys == 5000)
        #expect(index.takeNotes().isEmpty)
        for number in 0..<10_000 {
            #expect(
                try index.contains(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start)
                    == (number < 5000))
        }
    }

    @Test("Every altered byte and every missing byte of a file is noticed, and the file's range replayed")
    func everyByte() throws {
        let log = try fill(count: 6)
        let name = try #require(names(path).first)
        let url = URL(fileURLWithPath: path + "/" + name)
        let sound = try Data(contentsOf: url)
        for place in sound.indices {
            var altered = sound
            altered[place] ^= 1 << UInt8(place % 8)
            try altered.write(to: url)
            let index = try open(path, log)
            #expect(index.replayAfter == 0, "byte \(place)")
            // A changed version reads as another release's file only with a sound checksum, so this one is damaged.
            #expect(index.takeNotes().count == 1)
            #expect(try names(path).isEmpty)
            try sound.prefix(place).write(to: url)
            #expect(try open(path, log).replayAfter == 0, "\(place) bytes")
        }
        try sound.write(to: url)
        #expect(try open(path, log).replayAfter == log.last)
    }

    @Test("A file of a later release is left alone; those of another store or ahead of the log are removed")
    func strangers() throws {
        let log = try fill(count: 20)
        let name = try #require(names(path).first)
        let url = URL(fileURLWithPath: path + "/" + name)
        let sound = try Data(contentsOf: url)

        var header = Array(sound.prefix(SealedKeys.Header.byteCount))
        header[8] = 2
        let sum = header.dropLast(8).withUnsafeBytes { checksum64($0) }
        withUnsafeBytes(of: sum.littleEndian) { header.replaceSubrange((header.count - 8)..., with: $0) }
        try (Data(header) + sound.dropFirst(header.count)).write(to: url)
        #expect(try open(path, log).replayAfter == 0)
        #expect(try names(path) == [name])

        try sound.write(to: url)
        #expect(try open(path, log, seed: 8).replayAfter == 0)
        #expect(try names(path).isEmpty)

        try sound.write(to: url)
        let behind = try open(path, log, through: 19)
        #expect(behind.replayAfter == 0)
        #expect(try names(path).isEmpty)
        #expect(try !behind.contains(DeduplicationFileTests.key(19), receivedAt: DeduplicationFileTests.start))
    }

    @Test("What a crash leaves half-written is removed, and so is what a merge had already united")
    func leftovers() throws {
        let manual = ManualSchedule()
        var log = FakeLog()
        let index = try open(path, log, recentKeys: 10, schedule: manual.schedule)
        var saved: [String: Data] = [:]
        for number in 0..<200 {
            #expect(try index.insert(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start))
            log.append(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start)
            index.commit(through: log.last, now: DeduplicationFileTests.start)
            manual.run()
            for name in try names(path) { saved[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }
        }
        while index.isWorking {
            index.commit(through: log.last, now: DeduplicationFileTests.start)
            manual.run()
        }
        index.close()
        let expected = try names(path)
        #expect(saved.count > expected.count)
        for (name, data) in saved { try data.write(to: URL(fileURLWithPath: path + "/" + name)) }
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/19700-900.keys.new"))
        let again = try open(path, log)
        #expect(again.replayAfter == log.last)
        #expect(try names(path) == expected)
        #expect(again.report.keys == 200)
        for number in 0..<400 {
            #expect(
                try again.contains(DeduplicationFileTests.key(number), receivedAt: DeduplicationFileTests.start)
                    == (number < 200))
        }
    }

    @Test("A folder that cannot be written keeps everything in memory, says so, and is tried again")
    func failing() throws {
        _ = try fill(count: 0)
        var log = FakeLog()
        let manual = ManualSchedule()
        let index = try open(path, log, recentKeys: 10, schedule: manual.schedule)
        try FileManager.default.removeItem(atPath: path)
        var now = DeduplicationFileTests.start
        for number in 0..<300 {
            #expect(try index.insert(DeduplicationFileTests.key(number), receivedAt: now))
            log.append(DeduplicationFileTests.key(number), receivedAt: now)
            index.commit(through: log.last, now: now)
            manual.run()
            now += 100
        }
        #expect(index.report.isFailing)
        #expect(index.report.files == 0)
        #expect(index.sealedThrough == 0)
        #expect((2...8).contains(index.takeNotes().count))
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for _ in 0..<20 {
            now += 1000
            index.commit(through: log.last, now: now)
            manual.run()
        }
        #expect(!index.report.isFailing)
        #expect(index.sealedThrough == log.last)
        index.close()
        let again = try open(path, log, now: now)
        #expect(again.replayAfter == log.last)
        for number in 0..<300 { #expect(try again.contains(DeduplicationFileTests.key(number), receivedAt: now)) }
    }

    @Test("Ids are remembered for the window although clean-up has removed their rows from the log, once sealed")
    func retention() throws {
        let manual = ManualSchedule()
        var log = FakeLog()
        let now = DeduplicationFileTests.start
        var index = try open(path, log, schedule: manual.schedule)
        for number in 0..<100 {
            #expect(try index.insert(DeduplicationFileTests.key(number), receivedAt: now))
            log.append(DeduplicationFileTests.key(number), receivedAt: now)
        }
        index.commit(through: log.last, now: now)
        #expect(index.sealedThrough == 0)
        index.requestSeal()
        for _ in 0..<2 {
            index.commit(through: log.last, now: now)
            manual.run()
        }
        index.commit(through: log.last, now: now)
        #expect(index.sealedThrough == 100)
        log.entries.removeAll()
        // No orderly end.
        index = try open(path, log, now: now + 1)
        try log.replay(into: index)
        for number in 0..<100 { #expect(try index.contains(DeduplicationFileTests.key(number), receivedAt: now + 1)) }
    }

    @Test("Files leave with their last key, and what has left is not replayed")
    func dropping() throws {
        let manual = ManualSchedule()
        var log = FakeLog()
        let index = try open(path, log, schedule: manual.schedule)
        var now = DeduplicationFileTests.start
        for day in 0..<30 {
            for number in 0..<50 {
                let key = DeduplicationFileTests.key(day * 50 + number)
                #expect(try index.insert(key, receivedAt: now))
                log.append(key, receivedAt: now)
            }
            for _ in 0..<4 {
                index.commit(through: log.last, now: now)
                manual.run()
            }
            now += DeduplicationFileTests.day
            #expect(index.report.files <= 9)
            #expect(index.report.keys <= 9 * 50)
        }
        index.close()
        #expect(try names(path).filter { $0.hasSuffix(".keys") }.count <= 9)
        let again = try open(path, log, now: now)
        #expect(again.replayAfter == log.last)
        // Without the record of what has left, everything is read again, and nothing comes of it.
        try FileManager.default.removeItem(atPath: path + "/expired")
        let third = try open(path, log, now: now)
        #expect(third.replayAfter == 0)
        try log.replay(into: third)
        #expect(third.report.keys == again.report.keys)
    }

    @Test("Sealing and merging in the background never hides a key", arguments: 1...4)
    func background(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var log = FakeLog()
        var naive = NaiveIndex()
        var index = try open(path, log, recentKeys: 500)
        var now = DeduplicationFileTests.start
        for round in 0..<400 {
            now += 1_500_000
            for _ in 0..<100 {
                let key = DeduplicationFileTests.key(Int.random(in: 0..<50_000, using: &generator))
                let expected = naive.contains(key, now)
                #expect(try index.insert(key, receivedAt: now) == !expected, "seed \(seed), round \(round)")
                if !expected {
                    naive.times[key] = now
                    log.append(key, receivedAt: now)
                }
            }
            index.commit(through: log.last, now: now)
            if round % 150 == 149 {
                index.close()
                index = try open(path, log, now: now, recentKeys: 500)
                try log.replay(into: index)
            }
        }
        #expect(index.report.files < 30)
        #expect(index.takeNotes().isEmpty)
        index.close()
    }
}

@Suite struct DeduplicationPartTests {
    @Test("Ranges of positions are a set of positions", arguments: 1...20)
    func ranges(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var ranges = PositionRanges()
        var naive: Set<Int64> = []
        for _ in 0..<60 {
            let after = Int64.random(in: 0..<200, using: &generator)
            let through = after + Int64.random(in: -2...12, using: &generator)
            ranges.insert(after: after, through: through)
            if after < through { naive.formUnion((after + 1)...through) }
            for position in Int64(0)...220 { #expect(ranges.contains(position) == naive.contains(position)) }
            for (left, right) in zip(ranges.runs, ranges.runs.dropFirst()) { #expect(left.through < right.after) }
            let end = Int64.random(in: 0..<220, using: &generator)
            let gaps = ranges.gaps(through: end)
            for position in Int64(0)...220 {
                #expect(gaps.contains(position) == (position >= 1 && position <= end && !naive.contains(position)))
            }
            var part = PositionRanges(after: after, through: after + 3)
            #expect(ranges.isSuperset(of: part) == naive.isSuperset(of: (after + 1)...(after + 3)))
            part.formUnion(ranges)
            #expect(part.isSuperset(of: ranges))
        }
    }

    @Test("A filter knows every key it was given and is wrong about one absent key in hundreds")
    func filter() {
        var generator = SeededGenerator(seed: 11)
        for count in [1, 30, 1000, 100_000] {
            let filter = KeyFilter(blockCount: KeyFilter.blocks(forKeys: count))
            let keys = (0..<count).map { _ in Key128(high: generator.next(), low: generator.next()) }
            for key in keys { filter.insert(key) }
            #expect(keys.allSatisfy(filter.mayContain))
            var wrong = 0
            for _ in 0..<100_000 where filter.mayContain(Key128(high: generator.next(), low: generator.next())) {
                wrong += 1
            }
            print("filter of \(count) keys: wrong about \(wrong) of 100,000")
            #expect(wrong < 400)
        }
    }

    @Test("The table holds what a dictionary holds, through insertions, removals and growth", arguments: 1...10)
    func table(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let table = RecentKeys()
        var naive: [Key128: Int64] = [:]
        // Few segments and few homes, so that runs are long and wrap around.
        func key() -> Key128 {
            let low = UInt64.random(in: 0..<4000, using: &generator) << 52 | UInt64.random(in: 1..<4, using: &generator)
            return Key128(high: UInt64.random(in: 0..<2, using: &generator) << 56, low: low)
        }
        for step in 0..<20_000 {
            let key = key()
            if Int.random(in: 0..<10, using: &generator) < (step % 6000 < 3000 ? 7 : 3) {
                table.store(key, time: Int64(step), at: table.find(key))
                naive[key] = Int64(step)
            } else {
                table.remove(key)
                naive[key] = nil
            }
            #expect(table.count == naive.count)
            if step % 1000 == 0 {
                for (key, time) in naive { #expect(table.find(key).time == time) }
                var sorted: [RecentKeys.Slot] = []
                table.sorted { sorted.append($0) }
                #expect(sorted.count == naive.count)
                #expect(zip(sorted, sorted.dropFirst()).allSatisfy { ($0.high, $0.low) < ($1.high, $1.low) })
            }
        }
    }
}
