public import Domain
internal import Storage

/// What became of loading a snapshot.
public enum LiveLoading: Sendable {
    /// The state as it was; the log is to be applied from ``LiveState/position`` on.
    case loaded(LiveState)
    /// There is no snapshot: the state is to be derived from the whole log.
    case missing
    /// The snapshot cannot be used, and why: the state is to be derived from the whole log.
    case unusable(String)
}

extension LiveState {
    /// Loads a snapshot under a plan. A half-life that differs from the snapshot's makes ``needsDecayRebuild`` true.
    /// Names that the snapshot uses are given numbers in `names`. About 10 million interactions a second.
    public static func load(
        from path: String, names: NameTable, hasher: KeyHasher, plan: LivePlan
    ) -> LiveLoading {
        load(
            SnapshotFile.open(path, kind: LiveSnapshot.kind, versions: LiveSnapshot.version...LiveSnapshot.version),
            names, hasher, plan)
    }

    static func load(
        _ opening: SnapshotOpening, _ names: NameTable, _ hasher: KeyHasher, _ plan: LivePlan,
        limits: Limits = Limits()
    ) -> LiveLoading {
        switch opening {
        case .missing: return .missing
        case .unusable(let reason): return .unusable(reason)
        case .opened(var reader):
            do {
                var core = LiveCore(names: names, hasher: hasher, plan: plan, limits: limits)
                var loader = SnapshotLoader()
                try loader.load(&reader, into: &core)
                return .loaded(LiveState(core, limits: limits))
            } catch {
                return .unusable(error.message)
            }
        }
    }
}

/// Reads the sections of a snapshot into an empty core.
struct SnapshotLoader {
    /// What the numbers of names in the snapshot are now.
    private(set) var numbers: [UInt16] = []
    private(set) var usesSameNumbers = true

    init() {}

    mutating func load(_ reader: inout SnapshotReader, into core: inout LiveCore) throws(StorageError) {
        core.move(to: reader.position)
        let steps = ["state", "persons", "sessions", "categories", "entities", "totals"]
        for step in steps {
            guard try reader.section() == step else { throw SnapshotReader.corrupt("a section is missing") }
            switch step {
            case "state": try state(&reader, &core)
            case "persons": try persons(&reader, &core)
            case "sessions": try sessions(&reader, &core)
            case "categories": try categories(&reader, &core)
            case "entities": try entities(&reader, &core)
            default: try core.totals.read(&reader, numbers)
            }
            try reader.endSection()
        }
        guard try reader.section() == nil else { throw SnapshotReader.corrupt("it has an unknown section") }
        for index in 0..<core.persons.count {
            for recent in core.recents.elements(core.persons.address(index).pointee.recents)
            where Int(recent.entity) >= core.entities.count {
                throw SnapshotReader.corrupt("an interaction has no entity")
            }
        }
        try checkNumbers(core)
    }

    private mutating func state(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) {
        guard try reader.u64() == LiveSnapshot.mark(core.hasher) else {
            throw SnapshotReader.corrupt("it belongs to another tenant")
        }
        core.watermark = try reader.i64()
        core.retainedFrom = try reader.i64()
        core.setFloors()
        let halfLife = try reader.double()
        guard halfLife >= 0.1, halfLife <= 1_000_000 else { throw SnapshotReader.corrupt("its half-life is unlikely") }
        core.decay = Decay(halfLife: halfLife)
        for index in 0..<Int(try reader.u32()) {
            guard let number = core.names.intern(try reader.string()) else {
                throw SnapshotReader.corrupt("it has too many names")
            }
            if Int(number) != index { usesSameNumbers = false }
            numbers.append(number)
        }
    }

    private func number(_ old: UInt16) throws(StorageError) -> UInt16 {
        guard Int(old) < numbers.count else { throw SnapshotReader.corrupt("a name is missing") }
        return numbers[Int(old)]
    }

    private static func key(_ reader: inout SnapshotReader) throws(StorageError) -> Key128 {
        let high = try reader.u64()
        let key = Key128(high: high, low: try reader.u64())
        guard !key.isNone else { throw SnapshotReader.corrupt("a key is missing") }
        return key
    }

    private func persons(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) {
        let count = Int(try reader.u32())
        core.personIndex = KeyIndex(capacity: min(count, 1 << 24))
        for index in 0..<count {
            var record = PersonRecord()
            record.key = try Self.key(&reader)
            guard core.person(record.key) == nil else { throw SnapshotReader.corrupt("a person is there twice") }
            let kept = Int(try reader.u16())
            guard kept <= LiveCore.recentsKept, kept == 0 || core.recents.reserve(&record.recents, kept) else {
                throw SnapshotReader.corrupt("a person has too many interactions")
            }
            record.recents.count = UInt16(kept)
            let ring = UnsafeMutableBufferPointer(rebasing: core.recents.room(record.recents)[..<kept])
            try reader.raw(into: UnsafeMutableRawBufferPointer(ring))
            for place in ring.indices {
                let type = ring[place].type
                guard Int(type) < numbers.count else { throw SnapshotReader.corrupt("a name is missing") }
                if !usesSameNumbers { ring[place].type = numbers[Int(type)] }
                guard place == 0 || ring[place - 1] < ring[place] else {
                    throw SnapshotReader.corrupt("interactions are out of order")
                }
            }
            if let last = ring.last { record.newest = last.occurredAt }
            try preferences(&reader, &core, &record)
            core.persons.append(record)
            core.personIndex.insert(record.key, UInt32(index))
        }
    }

