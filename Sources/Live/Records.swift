internal import Domain

/// What is counted of an entity; what it is called stands in ``EntityInfo``.
struct EntityRecord: Sendable {
    var key: Key128
    /// The first eight bytes of its id, so that most comparisons of ids need nothing else.
    var order: UInt64
    /// Its newest place in the list of changed entities.
    var stamp: UInt64 = 0
    /// Last interaction in milliseconds; the smallest number before the first.
    var lastAt: Int64 = .min
    /// One cell for each interaction type it had, in the order of their first interaction.
    var cells = Run()
    /// Entity type.
    var type: UInt16
    var flags: Flags = .placeholder

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let placeholder = Flags(rawValue: 1)
        static let hidden = Flags(rawValue: 2)
        static let deleted = Flags(rawValue: 4)
    }

    /// Whether lists may show it.
    @inline(__always) var isListed: Bool { flags.isDisjoint(with: [.hidden, .deleted]) }

    init(key: Key128, order: UInt64, type: UInt16) {
        self.key = key
        self.order = order
        self.type = type
    }
}

/// What an entity is called and where it belongs.
struct EntityInfo: Sendable {
    var id: String
    var title: String?
    var categories: ContiguousArray<CategoryPlace> = []
}

/// A category of an entity, and where the entity stands in the category's list.
struct CategoryPlace: Sendable {
    var category: UInt32
    var place: UInt32
}

/// Interactions of one type with one entity.
struct Cell: Sendable {
    /// All-time count.
    var count: Int64 = 0
    /// Buckets by hour.
    var hours = Run()
    /// Buckets by minute, of the last two hours.
    var minutes = Run()
    var type: UInt16 = 0
}

/// Interactions in one hour, or one minute.
struct Bucket: Sendable {
    /// Hours, or minutes, since the epoch.
    var slot: Int32 = 0
    var count: UInt32 = 0
    /// Σ 2^((t − start of the bucket) / half-life).
    var decayed: Double = 0
}

/// A session; one without interactions is a free place.
struct SessionRecord: Sendable {
    var key: Key128 = .none
    var start: Int64 = 0
    var last: Int64 = 0
    var count: UInt32 = 0
    var pageViews: UInt32 = 0

    @inline(__always) var isBounce: Bool { count == 1 && pageViews == 1 }
}

/// A user or a visitor; one without a key is a free place.
struct PersonRecord: Sendable {
    var key: Key128 = .none
    /// Time of the newest of ``recents``.
    var newest: Int64 = .min
    /// A ring: oldest at `head`, in order of time and position.
    var recents = Run()
    var head: UInt16 = 0
}

/// One of the last interactions of a person, in 20 bytes.
struct Recent: Sendable {
    private var positionLow: UInt32 = 0
    private var positionHighAndType: UInt32 = 0
    private var timeLow: UInt32 = 0
    private var timeHigh: UInt32 = 0
    /// Number of the entity.
    var entity: UInt32 = 0

    init() {}

    /// The 48 low bits of the position are kept.
    init(position: Int64, occurredAt: Int64, type: UInt16, entity: UInt32) {
        positionLow = UInt32(truncatingIfNeeded: position)
        positionHighAndType = UInt32(truncatingIfNeeded: position >> 32) << 16 | UInt32(type)
        timeLow = UInt32(truncatingIfNeeded: occurredAt)
        timeHigh = UInt32(truncatingIfNeeded: occurredAt >> 32)
        self.entity = entity
    }

    var position: Int64 { Int64(positionHighAndType >> 16) << 32 | Int64(positionLow) }
    var occurredAt: Int64 { Int64(truncatingIfNeeded: UInt64(timeHigh) << 32 | UInt64(timeLow)) }
    var type: UInt16 {
        get { UInt16(truncatingIfNeeded: positionHighAndType) }
        set { positionHighAndType = positionHighAndType & 0xffff_0000 | UInt32(newValue) }
    }

    /// Whether it is older: by time, then by position.
    @inline(__always)
    static func < (left: Recent, right: Recent) -> Bool {
        let (a, b) = (left.occurredAt, right.occurredAt)
        return a != b ? a < b : left.position < right.position
    }
}

/// The first eight bytes of an id as a number that sorts as they do.
func orderPrefix(_ id: UnsafeRawBufferPointer) -> UInt64 {
    var prefix: UInt64 = 0
    for index in 0..<8 {
        prefix = prefix << 8 | (index < id.count ? UInt64(id[index]) : 0)
    }
    return prefix
}
