import CKernels
import Foundation
import Storage
import Testing

@testable import Live

@Suite("Memory and short weights")
struct MemoryTests {
    @Test("Pages from an arena never overlap, keep what is written, and go back when they are empty", arguments: 1...4)
    func arena(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let arena = PageArena()
        var held: [(address: UInt, size: Int, mark: UInt8)] = []
        for step in 0..<4000 {
            let isGrowing = step < 2000
            if held.isEmpty || Int.random(in: 0..<10, using: &random) < (isGrowing ? 7 : 2) {
                let size = [1, 64, 100, 20_480, 32_768, 2 << 20].randomElement(using: &random) ?? 64
                if size == 2 << 20, held.count(where: { $0.size == size }) >= 4 { continue }
                let page = arena.allocate(size)
                #expect(UInt(bitPattern: page) % 64 == 0)
                let mark = UInt8.random(in: 0...255, using: &random)
                page.initializeMemory(as: UInt8.self, repeating: mark, count: size)
                held.append((UInt(bitPattern: page), size, mark))
            } else {
                let entry = held.remove(at: Int.random(in: 0..<held.count, using: &random))
                let page = UnsafeMutableRawPointer(bitPattern: entry.address)
                let bytes = UnsafeRawBufferPointer(start: page, count: entry.size)
                #expect(bytes.first == entry.mark && bytes.last == entry.mark)
                if let page { arena.free(page) }
            }
            if step % 500 == 0 {
                let places = held.sorted { $0.address < $1.address }
                for (one, next) in zip(places, places.dropFirst()) {
                    #expect(one.address + UInt(one.size) <= next.address)
                }
            }
        }
        for entry in held { if let page = UnsafeMutableRawPointer(bitPattern: entry.address) { arena.free(page) } }
        // One of each size stays for the next page.
        #expect(arena.chunkCount <= 5)
        // And a few chunks, whatever was needed before.
        #expect(arena.spareCount <= 8)
        arena.stock(BackgroundPace())
        arena.trim()
        #expect(arena.spareCount <= 8)
    }

    @Test("Memory may be asked for that lies behind the last page")
    func behindTheEnd() {
        var pool = RunPool<Recent>(filler: Recent(), maximum: 100)
        for _ in 0..<1200 {
            var run = Run()
            #expect(pool.reserve(&run, 1))
            for offset in [0, 1, 4, 100, 100_000] { pool.prefetch(run, offset) }
        }
        var array = PagedArray<Meetings>()
        array.append(Meetings())
        for index in [-1, 0, 1, 1 << 40] { array.prefetch(index) }
    }

    @Test("The first equal and the least of eight are those that a search finds")
    func kernels() {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<20_000 {
            let range: ClosedRange<UInt32> = Bool.random(using: &random) ? 0...9 : 0 ... .max
            let numbers = (0..<8).map { _ in UInt32.random(in: range, using: &random) }
            let wanted = Bool.random(using: &random) ? numbers[3] : UInt32.random(in: range, using: &random)
            var eight = SIMD8<UInt32>(numbers)
            withUnsafeBytes(of: &eight) { bytes in
                guard let start = bytes.assumingMemoryBound(to: UInt32.self).baseAddress else { return }
                #expect(Int(ff_find8(start, wanted)) == numbers.firstIndex(of: wanted) ?? 8)
                let plain = numbers.map { $0 & 0x7fff_ffff }
                #expect(Int(ff_least8(start)) == plain.firstIndex(of: plain.min() ?? 0))
            }
        }
    }

    @Test("A short weight is next to the sum, and a million small additions to a large one come out right")
    func shortWeights() {
        var random = SeededGenerator(seed: 77)
        for _ in 0..<20_000 {
            let sum = Double.random(in: -1...1, using: &random) * pow(2, Double.random(in: -900...1000, using: &random))
            let kept = ShortWeight.value(ShortWeight.bits(sum, adding: sum))
            #expect(abs(kept - sum) <= abs(sum) * pow(2, -20))
        }
        let greatest = ShortWeight.value(ShortWeight.bits(.greatestFiniteMagnitude, adding: 1.1))
        #expect(greatest.isFinite)
        // Each is a tenth of what the last bit stands for, and grows as weights do with time.
        var bits = ShortWeight.bits(4_194_304, adding: 1)
        var exact = 4_194_304.0
        for step in 0..<1_000_000 {
            let amount = 0.4 * (1 + Double(step) * 1e-7)
            exact += amount
            bits = ShortWeight.bits(ShortWeight.value(bits) + amount, adding: amount)
        }
        #expect(abs(ShortWeight.value(bits) - exact) < 0.02 * (exact - 4_194_304))
    }
}
