internal import Domain

/// What is counted of an entity; what it is called stands in ``EntityInfo``.
struct EntityRecord: Sendable {
    var key: Key128
    /// The first bytes of its id, so that most comparisons of ids need nothing else.
    var order: IDPrefix
    /// Its newest place in the list of changed entities.
    var stamp: UInt64 = 0
    /// Last interaction in milliseconds; the smallest number before the first.
    var lastAt: Int64 = .min
    /// A bit for each of its categories: that of the category's number modulo 64.
    var categoryMask: UInt64 = 0
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

    init(key: Key128, order: IDPrefix, type: UInt16) {
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

    /// Memory outside the record itself; texts of up to 15 bytes need none.
    var heapBytes: Int {
        let texts = [id, title ?? ""].reduce(0) { $0 + ($1.utf8.count <= 15 ? 0 : 32 + $1.utf8.count) }
        return texts + (categories.isEmpty ? 0 : 32 + categories.capacity * 8)
    }
}

/// A category of an entity, and where the entity stands in the category's list.
struct CategoryPlace: Sendable {
    var category: UInt32
    var place: UInt32
}

/// What ranking needs of an entity.
struct EntityTraits: Sendable {
    /// The first of its categories, those that count in preferences.
    var categories = InlineArray<4, UInt32>(repeating: .max)
    /// Number of its brand; the greatest number for none.
    var brand: UInt32 = .max
    /// ``Currency`` of its price.
    var currency: UInt32 = 0
    /// Its price; NaN for none.
    var price = Double.nan
    /// log2 of the price; NaN for none, and for one of 0.
    var logarithm = Double.nan
    /// Pieces in stock; −1 when stock is not kept.
    var inventory: Int64 = -1

    /// Categories of an entity that count in preferences.
    static let categoriesKept = 4

    /// Sets the price, NaN for none.
    mutating func setPrice(_ price: Double) {
        self.price = price
        logarithm = price > 0 ? binaryLogarithm(price) : .nan
    }
}

/// What an entity is met together with: 16 bytes, as each interaction looks at those of some ten entities.
struct Meetings: Sendable, BitwiseCopyable {
    /// Table of entities that it is met together with.
    var neighbours = Run()
    /// Decayed sum of the weights of all its pairs, those that are not kept as neighbours among them.
    var pairs = 0.0
}

/// Something that a person ordered, and when last: 12 bytes.
struct OrderedEntity: Sendable, BitwiseCopyable {
    var entity: UInt32 = 0
    private var timeLow: UInt32 = 0
    private var timeHigh: UInt32 = 0

    init() {}

    init(entity: UInt32, at time: Int64) {
        self.entity = entity
        self.time = time
    }

    var time: Int64 {
        get { Int64(truncatingIfNeeded: UInt64(timeHigh) << 32 | UInt64(timeLow)) }
        set {
            timeLow = UInt32(truncatingIfNeeded: newValue)
            timeHigh = UInt32(truncatingIfNeeded: newValue >> 32)
        }
    }
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
    /// Hour of the watermark from which on the oldest bucket can be thrown out.
    var due: Int32 = .max
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
    /// Its last distinct entities, oldest first.
    var window = Run()

    @inline(__always) var isBounce: Bool { count == 1 && pageViews == 1 }
}

/// A user or a visitor; one without a key is a free place.
struct PersonRecord: Sendable {
    var key: Key128 = .none
    /// Time of the newest of ``recents``.
    var newest: Int64 = .min
    /// A ring: oldest at `head`, in order of time and position.
    var recents = Run()
    /// Table of categories (twice their numbers) and brands (twice their numbers + 1).
    var affinities = Run()
    /// What was ordered, in order of the first time.
    var orders = Run()
    var price = PriceSum()
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

/// The first 16 bytes of an id, which sort as the id does.
struct IDPrefix: Sendable, Equatable {
    private var high: UInt64
    private var low: UInt64

    init(_ id: UnsafeRawBufferPointer) {
        (high, low) = (0, 0)
        for index in 0..<8 { high = high << 8 | (index < id.count ? UInt64(id[index]) : 0) }
        for index in 8..<16 { low = low << 8 | (index < id.count ? UInt64(id[index]) : 0) }
    }

    /// As two numbers, which compare as the bytes do.
    var words: (UInt64, UInt64) { (high, low) }

    @inline(__always)
    static func < (left: IDPrefix, right: IDPrefix) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

/// Whether `left` sorts before `right`, byte by byte.
func bytesPrecede(_ left: String, _ right: String) -> Bool {
    left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in
            for index in 0..<min(left.count, right.count) where left[index] != right[index] {
                return left[index] < right[index]
            }
            return left.count < right.count
        }
    }.flatMap { $0 } ?? left.utf8.lexicographicallyPrecedes(right.utf8)
}
