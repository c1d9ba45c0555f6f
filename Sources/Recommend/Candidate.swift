/// Where candidates come from; the later ones stand in when the earlier ones give too few.
public enum Origin: UInt8, Sendable, Comparable, CaseIterable {
    /// A learned model.
    case model
    /// Goes together with what the person or session did.
    case neighbour
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

    /// Whether the person or the session is the reason.
    public var isPersonal: Bool { self <= .brand }

    /// Its name in answers.
    public var name: String {
        switch self {
        case .model: "model"
        case .neighbour: "neighbour"
        case .category: "category"
        case .brand: "brand"
        case .popular: "popular"
        case .trending: "trending"
        case .newest: "newest"
        }
    }
}

/// An entity that may be shown, and why.
public struct Candidate: Sendable, Equatable {
    /// Number of the entity.
    public var entity: UInt32
    /// The first source that named it.
    public var origin: Origin
    /// How closely it goes with what was done: Σ over actions of strength · closeness.
    public var closeness = 0.0
    /// What a learned model says, 0…1; `nil` when none speaks of it.
    public var model: Double?
    /// The action that adds most to ``closeness``.
    public var because: Action?
    /// What that action adds.
    var becauseShare = 0.0

    /// A candidate of a source.
    public init(entity: UInt32, origin: Origin) {
        self.entity = entity
        self.origin = origin
    }
}

/// Candidates by entity, bounded.
public struct CandidatePool: Sendable {
    /// In the order in which they came.
    public private(set) var candidates: [Candidate] = []
    private var places: [UInt32: Int] = [:]
    private let maximum: Int

    /// A pool for at most `maximum`; what comes later is passed over.
    public init(maximum: Int) {
        self.maximum = maximum
        candidates.reserveCapacity(min(maximum, 1024))
        places.reserveCapacity(min(maximum, 1024))
    }

    /// Whether there is no room left.
    public var isFull: Bool { candidates.count >= maximum }

    /// Whether an entity is there.
    public func contains(_ entity: UInt32) -> Bool { places[entity] != nil }

    /// Adds entities of one source; those that are there stay as they are.
    public mutating func add(_ entities: [UInt32], origin: Origin) {
        for entity in entities { add(Candidate(entity: entity, origin: origin)) }
    }

    /// Adds a candidate, or what it says to the one that is there.
    public mutating func add(_ candidate: Candidate) {
        guard let place = places[candidate.entity] else {
            guard !isFull else { return }
            places[candidate.entity] = candidates.count
            candidates.append(candidate)
            return
        }
        candidates[place].closeness += candidate.closeness
        candidates[place].model = candidate.model ?? candidates[place].model
        if candidate.becauseShare > candidates[place].becauseShare {
            candidates[place].because = candidate.because
            candidates[place].becauseShare = candidate.becauseShare
        }
    }
}
