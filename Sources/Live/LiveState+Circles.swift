internal import Domain

/// Other persons' doings, for lists that are made of them. Each call holds the lock for a few µs at a time.
extension LiveState {
    /// Most persons that ``forEachCompanion(of:whoOrdered:_:)`` names of an entity.
    public static var companions: Int { LiveCore.circleSize }

    /// Numbers of the persons who had to do with entities last, or who ordered them last, at most ``companions`` of each, the
    /// latest at the end: `body` is given the place of the entity among `entities`. A number may by now be that of a
    /// person who has nothing to do with the entity, which the person's own interactions and orders tell.
    public func forEachCompanion(
        of entities: ContiguousArray<EntityNumber>, whoOrdered: Bool, _ body: (_ place: Int, _ person: UInt32) -> Void
    ) {
        var found: ContiguousArray<UInt32> = []
        for (place, entity) in entities.enumerated() {
            found.removeAll(keepingCapacity: true)
            state.withReadLock { state in
                guard Int(entity) < state.core.circles.count else { return }
                let circle = state.core.circles.address(Int(entity))
                let run = whoOrdered ? circle.pointee.buyers : circle.pointee.people
                found.append(contentsOf: state.core.circleMembers.elements(run))
            }
            for person in found { body(place, person) }
        }
    }

    /// How many persons are at hand who ordered each of the entities, at most ``companions``.
    public func buyerCounts(of entities: ContiguousArray<EntityNumber>) -> ContiguousArray<Int> {
        state.withReadLock { state in
            for entity in entities { state.core.circles.prefetch(Int(entity)) }
            var counts: ContiguousArray<Int> = []
            counts.reserveCapacity(entities.count)
            for entity in entities {
                let isKnown = Int(entity) < state.core.circles.count
                counts.append(isKnown ? Int(state.core.circles.address(Int(entity)).pointee.buyers.count) : 0)
            }
            return counts
        }
    }

    /// What persons, by number, ordered and when each of it last: `body` is given the place of the person.
    public func forEachOrder(
        ofPersons persons: ContiguousArray<UInt32>,
        _ body: (_ place: Int, _ orders: ContiguousArray<OrderedItem>) -> Void
    ) {
        var found: ContiguousArray<OrderedItem> = []
        for (place, person) in persons.enumerated() {
            found.removeAll(keepingCapacity: true)
            state.withReadLock { state in
                guard Int(person) < state.core.persons.count else { return }
                let run = state.core.persons.address(Int(person)).pointee.orders
                for order in state.core.orders.elements(run) {
                    found.append(OrderedItem(entity: order.entity, orderedAt: order.time))
                }
            }
            body(place, found)
        }
    }

    /// The last interactions of persons, by number, newest first, at most 100 of each: `body` is given the place of the
    /// person.
    public func forEachRecent(
        ofPersons persons: ContiguousArray<UInt32>,
        _ body: (_ place: Int, _ recent: ContiguousArray<ProfileInteraction>) -> Void
    ) {
        var found: ContiguousArray<ProfileInteraction> = []
        for (place, person) in persons.enumerated() {
            found.removeAll(keepingCapacity: true)
            state.withReadLock { state in
                guard Int(person) < state.core.persons.count else { return }
                state.core.appendRecents(ofPerson: Int(person), to: &found)
            }
            body(place, found)
        }
    }

    /// Number of a visitor as long as no user was known; `nil` for one without any interactions at hand.
    public func personNumber(visitor: String) -> UInt32? {
        let key = hasher.key(visitor, .visitor)
        return state.withReadLock { $0.core.person(key) }
    }
}
