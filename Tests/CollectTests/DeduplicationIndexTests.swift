import Domain
import Foundation
import Storage
import Testing

@testable import Collect

@Suite struct DeduplicationIndexTests {
    static let day: Int64 = 86_400_000
    static let start: Int64 = 1_700_000_000_000

    /// What damages a folder between two openings.
    enum Damage: CaseIterable { case flip, truncate, lengthen, remove, garbage, expired }

    @Test(
        "The index agrees with a dictionary through commits, rollbacks, restarts, day changes, merges and damaged files",
        arguments: 1...24)
    func oracle(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = scratch.path + "/dedup"
        let manual = ManualSchedule()
        var configuration = DeduplicationIndex.Configuration()
        configuration.recentKeys = Int.random(in: 20...400, using: &generator)
        var log = FakeLog()
        var naive = NaiveIndex()
        var now = DeduplicationIndexTests.start
        let keyCount = UInt64.random(in: 50...5000, using: &generator)
        var duplicates = 0

        func open() throws -> DeduplicationIndex {
            let index = try DeduplicationIndex.open(
                folder: folder, seed: 7, logPosition: log.last, now: now, configuration: configuration,
                schedule: manual.schedule)
            try log.replay(into: index)
            return index
        }
        func key(_ number: UInt64) -> Key128 {
            var hash = SeededGenerator(seed: number)
            return Key128(high: hash.next(), low: hash.next())
        }

        var index = try open()
        for round in 0..<600 {
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<3: now += DeduplicationIndexTests.day + Int64.random(in: -5...5, using: &generator)
            case 3: now += NaiveIndex.window - Int64.random(in: 0...1, using: &generator)
            case 4: now -= Int64.random(in: 0...3_000_000, using: &generator)
            default: now += Int64.random(in: 0...3_600_000, using: &generator)
            }
            var pending: [(key: Key128, time: Int64)] = []
            var marks: [(mark: Int, count: Int)] = []
            let snapshot = naive
            for _ in 0..<Int.random(in: 0...60, using: &generator) {
                if Int.random(in: 0..<20, using: &generator) == 0 { marks.append((index.mark, pending.count)) }
                let key = key(UInt64.random(in: 0..<keyCount, using: &generator))
                let time = now - Int64.random(in: 0...2000, using: &generator)
                let expected = naive.contains(key, time)
                #expect(try index.contains(key, receivedAt: time) == expected, "seed \(seed), round \(round)")
                #expect(try index.insert(key, receivedAt: time) == !expected, "seed \(seed), round \(round)")
                if expected {
                    duplicates += 1
                } else {
                    naive.times[key] = time
                    pending.append((key, time))
                }
            }
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                index.rollback(to: 0)
                naive = snapshot
            case 1:
                let (mark, count) = marks.randomElement(using: &generator) ?? (0, 0)
                index.rollback(to: mark)
                pending.removeSubrange(count...)
                naive = snapshot
                for entry in pending { naive.times[entry.key] = entry.time }
                fallthrough
            default:
                for entry in pending { log.append(entry.key, receivedAt: entry.time) }
                // Other records take positions too.
                log.last += Int64.random(in: 0...2, using: &generator)
                index.commit(through: log.last, now: now)
            }
            if Int.random(in: 0..<3, using: &generator) == 0 { manual.run() }

            guard Int.random(in: 0..<12, using: &generator) == 0 else { continue }
            if Bool.random(using: &generator) {
                manual.run()
                index.close()
            } else if Bool.random(using: &generator) {
                // The process ends with work half done: the work's files are there or not.
                manual.run()
            }
            manual.drop()
            if Int.random(in: 0..<3, using: &generator) == 0 {
                try damage(folder, Damage.allCases.randomElement(using: &generator) ?? .flip, &generator)
            }
            index = try open()
        }
        #expect(duplicates > 100)
        #expect(index.report.keys <= log.entries.count + configuration.recentKeys)
    }

    private func damage(_ folder: String, _ damage: Damage, _ generator: inout SeededGenerator) throws {
        let manager = FileManager.default
        let names = try manager.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".keys") }.sorted()
        guard let name = names.randomElement(using: &generator) else { return }
        let url = URL(fileURLWithPath: folder + "/" + name)
        var data = try Data(contentsOf: url)
        switch damage {
        case .flip:
            let place = Int.random(in: 0..<data.count, using: &generator)
            data[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case .truncate: data = data.prefix(Int.random(in: 0..<data.count, using: &generator))
        case .lengthen: data.append(0)
        case .garbage: data = Data((0..<500).map { _ in UInt8.random(in: 0...255, using: &generator) })
        case .remove:
            try manager.removeItem(at: url)
            return
        case .expired:
            let expired = URL(fileURLWithPath: folder + "/expired")
            guard var data = try? Data(contentsOf: expired) else { return }
            data[Int.random(in: 0..<data.count, using: &generator)] ^= 4
            try data.write(to: expired)
            return
        }
        try data.write(to: url)
    }
}
