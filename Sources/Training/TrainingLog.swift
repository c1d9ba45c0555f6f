public import Domain
internal import Glibc
public import Storage

/// Reads what is learned from out of a tenant's log.
///
/// For each person (the user, else the visitor, else the session) and entity one entry: Σ plan weight · 0.5^(age ÷
/// half-life), age counted from the newest interaction. Types that weigh nothing are passed over; what speaks against an
/// entity (unfollowed, refunded, taken out of the cart, …) has a weight below 0.
///
/// Beside that the clicks of sessions, in their order and with repeats, for models of what comes next.
///
/// One pass over the log. Memory: 80 bytes a pair of person and entity while reading, held below a quarter of
/// ``TrainingOptions/memoryBytes``: past that, first the histories are cut to their latest entries, then the oldest pairs
/// go. Besides, some 100 bytes for each entity and each person.
public struct TrainingLog {
    private let store: any TenantStore
    private let resolver: RowResolver
    private let weights: [Float]
    private let options: TrainingOptions

    /// A reader of a tenant's log with the weights of its plan in preferences.
    public init(store: any TenantStore, resolver: RowResolver, plan: CompiledPlan, options: TrainingOptions) {
        self.store = store
        self.resolver = resolver
        self.options = options
        var weights: [Float] = []
        for type in plan.types {
            let weight = type.declaration.preferenceWeight
            while weights.count <= Int(type.index) { weights.append(0) }
            weights[Int(type.index)] = weight.isFinite ? Float(min(max(weight, -1e6), 1e6)) : 0
        }
        self.weights = weights
    }

    /// Reads the log as it stands. `isListed` says of a few hundred entities at a time which may be shown; the others are
    /// left out. `progress` is told the share of the log that is read; `isCancelled` is asked every few thousand rows.
    public func read(
        isListed: ([(type: String, id: String)]) -> [Bool], progress: (Double) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws(TrainingError) -> TrainingData {
        var reading = Reading(options)
        let end = store.lastPosition
        let isKnown = KnownTypes(resolver.names)
        var wasCancelled = false
        do throws(StorageError) {
            try store.scan(after: 0, resolver: resolver) { (chunk) throws(StorageError) in
                switch chunk {
                case .interactions(let batch):
                    batch.bytes.withUnsafeBytes { bytes in
                        for row in batch.rows where row.position <= end {
                            reading.position = row.position
                            reading.rows += 1
                            let weight = Int(row.type) < weights.count ? weights[Int(row.type)] : 0
                            if weight != 0 { reading.add(row, weight, batch, bytes, isKnown) }
                        }
                    }
                case .record(let record): reading.position = max(reading.position, min(record.position, end))
                }
                progress(end > 0 ? Double(reading.position) / Double(end) : 1)
                if reading.table.count >= options.maximumPairs { reading.compact() }
                wasCancelled = isCancelled()
                return !wasCancelled && reading.position < end
            }
        } catch {
            throw TrainingError(error)
        }
        if wasCancelled { throw .cancelled }
        return reading.finish(isListed)
    }
}

/// Type names by number, asked of the table once each.
private final class KnownTypes {
    private let table: NameTable
    private var names: [UInt16: String] = [:]

    init(_ table: NameTable) { self.table = table }

    func name(_ number: UInt16) -> String? {
        if let name = names[number] { return name }
        let name = table.name(number)
        names[number] = name
        return name
    }
}

/// A reading under way.
private struct Reading {
    let options: TrainingOptions
    var table = PairTable()
    private var clicks: ClickTable
    var position: Int64 = 0
    var rows: Int64 = 0
    private var persons: [Key128: UInt32] = [:]
    private var items: [Key128: UInt32] = [:]
    private var keys = ItemKeys()
    private var order: UInt32 = 0
    private var interactions: Int64 = 0
    private var landmark: Int64?
    private var newest = Int64.min
    private var leftOut = 0
    private let halfLife: Double

    /// Half-lives by which a weight may grow beyond the landmark before all are scaled down.
    private static let growth = 40.0

    init(_ options: TrainingOptions) {
        self.options = options
        clicks = ClickTable(maximum: options.maximumClicks)
        halfLife = min(max(options.halfLifeDays, 0.04), 1e6) * Double(Timestamp.millisecondsPerDay)
    }

    mutating func add(
        _ row: InteractionRow, _ weight: Float, _ batch: InteractionBatch, _ bytes: UnsafeRawBufferPointer,
        _ types: KnownTypes
    ) {
        let key = row.personKey.isNone ? row.sessionKey : row.personKey
        guard !key.isNone else { return }
        let item: UInt32
        if let known = items[row.entityKey] {
            item = known
        } else {
            guard let type = types.name(row.entityType),
                keys.append(type: type, id: batch.slice(bytes, row.entityID))
            else { return }
            item = UInt32(truncatingIfNeeded: keys.count - 1)
            items[row.entityKey] = item
        }
        var person = UInt32(truncatingIfNeeded: persons.count)
        if let known = persons[key] { person = known } else { persons[key] = person }
        // As in the live state: what claims to lie ahead counts as of an hour after its receipt.
        let time = min(row.occurredAt, row.receivedAt &+ Timestamp.millisecondsPerHour)
        newest = max(newest, time)
        table.add(person: person, item: item, weight: weight * factor(time), order: order, time: time)
        if weight > 0 { clicks.add(session: row.sessionKey, item: item, type: row.type, time: time) }
        order &+= 1
        interactions += 1
    }

