import Domain
import Storage
import Testing

@testable import Live

@Suite("Who had to do with an entity last, and who ordered it")
struct CircleTests {
    /// Members by key, the slow way: taken out and put at the end, the first going when there are too many.
    private struct Slow {
        var people: [Oracle.Name: [String]] = [:]
        var buyers: [Oracle.Name: [String]] = [:]

        mutating func add(_ row: PlainRow, _ weight: Double) {
            guard row.verdict == .accepted, weight > 0,
                let person = row.user.map({ "u" + $0 }) ?? row.visitor.map({ "v" + $0 })
            else { return }
            let name = Oracle.Name(type: row.entityType, id: row.entityID)
            Slow.put(person, &people[name, default: []])
            if row.type == "order" { Slow.put(person, &buyers[name, default: []]) }
        }

        private static func put(_ person: String, _ list: inout [String]) {
            list.removeAll { $0 == person }
            list.append(person)
            if list.count > LiveState.companions { list.removeFirst() }
        }
    }

    private func members(_ state: LiveState, _ name: Oracle.Name, whoOrdered: Bool, _ hasher: KeyHasher) -> [Key128] {
        var found: [Key128] = []
        guard let number = state.entityNumber(type: name.type, id: name.id) else { return [] }
        state.forEachCompanion(of: [number], whoOrdered: whoOrdered) { _, person in
            found.append(state.state.withLock { $0.core.persons[Int(person)].key })
        }
        return found
    }

    @Test("As the slow way says, with more persons than are kept, and after a stop", arguments: 1...4)
    func circles(seed: Int) throws {
        let folder = try ScratchFolder()
        var harness = Harness(seed: UInt64(seed))
        var slow = Slow()
        func check(_ state: LiveState, _ comment: Comment) {
            var longest = 0
            for name in harness.oracle.entities.keys {
                for (whoOrdered, lists) in [(false, slow.people), (true, slow.buyers)] {
                    let expected = (lists[name] ?? []).map { person in
                        harness.hasher.key(String(person.dropFirst()), person.hasPrefix("u") ? .user : .visitor)
                    }
                    longest = max(longest, expected.count)
                    #expect(members(state, name, whoOrdered: whoOrdered, harness.hasher) == expected, comment)
                    if whoOrdered, let number = state.entityNumber(type: name.type, id: name.id) {
                        #expect(state.buyerCounts(of: [number, .max]) == [expected.count, 0])
                    }
                }
            }
            #expect(longest == LiveState.companions)
        }
        for _ in 0..<40 {
            var rows: [PlainRow] = []
            for _ in 0..<60 {
                var row = harness.randomRow(entities: 12)
                if Int.random(in: 0..<3, using: &harness.random) > 0 {
                    row.user = "w\(Int.random(in: 0..<60, using: &harness.random))"
                }
                rows.append(row)
                slow.add(row, Harness.plan(negative: false).first { $0.name == row.type }?.weight ?? 0)
            }
            harness.apply(rows)
        }
        check(harness.state, "live")
        try harness.state.freeze().write(to: folder.file("live"))
        let loading = LiveState.load(
            from: folder.file("live"), names: harness.names, hasher: harness.hasher,
            plan: Harness.livePlan(harness.oracle, harness.names))
        guard case .loaded(let loaded) = loading else {
            Issue.record("not loaded")
            return
        }
        check(loaded, "loaded")
    }
}
