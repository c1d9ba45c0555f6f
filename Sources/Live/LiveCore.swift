internal import Domain
internal import Storage

/// All that follows from the log, and the indexes to find it by. Changed by the records of the log alone, in their order.
struct LiveCore: ~Copyable, Sendable {
    // Tables, shared page by page with frozen copies.
    var entities = PagedArray<EntityRecord>()
    var infos = PagedArray<EntityInfo>()
    var cells = RunPool<Cell>(filler: Cell(), maximum: 1024)
    var buckets = BucketPool(filler: Bucket(), maximum: 1024)
    var sessions = PagedArray<SessionRecord>()
    var persons = PagedArray<PersonRecord>()
    var recents = RunPool<Recent>(filler: Recent(), maximum: LiveCore.recentsKept)
    var totals = Totals()
    var traits = PagedArray<EntityTraits>()
    var meetings = PagedArray<Meetings>()
    var neighbours = RunPool<WeightSet>(filler: WeightSet(), maximum: LiveCore.neighbourSets)
    var affinities = RunPool<WeightSet>(filler: WeightSet(), maximum: LiveCore.affinitySets)
    var orders = RunPool<OrderedEntity>(filler: OrderedEntity(), maximum: LiveCore.ordersKept)
    var windows = RunPool<Recent>(filler: Recent(), maximum: LiveCore.windowSize)
    var circles = PagedArray<Circle>()
    var circleMembers = RunPool<UInt32>(filler: .max, maximum: LiveCore.circleSize)
    /// By number of the category.
    var categoryPrices = PagedArray<PriceSum>()

    // Where to find records; made anew when a snapshot is loaded.
    var entityIndex = KeyIndex()
    var sessionIndex = KeyIndex()
    var personIndex = KeyIndex()
    var freeSessions: ContiguousArray<UInt32> = []
    var freePersons: ContiguousArray<UInt32> = []
    var categories = CategoryTable()
    var brands = BrandTable()
    var types = TypeTable()
    var changes: ChangeList
    /// Those that have left a category.
    var moved = MovedList()
    /// A bit for each entity that is over by now; said by the catalogue, no part of what follows from the log.
    var over: ContiguousArray<UInt64> = []
    /// Whether any bit of it was ever set.
    var hasEnds = false

    let preferenceDecay = PreferenceDecay()
    let names: NameTable
    let hasher: KeyHasher
    /// Number of the name that pages of searches are counted under.
    let searchType: UInt16?
    var plan: CompiledPlan
    /// The half-life that the decayed sums are in, which is the plan's unless they have yet to be computed anew.
    var decay: Decay
    /// Last record applied.
    var position: Int64 = 0
    /// Greatest time of receipt so far, in milliseconds.
    var watermark: Int64 = 0
    /// What happened before this has been cleaned up; whole hours, in milliseconds.
    var retainedFrom: Int64 = .min
    /// Entity, person and session that the sweep goes on from.
    var nextSwept = (entity: 0, person: 0, session: 0)

    /// Heap memory of ids, titles and lists of categories.
    var textBytes = 0

    /// Interactions kept of each person.
    static let recentsKept = 100

    init(names: NameTable, hasher: KeyHasher, plan: LivePlan, limits: Limits = Limits()) {
        self.names = names
        self.hasher = hasher
        searchType = names.intern(SearchRecord.countedType)
        let compiled = CompiledPlan(plan, searchType: searchType)
        self.plan = compiled
        changes = ChangeList(size: limits.changes)
        decay = Decay(halfLife: compiled.halfLife)
    }

    /// The first hour whose buckets count.
    private(set) var hourFloor: Int32 = -(Slots.hoursKept + 1)
    /// The first minute whose buckets count.
    private(set) var minuteFloor: Int32 = -Slots.minutesKept
    /// The watermark from which on the floors are higher.
    private var nextMinute: Int64 = 60_000

