/// Where candidates come from; the later ones stand in when the earlier ones give too few.
public enum Origin: UInt8, Sendable, Comparable, CaseIterable, BitwiseCopyable {
    /// A learned model.
    case model
    /// It was asked for: included, or pinned.
    case chosen
    /// A search found it.
    case search
    /// Was ordered together with what the list is about.
    case bought
    /// Persons with a history like this have to do with it.
    case people
    /// Goes together with what the person or session did.
    case neighbour
    /// Resembles what was done in text, category and brand.
    case content
    /// Of a liked category.
    case category
    /// Of a liked brand.
    case brand
    /// Popular with everybody.
    case popular
    /// Trending with everybody.
    case trending
    /// Whatever else the catalogue has, newest first.
    case newest

    public static func < (left: Origin, right: Origin) -> Bool { left.rawValue < right.rawValue }

    /// Whether the person, the session or the question itself is the reason.
    public var isPersonal: Bool { self <= .brand }

    /// Its name in answers.
    public var name: String {
        switch self {
        case .model: "model"
        case .chosen: "chosen"
        case .search: "search"
        case .bought: "bought"
        case .neighbour: "neighbour"
        case .people: "people"
        case .content: "content"
        case .category: "category"
        case .brand: "brand"
        case .popular: "popular"
        case .trending: "trending"
        case .newest: "newest"
        }
    }

    /// The one with a name.
    public init?(name: String) {
        guard let found = Origin.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// An entity that may be shown, and why. Nothing in it has memory of its own.
public struct Candidate: Sendable, Equatable, BitwiseCopyable {
    /// Number of the entity.
    public var entity: UInt32
    /// The first source that named it.
    public var origin: Origin
    /// How closely it goes with what was done: Σ over actions of strength · closeness.
    public var closeness = 0.0
    /// How much it resembles what was done, 0…1.
    public var likeness = 0.0
    /// What a learned model says, 0…1; `nil` when none speaks of it.
    public var model: Double?
    /// How well it answers the search, 0…1.
    public var relevance = 0.0
    /// The action that adds most to ``closeness``; for a model's candidate, the one that the model names.
    public var because: Action?
    /// What that action adds.
    public var becauseShare = 0.0

    /// A candidate of a source.
    public init(entity: UInt32, origin: Origin) {
        self.entity = entity
        self.origin = origin
    }
}

/// Candidates by entity, bounded.
public struct CandidatePool: Sendable {
    /// In the order in which they came.
    public private(set) var candidates: ContiguousArray<Candidate> = []
    private var slots: ContiguousArray<Int32>
    private let maximum: Int

    /// A pool for at most `maximum`; what comes later is passed over.
    public init(maximum: Int) {
        self.maximum = max(1, maximum)
        candidates.reserveCapacity(min(maximum, 1024))
        var size = 64
        while size < self.maximum * 2, size < 2048 { size *= 2 }
        slots = ContiguousArray(repeating: -1, count: size)
    }

    /// Whether there is no room left.
    public var isFull: Bool { candidates.count >= maximum }

    @inline(__always)
    private func slot(_ entity: UInt32) -> Int {
        let mask = slots.count - 1
        var slot = Int((entity &* 0x9e37_79b9) >> 8) & mask
        while slots[slot] >= 0, candidates[Int(slots[slot])].entity != entity { slot = (slot + 1) & mask }
        return slot
    }

    /// Place of an entity's candidate; `nil` when it is not there.
    @inline(__always)
    public func place(of entity: UInt32) -> Int? {
        let found = slots[slot(entity)]
        return found < 0 ? nil : Int(found)
    }

    /// Whether an entity is there.
    public func contains(_ entity: UInt32) -> Bool { place(of: entity) != nil }

    /// Adds entities of one source; those that are there stay as they are.
    public mutating func add(_ entities: ContiguousArray<UInt32>, origin: Origin) {
        for entity in entities { add(Candidate(entity: entity, origin: origin)) }
    }

    /// Adds a candidate, or what it says to the one that is there.
    @inline(__always)
    public mutating func add(_ candidate: Candidate) {
        let slot = slot(candidate.entity)
        guard slots[slot] < 0 else { return merge(candidate, Int(slots[slot])) }
        guard candidates.count < maximum else { return }
        slots[slot] = Int32(truncatingIfNeeded: candidates.count)
        candidates.append(candidate)
        if candidates.count * 2 > slots.count { grow() }
    }

    private mutating func merge(_ candidate: Candidate, _ place: Int) {
        candidates[place].closeness += candidate.closeness
        candidates[place].likeness = max(candidates[place].likeness, candidate.likeness)
        candidates[place].relevance = max(candidates[place].relevance, candidate.relevance)
        candidates[place].model = candidate.model ?? candidates[place].model
        if candidate.becauseShare > candidates[place].becauseShare {
            candidates[place].because = candidate.because
            candidates[place].becauseShare = candidate.becauseShare
        } else if candidates[place].because == nil {
            candidates[place].because = candidate.because
        }
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: -1, count: slots.count * 2)
        for (place, candidate) in candidates.enumerated() {
            slots[slot(candidate.entity)] = Int32(truncatingIfNeeded: place)
        }
    }
}