    private func sessions(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) {
        let count = Int(try reader.u32())
        core.sessionIndex = KeyIndex(capacity: min(count, 1 << 24))
        for index in 0..<count {
            var record = SessionRecord()
            record.key = try Self.key(&reader)
            record.start = try reader.i64()
            record.last = try reader.i64()
            record.count = try reader.u32()
            record.pageViews = try reader.u32()
            try window(&reader, &core, &record)
            guard record.count > 0, record.start <= record.last, core.session(record.key) == nil else {
                throw SnapshotReader.corrupt("a session makes no sense")
            }
            core.sessions.append(record)
            core.sessionIndex.insert(record.key, UInt32(index))
        }
    }

    private func categories(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) {
        for index in 0..<(try reader.u32()) {
            guard core.categories.number(of: try reader.string()) == index else {
                throw SnapshotReader.corrupt("a category is there twice")
            }
            core.categoryPrices.append(try Self.price(&reader))
        }
        for index in 0..<(try reader.u32()) {
            guard core.brands.number(of: try reader.string()) == index else {
                throw SnapshotReader.corrupt("a brand is there twice")
            }
        }
    }

    private func entities(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) {
        let count = Int(try reader.u32())
        core.entityIndex = KeyIndex(capacity: min(count, 1 << 24))
        for _ in 0..<count {
            let key = try Self.key(&reader)
            let lastAt = try reader.i64()
            let type = try number(try reader.u16())
            let flags = EntityRecord.Flags(rawValue: try reader.u8())
            let id = try reader.bytes()
            guard core.entity(key) == nil,
                let number = id.withUnsafeBytes({ core.addEntity(key, type: type, id: $0) })
            else { throw SnapshotReader.corrupt("an entity is there twice") }
            let index = Int(number)
            core.entities[index].lastAt = lastAt
            core.entities[index].flags = flags
            let title = try reader.u8() == 0 ? nil : try reader.string()
            var places: ContiguousArray<UInt32> = []
            for _ in 0..<(try reader.u32()) { places.append(try reader.u32()) }
            guard core.describe(number, title: title, categories: places) else {
                throw SnapshotReader.corrupt("a category is missing")
            }
            try Self.traits(&reader, &core, index)
            try Self.circle(&reader, &core, index)
            try cells(&reader, &core, index)
        }
    }

    private func cells(
        _ reader: inout SnapshotReader, _ core: inout LiveCore, _ entity: Int
    ) throws(StorageError) {
        let count = Int(try reader.u16())
        var run = Run()
        guard count == 0 || core.cells.reserve(&run, count) else {
            throw SnapshotReader.corrupt("an entity has too many types")
        }
        for offset in 0..<count {
            var cell = Cell()
            cell.type = try number(try reader.u16())
            cell.count = try reader.i64()
            cell.hours = try Self.buckets(&reader, &core)
            cell.minutes = try Self.buckets(&reader, &core)
            // Whatever can be thrown out goes in the first sweep.
            cell.due = .min
            core.cells[run.base + UInt32(offset)] = cell
        }
        run.count = UInt16(count)
        core.entities[entity].cells = run
    }

    private static func buckets(_ reader: inout SnapshotReader, _ core: inout LiveCore) throws(StorageError) -> Run {
        let count = Int(try reader.u16())
        var run = Run()
        guard count > 0 else { return run }
        guard core.buckets.reserve(&run, count) else { throw SnapshotReader.corrupt("there are too many buckets") }
        let buckets = UnsafeMutableBufferPointer(rebasing: core.buckets.room(run)[..<count])
        try reader.raw(into: UnsafeMutableRawBufferPointer(buckets))
        guard buckets.allSatisfy({ Slots.isPlausible($0.slot) && $0.decayed.isFinite }) else {
            throw SnapshotReader.corrupt("a bucket makes no sense")
        }
        for place in 1..<max(1, count) where buckets[place - 1].slot >= buckets[place].slot {
            throw SnapshotReader.corrupt("buckets are out of order")
        }
        run.count = UInt16(count)
        return run
    }
}

extension Totals {
    /// Reads what a snapshot's last section has.
    fileprivate mutating func read(_ reader: inout SnapshotReader, _ numbers: [UInt16]) throws(StorageError) {
        sessions = try reader.i64()
        bounces = try reader.i64()
        try sessionHours.read(&reader)
        try sessionMinutes.read(&reader)
        try bounceHours.read(&reader)
        try bounceMinutes.read(&reader)
        try firstPositions.read(&reader)
        for index in 0..<Int(try reader.u32()) {
            let old = Int(try reader.u16())
            guard old < numbers.count else { throw SnapshotReader.corrupt("a name is missing") }
            guard place(numbers[old]) == index else { throw SnapshotReader.corrupt("a type is there twice") }
            byType[index].all = try reader.i64()
            try byType[index].hours.read(&reader)
            try byType[index].minutes.read(&reader)
        }
    }
}

extension SlotRing {
    func write(_ writer: inout SnapshotWriter) {
        for index in slots.indices {
            writer.i32(slots[index])
            writer.i64(values[index])
        }
    }

    mutating func read(_ reader: inout SnapshotReader) throws(StorageError) {
        for index in slots.indices {
            slots[index] = try reader.i32()
            values[index] = try reader.i64()
            guard slots[index] == .min || Slots.isPlausible(slots[index]),
                slots[index] == .min || Int(slots[index]) & (slots.count - 1) == index
            else {
                throw SnapshotReader.corrupt("a slot is out of place")
            }
        }
    }
}