    /// Moves the watermark. Says whether its minute is another.
    @inline(__always)
    mutating func moveWatermark(to receivedAt: Int64) -> Bool {
        watermark = receivedAt
        if receivedAt < nextMinute { return false }
        setFloors()
        return true
    }

    /// Computes the floors from the watermark and what has been cleaned up.
    mutating func setFloors() {
        let minute = Slots.minute(watermark)
        nextMinute = (Int64(minute) + 1) * 60_000
        hourFloor = max(Slots.back(Slots.hour(watermark), Slots.hoursKept + 1), Slots.hour(retainedFrom))
        minuteFloor = max(Slots.back(minute, Slots.minutesKept), Slots.minute(retainedFrom))
    }

    // MARK: - Entities

    /// Number of the entity with a key.
    @inline(__always)
    func entity(_ key: Key128) -> UInt32? {
        entityIndex.find(key) { entities[Int($0)].key == key }
    }

    /// Number of an entity by type and id.
    func entity(type: String, id: String) -> UInt32? {
        guard let type = names.index(of: type) else { return nil }
        return entity(entityKey(type, id))
    }

    func entityKey(_ type: UInt16, _ id: String) -> Key128 {
        var id = id
        return id.withUTF8 { hasher.entityKey(UnsafeRawBufferPointer($0), typeSalt: names.salt(of: type)) }
    }

    /// Adds an entity that is not there, as a placeholder. `nil` when there is no number left for it.
    mutating func addEntity(_ key: Key128, type: UInt16, id: UnsafeRawBufferPointer) -> UInt32? {
        guard let number = UInt32(exactly: entities.count), number < .max else { return nil }
        entities.append(EntityRecord(key: key, order: IDPrefix(id), type: type))
        let info = EntityInfo(id: String(decoding: id, as: UTF8.self))
        textBytes += info.heapBytes
        infos.append(info)
        traits.append(EntityTraits())
        meetings.append(Meetings())
        circles.append(Circle())
        entityIndex.insert(key, number)
        types.add(number, type: type, names: names)
        return number
    }

    /// Creates an entity or brings it up to date.
    mutating func apply(_ entity: Entity) {
        guard let type = names.intern(entity.type) else { return }
        let key = entityKey(type, entity.id)
        var id = entity.id
        guard
            let number = self.entity(key) ?? id.withUTF8({ addEntity(key, type: type, id: UnsafeRawBufferPointer($0)) })
        else { return }
        var flags: EntityRecord.Flags = []
        if entity.isPlaceholder { flags.insert(.placeholder) }
        if entity.isHidden { flags.insert(.hidden) }
        if entity.isDeleted { flags.insert(.deleted) }
        entities[Int(number)].flags = flags
        textBytes -= infos[Int(number)].heapBytes
        infos[Int(number)].title = entity.title
        setCategories(entity.categories, of: number)
        textBytes += infos[Int(number)].heapBytes
        setTraits(entity, of: number)
        changes.add(number, &entities.writable(Int(number)).pointee)
    }

    /// Gives a new entity its title and categories; false when a category does not exist or is there twice.
    mutating func describe(_ number: UInt32, title: String?, categories list: ContiguousArray<UInt32>) -> Bool {
        textBytes -= infos[Int(number)].heapBytes
        infos[Int(number)].title = title
        for category in list {
            guard Int(category) < categories.count,
                !infos[Int(number)].categories.contains(where: { $0.category == category })
            else { return false }
            let place = CategoryPlace(category: category, place: categories.add(number, to: category))
            infos[Int(number)].categories.append(place)
        }
        setCategoryMask(number)
        textBytes += infos[Int(number)].heapBytes
        return true
    }

