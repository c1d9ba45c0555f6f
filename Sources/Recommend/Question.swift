public import Domain

/// What a list is made for.
public struct Question: Sendable {
    /// What the list is about.
    public enum Subject: Sendable, Equatable, Hashable {
        /// A person, a session, or both.
        case audience(Audience)
        /// What goes together with an entity.
        case similar(type: String, id: String)
    }

    /// An entity and the place it is wanted in.
    public struct Pin: Sendable, Equatable, Hashable {
        /// Entity type; `nil` for the one that has the id.
        public var type: String?
        /// Entity id.
        public var id: String
        /// Place on the list, from 1.
        public var position: Int

        /// A pin.
        public init(type: String? = nil, id: String, position: Int) {
            self.type = type
            self.id = id
            self.position = position
        }
    }

    /// What the list is about.
    public var subject: Subject
    /// Where it is shown, which decides how it is made.
    public var surface: Surface
    /// On whose behalf a list about an entity is made, for the rules on what was seen, bought and shown.
    public var audience: Audience?
    /// What must be left out.
    public var filters = Filters()
    /// Length of the list, from 1.
    public var limit = 10
    /// Entities in given places.
    public var pins: [Pin] = []
    /// Leaves out what was seen; `nil` for what the surface does.
    public var excludesSeen: Bool?
    /// Leaves out what was bought; `nil` for what the surface does.
    public var excludesBought: Bool?
    /// Leaves out what was shown so many times; 0 for nothing, `nil` for what the surface does.
    public var excludesShown: Int?
    /// How often what was shown to the audience.
    public var shown = NumberTable()
    /// What lies in the cart, or what else the list goes out from, latest first; empty for what the history says.
    public var seeds: [UInt32] = []
    /// What a search found, with how well it answers, 0…1.
    public var found: [(entity: UInt32, relevance: Double)] = []
    /// What draws come from: equal seeds give equal lists.
    public var seed: UInt64 = 0
    /// Entities of earlier pages of this list, in their order.
    public var earlier: ContiguousArray<UInt32> = []
    /// What the first page ranked after its own entities, which is gone on with.
    public var order: ContiguousArray<RankedCandidate> = []

    /// A question without filters, for ten.
    public init(_ subject: Subject, surface: Surface? = nil) {
        self.subject = subject
        switch subject {
        case .audience: self.surface = surface ?? .forYou
        case .similar: self.surface = surface ?? .similar
        }
    }
}
