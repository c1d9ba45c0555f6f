internal import Domain
public import Storage
internal import Synchronization

/// The live state as it was at one position of the log. Taking it costs the state next to nothing; what is written to
/// the state afterwards is written to copies of the pages concerned.
public struct LiveSnapshot: Sendable {
    /// The log position of the state.
    public let position: Int64

    private let hold: FrozenHold
    private let watermark: Int64
    private let retainedFrom: Int64
    private let halfLife: Double
    private let seedMark: UInt64
    private let names: [String]
    private let categories: [String]
    private let totals: Totals
    private var entities: FrozenArray<EntityRecord>
    private var infos: FrozenArray<EntityInfo>
    private var cells: FrozenPages<Cell>
    private var buckets: FrozenPages<Bucket>
    private var sessions: FrozenArray<SessionRecord>
    private var persons: FrozenArray<PersonRecord>
    private var recents: FrozenPages<Recent>
    private let brands: ContiguousArray<String>
    private var traits: FrozenArray<EntityTraits>
    private var meetings: FrozenArray<Meetings>
    private var neighbours: FrozenPages<WeightSet>
    private var affinities: FrozenPages<WeightSet>
    private var orders: FrozenPages<OrderedEntity>
    private var windows: FrozenPages<Recent>
    private var categoryPrices: FrozenArray<PriceSum>
    private var circles: FrozenArray<Circle>
    private var circleMembers: FrozenPages<UInt32>
    /// Places of persons in their section, by number.
    private var personPlaces: ContiguousArray<UInt32> = []

    static let kind = "live"
    /// Version 4 has circles; what an older snapshot holds is derived anew.
    static let version: UInt32 = 4

    init(_ core: inout LiveCore, _ hold: FrozenHold) {
        self.hold = hold
        position = core.position
        watermark = core.watermark
        retainedFrom = core.retainedFrom
        halfLife = core.decay.halfLife
        seedMark = LiveSnapshot.mark(core.hasher)
        names = core.names.names
        categories = core.categories.allNames
        totals = core.totals
        entities = core.entities.freeze()
        infos = core.infos.freeze()
        cells = core.cells.freeze()
        buckets = core.buckets.freeze()
        sessions = core.sessions.freeze()
        persons = core.persons.freeze()
        recents = core.recents.freeze()
        brands = core.brands.names
        traits = core.traits.freeze()
        meetings = core.meetings.freeze()
        neighbours = core.neighbours.freeze()
        affinities = core.affinities.freeze()
        orders = core.orders.freeze()
        windows = core.windows.freeze()
        categoryPrices = core.categoryPrices.freeze()
        circles = core.circles.freeze()
        circleMembers = core.circleMembers.freeze()
    }

    /// Tells the keys of one tenant from those of another without giving the seed away.
    static func mark(_ hasher: KeyHasher) -> UInt64 { hasher.key("snapshot", .interaction).high }

    /// Writes the snapshot in the place of the one before; it is on disk when this returns. For a background thread.
    /// Pages are let go as they are written. With a `pace` the thread rests now and then.
    public consuming func write(to path: String, pace: BackgroundPace? = nil) throws(StorageError) {
        // Each section is written once; what it has written is let go at once.
        let parts = Parts(self)
        try SnapshotFile.write(
            to: path, kind: Self.kind, version: Self.version, position: parts.snapshot.position,
            sections: [
                SnapshotFile.Section("state") { parts.snapshot.writeState(&$0) },
                SnapshotFile.Section("persons") { parts.snapshot.writePersons(&$0) },
                SnapshotFile.Section("sessions") { parts.snapshot.writeSessions(&$0) },
                SnapshotFile.Section("categories") { parts.snapshot.writeCategories(&$0) },
                SnapshotFile.Section("entities") { parts.snapshot.writeEntities(&$0) },
                SnapshotFile.Section("totals") { parts.snapshot.writeTotals(&$0) },
            ], pace: pace)
    }

    private final class Parts {
        var snapshot: LiveSnapshot
        init(_ snapshot: consuming LiveSnapshot) { self.snapshot = snapshot }
    }

    // MARK: - Sections

    private func writeState(_ writer: inout SnapshotWriter) {
        writer.u64(seedMark)
        writer.i64(watermark)
        writer.i64(retainedFrom)
        writer.double(halfLife)
        writer.u32(UInt32(names.count))
        for name in names { writer.string(name) }
    }

