internal import Domain
internal import Storage

/// Reads what a snapshot has of preferences and neighbours.
extension SnapshotLoader {
    func preferences(
        _ reader: inout SnapshotReader, _ core: inout LiveCore, _ record: inout PersonRecord
    ) throws(StorageError) {
        record.price = try Self.price(&reader)
        record.affinities = try Self.weights(&reader, &core.affinities)
        let count = Int(try reader.u16())
        guard count > 0 else { return }
        guard core.orders.reserve(&record.orders, count) else {
            throw SnapshotReader.corrupt("a person has ordered too much")
        }
        let room = UnsafeMutableBufferPointer(rebasing: core.orders.room(record.orders)[..<count])
        try reader.raw(into: UnsafeMutableRawBufferPointer(room))
        record.orders.count = UInt16(count)
    }

    func window(
        _ reader: inout SnapshotReader, _ core: inout LiveCore, _ record: inout SessionRecord
    ) throws(StorageError) {
        let count = Int(try reader.u16())
        guard count > 0 else { return }
        guard core.windows.reserve(&record.window, count) else {
            throw SnapshotReader.corrupt("a session has too many entities")
        }
        let room = UnsafeMutableBufferPointer(rebasing: core.windows.room(record.window)[..<count])
        try reader.raw(into: UnsafeMutableRawBufferPointer(room))
        record.window.count = UInt16(count)
        for place in room.indices {
            let type = Int(room[place].type)
            guard type < numbers.count else { throw SnapshotReader.corrupt("a name is missing") }
            if !usesSameNumbers { room[place].type = numbers[type] }
            guard place == 0 || room[place - 1] < room[place] else {
                throw SnapshotReader.corrupt("a session's entities are out of order")
            }
        }
    }

    static func price(_ reader: inout SnapshotReader) throws(StorageError) -> PriceSum {
        let price = PriceSum(
            weight: try reader.double(), logarithms: try reader.double(), currency: try reader.u32(),
            count: try reader.u32())
        guard price.weight.isFinite, price.weight >= 0, price.logarithms.isFinite else {
            throw SnapshotReader.corrupt("a price makes no sense")
        }
        return price
    }

    static func traits(
        _ reader: inout SnapshotReader, _ core: inout LiveCore, _ index: Int
    ) throws(StorageError) {
        let brand = try reader.u32()
        guard brand == .max || Int(brand) < core.brands.count else {
            throw SnapshotReader.corrupt("a brand is missing")
        }
        let currency = try reader.u32()
        let price = try reader.double()
        let inventory = try reader.i64()
        let pairs = try reader.double()
        guard price.isNaN || (price.isFinite && price >= 0), inventory >= -1, pairs.isFinite, pairs >= 0 else {
            throw SnapshotReader.corrupt("an entity makes no sense")
        }
        let run = try weights(&reader, &core.neighbours)
        let traits = core.traits.writable(index)
        traits.pointee.brand = brand
        traits.pointee.currency = currency
        traits.pointee.setPrice(price)
        traits.pointee.inventory = inventory
        core.meetings[index] = Meetings(neighbours: run, pairs: pairs)
    }

    /// The circles of an entity.
    static func circle(
        _ reader: inout SnapshotReader, _ core: inout LiveCore, _ index: Int
    ) throws(StorageError) {
        var circle = Circle()
        circle.people = try members(&reader, &core)
        circle.buyers = try members(&reader, &core)
        core.circles[index] = circle
    }

    private static func members(
        _ reader: inout SnapshotReader, _ core: inout LiveCore
    ) throws(StorageError) -> Run {
        let count = Int(try reader.u16())
        var run = Run()
        guard count > 0 else { return run }
        guard core.circleMembers.reserve(&run, count) else { throw SnapshotReader.corrupt("a circle is too large") }
        for place in 0..<count {
            let person = try reader.u32()
            guard Int(person) < core.persons.count else { throw SnapshotReader.corrupt("a person is missing") }
            core.circleMembers[run.base + UInt32(place)] = person
        }
        run.count = UInt16(count)
        return run
    }

    /// A table of weights: every key once, in the set that it belongs to.
    private static func weights(
        _ reader: inout SnapshotReader, _ pool: inout RunPool<WeightSet>
    ) throws(StorageError) -> Run {
        let count = Int(try reader.u16())
        var run = Run()
        guard count > 0 else { return run }
        guard count & (count - 1) == 0, pool.reserve(&run, count) else {
            throw SnapshotReader.corrupt("a table of weights makes no sense")
        }
        let sets = UnsafeMutableBufferPointer(rebasing: pool.room(run)[..<count])
        try reader.raw(into: UnsafeMutableRawBufferPointer(sets))
        run.count = UInt16(count)
        for (place, set) in sets.enumerated() where !set.isSound(at: place, among: count) {
            throw SnapshotReader.corrupt("a table of weights makes no sense")
        }
        return run
    }

    /// Whether every number in tables, windows and orders is one of something.
    func checkNumbers(_ core: borrowing LiveCore) throws(StorageError) {
        let entities = UInt32(truncatingIfNeeded: core.entities.count)
        let (categories, brands) = (UInt32(core.categories.count), UInt32(core.brands.count))
        var isSound = true
        for index in 0..<core.persons.count {
            let person = core.persons.address(index)
            for set in core.affinities.elements(person.pointee.affinities) {
                set.forEachKey { key, _ in isSound = isSound && key / 2 < (key & 1 == 0 ? categories : brands) }
            }
            for order in core.orders.elements(person.pointee.orders) where order.entity >= entities { isSound = false }
        }
        for index in 0..<core.sessions.count {
            let window = core.windows.elements(core.sessions.address(index).pointee.window)
            for recent in window where recent.entity >= entities { isSound = false }
        }
        for index in 0..<core.meetings.count {
            for set in core.neighbours.elements(core.meetings.address(index).pointee.neighbours) {
                set.forEachKey { key, weight in isSound = isSound && key < entities && weight >= 0 }
            }
        }
        if !isSound { throw SnapshotReader.corrupt("a number stands for nothing") }
    }
}
