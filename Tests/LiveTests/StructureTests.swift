import Domain
import Foundation
import Testing

@testable import Live

@Suite("Structures under the live state")
struct StructureTests {
    @Test("The key index finds what was put in and not what was taken out", arguments: 1...4)
    func keyIndex(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var index = KeyIndex()
        var records: [Key128] = []
        var expected: [Key128: UInt32] = [:]
        var wrong = 0
        for _ in 0..<20_000 {
            // Few distinct bits, so that keys collide in shard and place.
            let key = Key128(
                high: UInt64.random(in: 0..<3, using: &random) << 56 | UInt64.random(in: 0..<4, using: &random),
                low: UInt64.random(in: 1..<900, using: &random) &* (seed % 2 == 0 ? 1 : 64))
            if let number = expected[key] {
                if index.find(key, { records[Int($0)] == key }) != number { wrong += 1 }
                if Bool.random(using: &random) {
                    index.remove(key, number)
                    expected[key] = nil
                }
            } else {
                if index.find(key, { records[Int($0)] == key }) != nil { wrong += 1 }
                expected[key] = UInt32(records.count)
                index.insert(key, UInt32(records.count))
                records.append(key)
            }
            if index.count != expected.count { wrong += 1 }
        }
        #expect(wrong == 0)
        for (key, number) in expected { #expect(index.find(key) { records[Int($0)] == key } == number) }
    }

    @Test("The table of a board's members says what a dictionary says")
    func members() {
        var random = SeededGenerator(seed: 11)
        var table = MemberTable()
        var expected: [UInt32: Double] = [:]
        var wrong = 0
        for step in 0..<40_000 {
            let entity = UInt32.random(in: 0..<(step < 20_000 ? 3000 : 60), using: &random)
            if table[entity] != expected[entity] { wrong += 1 }
            let value: Double? = Int.random(in: 0..<3, using: &random) == 0 ? nil : Double(step)
            table[entity] = value
            expected[entity] = value
            if table.count != expected.count { wrong += 1 }
        }
        #expect(wrong == 0)
        for (entity, value) in expected { #expect(table[entity] == value) }
    }

    @Test("Runs keep what is put in while others come, grow and go, and pages are given back", arguments: 1...4)
    func runs(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var pool = RunPool<UInt64>(filler: 0, maximum: 100)
        var wrong = 0
        var runs: [(run: Run, values: [UInt64])] = []
        var frozen: (pages: FrozenPages<UInt64>, runs: [(run: Run, values: [UInt64])])?
        for step in 0..<30_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<2: runs.append((Run(), []))
            case 2 where !runs.isEmpty && runs.count > 400 - step / 100:
                let index = Int.random(in: 0..<runs.count, using: &random)
                pool.release(&runs[index].run)
                runs.swapAt(index, runs.count - 1)
                runs.removeLast()
            case 3 where step % 500 == 3: frozen = (pool.freeze(), runs)
            case 4 where !runs.isEmpty:
                pool.compact(&runs[Int.random(in: 0..<runs.count, using: &random)].run)
            default:
                guard !runs.isEmpty else { continue }
                let index = Int.random(in: 0..<runs.count, using: &random)
                if runs[index].values.count == pool.capacity(runs[index].run.size) {
                    let grew = pool.grow(&runs[index].run)
                    if grew != (runs[index].values.count < 100) { wrong += 1 }
                    guard grew else { continue }
                }
                let value = random.next()
                pool[runs[index].run.base + UInt32(runs[index].run.count)] = value
                runs[index].run.count += 1
                runs[index].values.append(value)
            }
            if step % 1000 == 0 {
                #expect(runs.allSatisfy { pool.elements($0.run).elementsEqual($0.values) })
                if let frozen {
                    #expect(frozen.runs.allSatisfy { frozen.pages.elements($0.run).elementsEqual($0.values) })
                }
            }
        }
        for entry in runs where !pool.elements(entry.run).elementsEqual(entry.values) { wrong += 1 }
        #expect(wrong == 0)
        frozen = nil
        let full = pool.bytes
        for index in runs.indices { pool.release(&runs[index].run) }
        #expect(pool.bytes < full || full < 2_000_000)
    }

    @Test("Powers of two are right to the last places")
    func powers() {
        for x in stride(from: -60.0, through: 60, by: 0.37) {
            let expected = exp2(x)
            #expect(abs(powerOfTwo(x) - expected) <= expected * 5e-16, "\(x)")
        }
        #expect(powerOfTwo(-5000) == 0)
        #expect(powerOfTwo(5000) == .infinity)
        #expect(powerOfTwo(10) == 1024)
        #expect(powerOfTwo(-1) == 0.5)
    }

    @Test("The unit of decayed scores does not change a single bit of them")
    func units() {
        let moment: Int64 = 1_750_000_123_456
        let hour = Slots.hour(moment)
        for halfLife in [0.1, 1, 7.3, 72, 1000] {
            let shift = Factors.halfLives(moment, halfLife)
            let scores = [-200, 0, 3, 250].map { offset in
                let factors = Factors(
                    halfLife: halfLife, shift: shift + offset, hour: hour, minute: Slots.minute(moment))
                let sum = 1.3 * factors.hour(hour) + 7.7 * factors.hour(hour - 3) + factors.hour(hour - 20)
                return factors.score(sum, at: moment)
            }
            #expect(Set(scores).count == 1, "half-life \(halfLife)")
        }
    }

    @Test("Ids sort byte by byte")
    func ids() {
        var random = SeededGenerator(seed: 3)
        let letters = ["a", "b", "é", "z", "1", "\u{0}", "𝄞"]
        var wrong = 0
        for _ in 0..<5000 {
            func text() -> String {
                (0..<Int.random(in: 0..<20, using: &random)).map { _ in
                    Bool.random(using: &random) ? "a" : letters.randomElement(using: &random) ?? ""
                }.joined()
            }
            let (left, right) = (text(), text())
            let expected = Array(left.utf8).lexicographicallyPrecedes(Array(right.utf8))
            if bytesPrecede(left, right) != expected { wrong += 1 }
            let prefixes = [left, right].map { Array($0.utf8).withUnsafeBytes { IDPrefix($0) } }
            if prefixes[0] < prefixes[1], !expected { wrong += 1 }
            if prefixes[1] < prefixes[0], expected { wrong += 1 }
        }
        #expect(wrong == 0)
    }
}