    private mutating func writePersons(_ writer: inout SnapshotWriter) {
        writer.u32(UInt32(persons.pages.elementCount { !$0.key.isNone }))
        personPlaces.reserveCapacity(persons.count)
        var next: UInt32 = 0
        for page in 0..<persons.pages.count {
            for person in persons.pages.elements(page) {
                // A free place is nobody's any more.
                guard !person.key.isNone else {
                    personPlaces.append(.max)
                    continue
                }
                personPlaces.append(next)
                next += 1
                writer.u64(person.key.high)
                writer.u64(person.key.low)
                writer.u16(person.recents.count)
                let ring = recents.elements(person.recents)
                let head = Int(person.head)
                writer.raw(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: ring[head...])))
                writer.raw(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: ring[..<head])))
                Self.write(person.price, &writer)
                writer.u16(person.affinities.count)
                writer.raw(UnsafeRawBufferPointer(affinities.elements(person.affinities)))
                writer.u16(person.orders.count)
                writer.raw(UnsafeRawBufferPointer(orders.elements(person.orders)))
            }
            persons.pages.release(page)
        }
        recents.releaseAll()
        affinities.releaseAll()
        orders.releaseAll()
    }

    private static func write(_ price: PriceSum, _ writer: inout SnapshotWriter) {
        writer.double(price.weight)
        writer.double(price.logarithms)
        writer.u32(price.currency)
        writer.u32(price.count)
    }

    private mutating func writeSessions(_ writer: inout SnapshotWriter) {
        writer.u32(UInt32(sessions.pages.elementCount { $0.count > 0 }))
        for page in 0..<sessions.pages.count {
            for session in sessions.pages.elements(page) where session.count > 0 {
                writer.u64(session.key.high)
                writer.u64(session.key.low)
                writer.i64(session.start)
                writer.i64(session.last)
                writer.u32(session.count)
                writer.u32(session.pageViews)
                // Whether the sweep has been there or not.
                let isSilent = session.last < watermark &- LiveCore.windowSilence
                let window = windows.elements(isSilent ? Run() : session.window)
                writer.u16(UInt16(window.count))
                writer.raw(UnsafeRawBufferPointer(window))
            }
            sessions.pages.release(page)
        }
        windows.releaseAll()
    }

    private mutating func writeCategories(_ writer: inout SnapshotWriter) {
        writer.u32(UInt32(categories.count))
        for (index, name) in categories.enumerated() {
            writer.string(name)
            Self.write(index < categoryPrices.count ? categoryPrices.element(index) : PriceSum(), &writer)
        }
        categoryPrices.pages.releaseAll()
        writer.u32(UInt32(brands.count))
        for name in brands { writer.string(name) }
    }

    private mutating func writeEntities(_ writer: inout SnapshotWriter) {
        writer.u32(UInt32(entities.count))
        for index in 0..<entities.count {
            let record = entities.element(index)
            let info = infos.element(index)
            writer.u64(record.key.high)
            writer.u64(record.key.low)
            writer.i64(record.lastAt)
            writer.u16(record.type)
            writer.u8(record.flags.rawValue)
            writer.string(info.id)
            writer.u8(info.title == nil ? 0 : 1)
            if let title = info.title { writer.string(title) }
            writer.u32(UInt32(info.categories.count))
            for place in info.categories { writer.u32(place.category) }
            let traits = traits.element(index)
            writer.u32(traits.brand)
            writer.u32(traits.currency)
            writer.double(traits.price)
            writer.i64(traits.inventory)
            let meetings = meetings.element(index)
            writer.double(meetings.pairs)
            writer.u16(meetings.neighbours.count)
            writer.raw(UnsafeRawBufferPointer(neighbours.elements(meetings.neighbours)))
            let circle = circles.element(index)
            writeMembers(circle.people, &writer)
            writeMembers(circle.buyers, &writer)
            writer.u16(record.cells.count)
            for cell in cells.elements(record.cells) {
                writer.u16(cell.type)
                writer.i64(cell.count)
                for run in [cell.hours, cell.minutes] {
                    writer.u16(run.count)
                    writer.raw(UnsafeRawBufferPointer(buckets.elements(run)))
                }
            }
        }
        entities.pages.releaseAll()
        infos.pages.releaseAll()
        traits.pages.releaseAll()
        meetings.pages.releaseAll()
        neighbours.releaseAll()
        cells.releaseAll()
        buckets.releaseAll()
        circles.pages.releaseAll()
        circleMembers.releaseAll()
    }

    /// Writes the members of a circle as the places that persons have in their section, without those who are no more.
    private func writeMembers(_ circle: Run, _ writer: inout SnapshotWriter) {
        // No closure here: it would take a copy of the whole snapshot with it, for each circle.
        let members = circleMembers.elements(circle)
        var count: UInt16 = 0
        for member in members where place(member) != .max { count += 1 }
        writer.u16(count)
        for member in members where place(member) != .max { writer.u32(place(member)) }
    }

    private func place(_ person: UInt32) -> UInt32 {
        Int(person) < personPlaces.count ? personPlaces[Int(person)] : .max
    }

    private func writeTotals(_ writer: inout SnapshotWriter) {
        writer.i64(totals.sessions)
        writer.i64(totals.bounces)
        for ring in [
            totals.sessionHours, totals.sessionMinutes, totals.bounceHours, totals.bounceMinutes,
            totals.firstPositions,
        ] {
            ring.write(&writer)
        }
        writer.u32(UInt32(totals.byType.count))
        for type in totals.byType {
            writer.u16(type.type)
            writer.i64(type.all)
            type.hours.write(&writer)
            type.minutes.write(&writer)
        }
    }
}

extension LiveState {
    /// Makes memory ready for the copies of pages that writing to the state takes while a snapshot is held: a commit that had
    /// to wait for it would wait long. For a background thread, before ``freeze()``.
    public static func stockPages(_ pace: BackgroundPace) { PageArena.shared.stock(pace) }

    /// Memory that is ready for the next pages of all states, in bytes.
    public static var sparePageBytes: Int { PageArena.shared.spareBytes }

    /// Gives back what ``stockPages(_:)`` made ready, but for a quarter. For when the snapshot is written.
    public static func trimPages() { PageArena.shared.trim() }

    /// The state as it is now. Writer thread only; takes well under a millisecond.
    public func freeze() -> LiveSnapshot {
        let hold = FrozenHold(frozen)
        return state.withLock { LiveSnapshot(&$0.core, hold) }
    }
}

/// How many frozen copies of a state there are.
final class FrozenCount: Sendable {
    private let count = Atomic(0)

    /// Whether there are any, so that writing has to copy pages.
    var isHeld: Bool { count.load(ordering: .relaxed) > 0 }

    fileprivate func add(_ number: Int) { count.add(number, ordering: .relaxed) }
}

/// Counts as one frozen copy as long as it lives.
final class FrozenHold: Sendable {
    private let count: FrozenCount

    init(_ count: FrozenCount) {
        self.count = count
        count.add(1)
    }

    deinit { count.add(-1) }
}