    /// 2^((time − landmark) / half-life). The landmark moves when that grows large.
    private mutating func factor(_ time: Int64) -> Float {
        let from = landmark ?? time
        landmark = from
        let halves = Double(time - from) / halfLife
        guard halves > Self.growth else { return Float(max(exp2(halves), 1e-30)) }
        landmark = time
        table.scale(by: Float(exp2(-halves)))
        return 1
    }

    /// Makes room: each history is cut to its latest entries; when that does not leave a quarter free, the older half of
    /// all pairs goes.
    mutating func compact() {
        let before = table.count
        var kept: [PairTable.Pair] = []
        forEachHistory { kept.append(contentsOf: $0.suffix(options.longestHistory)) }
        if kept.count > options.maximumPairs / 4 * 3 {
            func precedes(_ left: PairTable.Pair, _ right: PairTable.Pair) -> Bool {
                left.last != right.last ? left.last < right.last : left.order < right.order
            }
            let median = kept.sorted(by: precedes)[kept.count / 2]
            kept.removeAll { precedes($0, median) }
        }
        leftOut += before - kept.count
        var renumbered: [UInt32: UInt32] = [:]
        for place in kept.indices {
            let next = UInt32(truncatingIfNeeded: renumbered.count)
            let number = renumbered[kept[place].person] ?? next
            if number == next { renumbered[kept[place].person] = next }
            kept[place].person = number
        }
        var left: [Key128: UInt32] = [:]
        left.reserveCapacity(renumbered.count)
        for (key, person) in persons { if let number = renumbered[person] { left[key] = number } }
        persons = left
        table.replace(with: kept)
    }

    /// Histories in the order of persons, each oldest first; what happened at the same time in the order of the log.
    private func forEachHistory(_ body: (ArraySlice<PairTable.Pair>) -> Void) {
        var offsets = [Int](repeating: 0, count: persons.count + 1)
        for pair in table.pairs { offsets[Int(pair.person) + 1] += 1 }
        for person in 0..<persons.count { offsets[person + 1] += offsets[person] }
        var next = offsets
        var places = [UInt32](repeating: 0, count: table.count)
        for (place, pair) in table.pairs.enumerated() {
            places[next[Int(pair.person)]] = UInt32(truncatingIfNeeded: place)
            next[Int(pair.person)] += 1
        }
        for person in 0..<persons.count where offsets[person] < offsets[person + 1] {
            var run = places[offsets[person]..<offsets[person + 1]].map { table.pairs[Int($0)] }
            run.sort { $0.last != $1.last ? $0.last < $1.last : $0.order < $1.order }
            body(run[...])
        }
    }

    /// What was read, without entities that lists may not show and without what weighs nothing in sum.
    mutating func finish(_ isListed: ([(type: String, id: String)]) -> [Bool]) -> TrainingData {
        let numbers = keptItems(isListed)
        var data = TrainingData(
            items: keys.selecting(numbers.kept), position: position, newest: newest == .min ? 0 : newest,
            rows: rows, interactions: interactions, halfLifeDays: halfLife / Double(Timestamp.millisecondsPerDay))
        data.isCut = leftOut > 0
        data.sessions = clicks.sessions(numbers.new, itemCount: data.items.count)
        let scale = Float(exp2(Double((landmark ?? 0) - data.newest) / halfLife))
        forEachHistory { run in
            data.append(
                run.lazy.filter { $0.weight != 0 && numbers.new[Int($0.item)] != .max }.suffix(options.longestHistory)
                    .map { pair in
                        let scaled = abs(pair.weight) * scale
                        return TrainingData.Entry(
                            item: numbers.new[Int(pair.item)],
                            weight: max(scaled, TrainingData.leastWeight) * (pair.weight < 0 ? -1 : 1),
                            first: pair.first, last: pair.last)
                    })
        }
        table = PairTable()
        return data
    }

    /// The numbers of the entities that stay, and for each entity its new number.
    private func keptItems(_ isListed: ([(type: String, id: String)]) -> [Bool]) -> (kept: [UInt32], new: [UInt32]) {
        var persons = [UInt32](repeating: 0, count: keys.count)
        for pair in table.pairs where pair.weight != 0 { persons[Int(pair.item)] += 1 }
        var kept: [UInt32] = []
        var asked: [UInt32] = []
        func ask() {
            let answers = isListed(asked.map { (keys.type(of: Int($0)), keys.id(of: Int($0))) })
            for (item, answer) in zip(asked, answers) where answer { kept.append(item) }
            asked.removeAll(keepingCapacity: true)
        }
        for item in 0..<UInt32(truncatingIfNeeded: keys.count) where persons[Int(item)] > 0 {
            asked.append(item)
            if asked.count == 512 { ask() }
        }
        ask()
        if kept.count > options.maximumItems {
            kept.sort { left, right in
                let (more, less) = (persons[Int(left)], persons[Int(right)])
                return more != less ? more > less : left < right
            }
            kept = kept.prefix(max(0, options.maximumItems)).sorted()
        }
        var new = [UInt32](repeating: .max, count: keys.count)
        for (place, item) in kept.enumerated() { new[Int(item)] = UInt32(truncatingIfNeeded: place) }
        return (kept, new)
    }
}