    private mutating func setCategories(_ names: [String], of number: UInt32) {
        let old = infos[Int(number)].categories
        if old.count == names.count, zip(old, names).allSatisfy({ categories.name($0.category) == $1 }) { return }
        for held in old {
            guard let last = categories.remove(held) else { continue }
            // The last one of the list has taken the place.
            let places = infos[Int(last)].categories.indices
            for index in places where infos[Int(last)].categories[index].category == held.category {
                infos[Int(last)].categories[index].place = held.place
            }
        }
        var fresh: ContiguousArray<CategoryPlace> = []
        for name in names {
            guard let category = categories.number(of: name), !fresh.contains(where: { $0.category == category })
            else { continue }
            fresh.append(CategoryPlace(category: category, place: categories.add(number, to: category)))
        }
        for held in old where !fresh.contains(where: { $0.category == held.category }) {
            moved.add(number, left: held.category)
        }
        infos[Int(number)].categories = fresh
        setCategoryMask(number)
    }

    private mutating func setCategoryMask(_ number: UInt32) {
        var mask: UInt64 = 0
        for place in infos[Int(number)].categories { mask |= 1 << UInt64(place.category & 63) }
        entities[Int(number)].categoryMask = mask
        while categoryPrices.count < categories.count { categoryPrices.append(PriceSum()) }
        let kept = infos[Int(number)].categories.prefix(EntityTraits.categoriesKept)
        var first = InlineArray<4, UInt32>(repeating: .max)
        for (index, place) in kept.enumerated() { first[index] = place.category }
        traits[Int(number)].categories = first
    }

    /// Whether entity `left` stands before `right` among equals: by type, then by id, byte by byte.
    func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
        let (a, b) = (entities.address(Int(left)), entities.address(Int(right)))
        if a.pointee.type != b.pointee.type {
            let (first, second) = (types.rank(a.pointee.type), types.rank(b.pointee.type))
            if first != second { return first < second }
        }
        if a.pointee.order != b.pointee.order { return a.pointee.order < b.pointee.order }
        return bytesPrecede(infos[Int(left)].id, infos[Int(right)].id)
    }

    // MARK: - Cells

    /// Place of an entity's cell of a type, made when missing. `nil` when an entity has 1,024 types already.
    @inline(__always)
    mutating func cell(_ entity: Int, _ type: UInt16) -> UInt32? {
        findCell(entity, type) ?? addCell(entity, type)
    }

    @inline(__always)
    func findCell(_ entity: Int, _ type: UInt16) -> UInt32? {
        let run = entities.address(entity).pointee.cells
        let cells = cells.elements(run)
        for index in 0..<cells.count where cells[index].type == type { return run.base + UInt32(index) }
        return nil
    }

    private mutating func addCell(_ entity: Int, _ type: UInt16) -> UInt32? {
        if Int(entities[entity].cells.count) == cells.capacity(entities[entity].cells.size) {
            guard cells.grow(&entities[entity].cells) else { return nil }
        }
        let run = entities[entity].cells
        let place = run.base + UInt32(run.count)
        var cell = Cell()
        cell.type = type
        cells[place] = cell
        entities[entity].cells.count += 1
        return place
    }

    // MARK: - Memory

    /// Bytes by what they hold.
    func memory() -> [MemoryShare] {
        [
            MemoryShare(
                owner: "entities",
                bytes: entities.bytes + infos.bytes + textBytes + cells.bytes + entityIndex.bytes + categories.bytes
                    + types.bytes + changes.size * 4 + traits.bytes + brands.bytes + categoryPrices.bytes),
            MemoryShare(owner: "buckets", bytes: buckets.bytes + totals.bytes),
            MemoryShare(
                owner: "persons",
                bytes: persons.bytes + recents.bytes + personIndex.bytes + freePersons.capacity * 4),
            MemoryShare(
                owner: "sessions",
                bytes: sessions.bytes + sessionIndex.bytes + windows.bytes + freeSessions.capacity * 4),
            MemoryShare(owner: "preferences", bytes: affinities.bytes + orders.bytes),
            MemoryShare(owner: "neighbours", bytes: neighbours.bytes + meetings.bytes),
            MemoryShare(owner: "circles", bytes: circles.bytes + circleMembers.bytes),
        ]
    }
}
