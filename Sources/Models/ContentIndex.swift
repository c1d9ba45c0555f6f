internal import Numerics

/// Entities by what is known of them, current with every change: an entity that was added a moment ago is found at once.
///
/// An inverted index over hashed terms (``ContentTerms``), with numeric attributes standardised and vector attributes compared
/// by cosine. Adding or removing costs O(terms of the entity), amortised. A search looks at no more than ``searchBudget``
/// entries of the index and weighs at most `limit` + 64 + (what is excluded) entities exactly, however many there are. Memory:
/// at most 64 terms of 16 bytes an entity, its numbers, and 4 bytes a vector's element; removed entities are swept away once
/// they are as many as the others.
public struct ContentIndex: Sendable {
    /// Entries of the index that a search looks at, and those of one term: the latest ones.
    public static let searchBudget = 8_192
    static let termBudget = 1_024
    /// The most that can be asked for at once.
    public static let greatestLimit = 1_000

    /// What was left out of an entity's features: numbers that are none or too great, vectors with such elements, of another
    /// length than the first of their name, longer than 4,096, or 0 throughout; attributes beyond 64 and 8.
    public struct Ignored: Sendable, Equatable {
        /// Numbers left out.
        public var numbers = 0
        /// Vectors left out.
        public var vectors = 0

        /// Nothing yet.
        public init() {}
    }

    struct Posting: Sendable {
        var hash: UInt32
        /// Slots with the weight of the term there, in the order in which they came; some of them may be dead.
        var entries: [(slot: UInt32, weight: Float)] = []
        var live = 0
    }

    struct Term: Sendable {
        var posting: UInt32
        var weight: Float
    }

    struct Slot: Sendable {
        var entity: UInt32
        var isAlive = true
        /// Entries of postings that name this slot.
        var references = 0
        var terms: [Term] = []
        /// Postings of keys: they find, they do not weigh.
        var keys: [UInt32] = []
        var length: Float = 0
        var numbers: [ContentAttributes.Number] = []
        var vectors: [ContentAttributes.Vector] = []
    }

    var attributes = ContentAttributes()
    var slots: [Slot] = []
    var postings: [Posting] = []
    private var vocabulary: [UInt32: UInt32] = [:]
    private var slotOf: [UInt32: UInt32] = [:]
    private var freeSlots: [UInt32] = []
    private var freePostings: [UInt32] = []
    private var elements = 0
    private var entries = 0

    /// Nothing yet.
    public init() {}

    /// Entities.
    public var count: Int { slotOf.count }

    /// Bytes held, as an estimate from counts.
    public var bytes: Int {
        slots.capacity * (MemoryLayout<Slot>.stride + 96) + postings.capacity * (MemoryLayout<Posting>.stride + 64)
            + entries * 24 + elements * 4 + count * 24
    }

    /// Whether an entity is there.
    public func contains(_ entity: UInt32) -> Bool { slotOf[entity] != nil }

    func slot(of entity: UInt32) -> Int? { slotOf[entity].map(Int.init) }

    /// Adds an entity, or replaces what is known of it, and says what was left out.
    @discardableResult
    public mutating func add(_ entity: UInt32, _ features: ContentFeatures) -> Ignored {
        remove(entity)
        let (numbers, ignoredNumbers) = attributes.takeNumbers(features.numbers)
        let (vectors, ignoredVectors) = attributes.takeVectors(features.vectors)
        let number = freeSlots.popLast() ?? UInt32(slots.count)
        var slot = Slot(entity: entity)
        slot.numbers = numbers
        slot.vectors = vectors
        elements += vectors.reduce(0) { $0 + $1.values.count }
        var squared: Float = 0
        var keys = Set(ContentAttributes.keys(numbers, vectors))
        for term in ContentTerms.terms(of: features) {
            keys.remove(term.hash)
            let posting = enter(number, term.hash, term.weight)
            slot.terms.append(Term(posting: posting, weight: term.weight))
            squared += term.weight * term.weight
        }
        slot.length = squared.squareRoot()
        for key in keys.sorted() {
            slot.keys.append(enter(number, key, 0))
        }
        slot.references = slot.terms.count + slot.keys.count
        if Int(number) == slots.count { slots.append(slot) } else { slots[Int(number)] = slot }
        slotOf[entity] = number
        var ignored = Ignored()
        ignored.numbers = ignoredNumbers
        ignored.vectors = ignoredVectors
        return ignored
    }

    /// Removes an entity; nothing happens when it is not there.
    public mutating func remove(_ entity: UInt32) {
        guard let number = slotOf.removeValue(forKey: entity) else { return }
        let slot = slots[Int(number)]
        attributes.remove(slot.numbers, slot.vectors)
        elements -= slot.vectors.reduce(0) { $0 + $1.values.count }
        slots[Int(number)].isAlive = false
        slots[Int(number)].terms = []
        slots[Int(number)].keys = []
        slots[Int(number)].numbers = []
        slots[Int(number)].vectors = []
        if slot.references == 0 { freeSlots.append(number) }
        for term in slot.terms { leave(term.posting) }
        for key in slot.keys { leave(key) }
    }

    private mutating func enter(_ slot: UInt32, _ hash: UInt32, _ weight: Float) -> UInt32 {
        let number: UInt32
        if let known = vocabulary[hash] {
            number = known
        } else {
            number = freePostings.popLast() ?? UInt32(postings.count)
            if Int(number) == postings.count {
                postings.append(Posting(hash: hash))
            } else {
                postings[Int(number)] = Posting(hash: hash)
            }
            vocabulary[hash] = number
        }
        postings[Int(number)].entries.append((slot, weight))
        postings[Int(number)].live += 1
        entries += 1
        return number
    }

    /// One entry of a posting is dead; when half of them are, they are swept away.
    private mutating func leave(_ number: UInt32) {
        postings[Int(number)].live -= 1
        let (live, total) = (postings[Int(number)].live, postings[Int(number)].entries.count)
        guard live * 2 <= total else { return }
        var kept: [(slot: UInt32, weight: Float)] = []
        kept.reserveCapacity(live)
        for entry in postings[Int(number)].entries {
            if slots[Int(entry.slot)].isAlive {
                kept.append(entry)
            } else {
                slots[Int(entry.slot)].references -= 1
                if slots[Int(entry.slot)].references == 0 { freeSlots.append(entry.slot) }
            }
        }
        if kept.isEmpty {
            vocabulary.removeValue(forKey: postings[Int(number)].hash)
            freePostings.append(number)
        }
        entries -= postings[Int(number)].entries.count - kept.count
        postings[Int(number)].entries = kept
    }
}
