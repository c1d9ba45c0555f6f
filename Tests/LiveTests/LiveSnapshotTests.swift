import Domain
import Foundation
import Storage
import Testing

@testable import Live

/// A folder of its own, removed with its last user.
final class ScratchFolder {
    let path: String
    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("footfall-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

func fileBytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

@Suite("Snapshots of the live state")
struct LiveSnapshotTests {
    static let limits = LivePropertyTests.small

    /// What both states say about everything must be equal to the bit.
    static func expectSame(_ left: LiveState, _ right: LiveState, _ harness: inout Harness, _ comment: Comment) {
        let now = harness.now
        #expect(left.position == right.position, comment)
        #expect(left.needsDecayRebuild == right.needsDecayRebuild, comment)
        #expect(left.decayRebuildPosition == right.decayRebuildPosition, comment)
        for window in TimeWindow.allCases {
            #expect(left.totals(window: window, now: now) == right.totals(window: window, now: now), comment)
            for mode in PopularMode.allCases {
                for category in [nil, "shoes"] {
                    let query = PopularQuery(mode: mode, window: window, category: category, limit: 8)
                    #expect(left.popular(query, now: now) == right.popular(query, now: now), comment)
                }
            }
        }
        for name in harness.oracle.entities.keys {
            #expect(
                left.stats(entityType: name.type, id: name.id, now: now)
                    == right.stats(entityType: name.type, id: name.id, now: now), comment)
        }
        for number in 0..<10 {
            #expect(left.recent(user: "u\(number)") == right.recent(user: "u\(number)"), comment)
            #expect(left.recent(visitor: "v\(number)") == right.recent(visitor: "v\(number)"), comment)
        }
        for id in Set(harness.oracle.rows.compactMap(\.session)) {
            #expect(left.session(id: id) == right.session(id: id), comment)
        }
    }

    @Test("A state that was stopped and loaded goes on to the bit like one that never was", arguments: 1...4)
    func roundTrip(seed: Int) throws {
        let folder = try ScratchFolder()
        let path = folder.file("live")
        var harness = Harness(seed: UInt64(seed) &+ 100, limits: Self.limits, negative: seed == 2)
        var stopped = harness.state
        var names = harness.names
        for round in 0..<25 {
            let rows = (0..<Int.random(in: 1..<60, using: &harness.random)).map { _ in
                harness.randomRow(entities: 80)
            }
            harness.apply(rows)
            stopped.apply(Harness.batch(rows, names, harness.hasher))
            if round % 5 == 2 {
                harness.position += 1
                var entity = Entity(type: "product", id: "e-\(round)")
                entity.title = "A title that is longer than fifteen bytes, é"
                entity.categories = ["shoes", "hats \(round)"]
                harness.state.apply(entity: entity, position: harness.position)
                stopped.apply(entity: entity, position: harness.position)
                harness.oracle.put(entity)
            }
            if round == 12 {
                harness.position += 1
                let before = harness.now - 20 * 86_400_000
                let left = harness.state.applyRetention(before: before, position: harness.position)
                let right = stopped.applyRetention(before: before, position: harness.position)
                #expect(left == right)
            }
            harness.now += Int64.random(in: 0..<20_000_000, using: &harness.random)
            if round % 4 == 3 {
                try stopped.freeze().write(to: path)
                // Another process gives the names other numbers.
                names = NameTable()
                if round % 8 == 3 { for name in ["order", "post", "something else"] { _ = names.intern(name) } }
                let opening = SnapshotFile.open(
                    path, kind: LiveSnapshot.kind, versions: LiveSnapshot.version...LiveSnapshot.version)
                let plan = Harness.livePlan(harness.oracle, names)
                guard
                    case .loaded(let loaded) = LiveState.load(opening, names, harness.hasher, plan, limits: Self.limits)
                else {
                    Issue.record("The snapshot could not be loaded, seed \(seed), round \(round)")
                    return
                }
                stopped = loaded
                Self.expectSame(harness.state, stopped, &harness, "seed \(seed), round \(round)")
            }
        }
        Self.expectSame(harness.state, stopped, &harness, "seed \(seed), at the end")
    }

    @Test("A snapshot shows the state at its own moment, whatever is applied while it is written")
    func frozen() throws {
        let folder = try ScratchFolder()
        var harness = Harness(seed: 9, limits: Self.limits)
        harness.applyRandom(3000, entities: 200)
        let early = harness.state.freeze()
        try early.write(to: folder.file("one"))
        let frozen = harness.state.freeze()
        harness.applyRandom(3000, entities: 400)
        harness.putRandomEntity(entities: 60)
        _ = harness.state.applyRetention(before: harness.now - 86_400_000)
        try frozen.write(to: folder.file("two"))
        #expect(try fileBytes(folder.file("one")) == fileBytes(folder.file("two")))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["one", "two"])
    }

    @Test("A damaged, cut, foreign or too new snapshot is told from a good one and never stops the program")
    func damage() throws {
        let folder = try ScratchFolder()
        let path = folder.file("live")
        var harness = Harness(seed: 77, limits: Self.limits)
        harness.applyRandom(120, entities: 30)
        harness.putRandomEntity(entities: 30)
        try harness.state.freeze().write(to: path)
        let good = try fileBytes(path)

        func isUsable(_ bytes: [UInt8], _ hasher: KeyHasher? = nil) -> Bool {
            let names = NameTable()
            let opening = SnapshotFile.open(
                bytes, kind: LiveSnapshot.kind, versions: LiveSnapshot.version...LiveSnapshot.version)
            let plan = Harness.livePlan(harness.oracle, names)
            switch LiveState.load(opening, names, hasher ?? harness.hasher, plan) {
            case .loaded: return true
            case .missing: return true
            case .unusable(let reason):
                #expect(!reason.isEmpty)
                return false
            }
        }
        #expect(isUsable(good))
        #expect(!isUsable(good, KeyHasher(seed: 1)))
        #expect(!isUsable(good + [0]))
        #expect(!isUsable([]))
        var random = SeededGenerator(seed: 5)
        let step = max(1, good.count / 400)
        for length in stride(from: 0, to: good.count, by: step) { #expect(!isUsable(Array(good[..<length]))) }
        for index in stride(from: 0, to: good.count, by: step) {
            var bytes = good
            bytes[index] ^= UInt8.random(in: 1...255, using: &random)
            #expect(!isUsable(bytes), "byte \(index)")
        }
        for index in 0..<48 {
            var bytes = good
            bytes[index] ^= 1
            #expect(!isUsable(bytes), "header byte \(index)")
        }
        #expect(
            {
                if case .unusable(let reason) = SnapshotFile.open(
                    good, kind: "live", versions: LiveSnapshot.version + 1...LiveSnapshot.version + 2)
                {
                    return reason.contains("version \(LiveSnapshot.version)")
                }
                return false
            }())
        #expect(
            {
                if case .unusable = SnapshotFile.open(
                    good, kind: "sessions", versions: LiveSnapshot.version...LiveSnapshot.version)
                {
                    return true
                }
                return false
            }())
        let nowhere = LiveState.load(
            from: folder.file("nothing"), names: NameTable(), hasher: harness.hasher,
            plan: Harness.livePlan(harness.oracle, NameTable()))
        #expect({ if case .missing = nowhere { true } else { false } }())
    }

    @Test("Changed contents under right checksums are refused or loaded, but never stop the program")
    func forged() throws {
        let folder = try ScratchFolder()
        let path = folder.file("live")
        var harness = Harness(seed: 78, limits: Self.limits)
        harness.applyRandom(60, entities: 12)
        harness.putRandomEntity(entities: 12)
        try harness.state.freeze().write(to: path)
        let good = try fileBytes(path)
        var random = SeededGenerator(seed: 6)
        var refused = 0
        // The totals' rings are most of the file: the parts before them are changed more often.
        let tail = good.count - 150_000
        for attempt in 0..<800 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let end = attempt % 8 == 0 ? good.count : max(100, tail)
                let index = Int.random(in: 56..<end, using: &random)
                bytes[index] =
                    [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)][
                        Int.random(in: 0..<6, using: &random)]
            }
            Self.seal(&bytes)
            let names = NameTable()
            let plan = Harness.livePlan(harness.oracle, names)
            let opening = SnapshotFile.open(
                bytes, kind: LiveSnapshot.kind, versions: LiveSnapshot.version...LiveSnapshot.version)
            switch LiveState.load(opening, names, harness.hasher, plan) {
            case .loaded(let state):
                // It must bear being used.
                for mode in PopularMode.allCases {
                    for window in TimeWindow.allCases {
                        _ = state.popular(PopularQuery(mode: mode, window: window), now: harness.now)
                    }
                }
                for window in TimeWindow.allCases { _ = state.totals(window: window, now: harness.now) }
                for number in 0..<10 { _ = state.recent(user: "u\(number)") }
                for number in 0..<60 { _ = state.session(id: "s\(number)").map { ($0.duration, $0.engagementScore) } }
                state.apply(Harness.batch((0..<30).map { _ in harness.randomRow(entities: 12) }, names, harness.hasher))
                _ = state.applyRetention(before: harness.now)
            case .unusable: refused += 1
            case .missing: Issue.record("A snapshot in memory cannot be missing.")
            }
        }
        #expect(refused > 50)
    }

    /// Computes every block's checksum anew, as far as the blocks' heads make sense.
    static func seal(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { file in
            var before = checksum64(UnsafeRawBufferPointer(rebasing: file[..<40]))
            file.storeBytes(of: before, toByteOffset: 40, as: UInt64.self)
            var start = 48
            while start + 16 <= file.count {
                let length = Int(file.loadUnaligned(fromByteOffset: start, as: UInt32.self))
                let end = start + 8 + length
                guard length <= 1 << 20, end + 8 <= file.count else { return }
                before = checksum64(UnsafeRawBufferPointer(rebasing: file[start..<end]), seed: before)
                file.storeBytes(of: before, toByteOffset: end, as: UInt64.self)
                start = end + 8
            }
        }
    }
}
