internal import Domain

/// What an entity is paired with: distinct earlier entities, the latest first.
struct Partners: Sendable, BitwiseCopyable {
    var count = 0
    var entities = InlineArray<10, UInt32>(repeating: 0)
    var weights = InlineArray<10, Double>(repeating: 0)

    @inline(__always)
    func contains(_ entity: UInt32) -> Bool {
        for index in 0..<count where entities[index] == entity { return true }
        return false
    }

    @inline(__always)
    mutating func add(_ entity: UInt32, _ weight: Double) {
        entities[count] = entity
        weights[count] = weight
        count += 1
    }

    /// Adds an entity unless it is there or is `own` or there is no room, for asking for its memory.
    @inline(__always)
    mutating func guess(_ entity: UInt32, except own: UInt32) {
        if count < LiveCore.windowSize, entity != own, !contains(entity) { add(entity, 0) }
    }
}

extension LiveCore {
    /// Distinct earlier entities that an interaction is paired with.
    static let windowSize = 10
    /// Earlier interactions that are looked at for them.
    static let windowReach = 30
    /// Silence after which a session's last entities are forgotten, in milliseconds.
    static let windowSilence: Int64 = 86_400_000
    /// Sets of eight neighbours of an entity.
    static let neighbourSets = 8
    /// Sets of eight categories and brands of a person.
    static let affinitySets = 4
    /// Ordered entities kept of a person.
    static let ordersKept = 64

    // MARK: - What the catalogue says

    /// Takes over what ranking needs of an entity.
    mutating func setTraits(_ entity: Entity, of number: UInt32) {
        let price = entity.price.flatMap { Double($0) }.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        let brand = entity.brand.flatMap { brands.number(of: $0) } ?? .max
        let traits = self.traits.writable(Int(number))
        traits.pointee.brand = brand
        traits.pointee.setPrice(price ?? .nan)
        traits.pointee.currency = price == nil ? 0 : Currency.number(entity.currency)
        traits.pointee.inventory = entity.inventory.map { max(0, $0) } ?? -1
    }

    // MARK: - Preferences

    /// Counts an interaction in a person's affinities, usual price and orders. `amount` is its decayed weight.
    @inline(__always)
    mutating func prefer(_ index: Int, _ recent: Recent, _ amount: Double) {
        addPreferences(index, recent, amount)
        if plan.isOrder(recent.type) {
            keepOrder(recent.entity, recent.occurredAt, &persons.writable(index).pointee.orders)
        }
    }

    /// Computes a person's affinities and usual price anew from interactions, in log order, with the weights and the
    /// catalogue as they are now.
    mutating func deriveAnew(_ index: Int, from kept: [Recent]) {
        affinities.release(&persons[index].affinities)
        persons[index].price = PriceSum()
        for recent in kept.sorted(by: { $0.position < $1.position }) {
            let weight = plan.preference(recent.type)
            addPreferences(index, recent, weight == 0 ? 0 : weight * preferenceDecay.factor(recent.occurredAt))
        }
    }

    @inline(__always)
    private mutating func addPreferences(_ index: Int, _ recent: Recent, _ amount: Double) {
        let person = persons.writable(index)
        if amount != 0 {
            let traits = self.traits.address(Int(recent.entity))
            for place in 0..<EntityTraits.categoriesKept {
                let category = traits.pointee.categories[place]
                if category == .max { break }
                affinities.add(category &* 2, amount, to: &person.pointee.affinities)
            }
            if traits.pointee.brand != .max {
                affinities.add(traits.pointee.brand &* 2 &+ 1, amount, to: &person.pointee.affinities)
            }
            if amount > 0, !traits.pointee.logarithm.isNaN {
                person.pointee.price.add(traits.pointee.logarithm, traits.pointee.currency, amount)
            }
        }
    }

    /// Counts an interaction in the usual prices of the entity's categories.
    @inline(__always)
    mutating func countPrice(_ entity: Int, _ amount: Double) {
        let traits = self.traits.address(entity)
        if traits.pointee.logarithm.isNaN { return }
        for place in 0..<EntityTraits.categoriesKept {
            let category = Int(traits.pointee.categories[place])
            guard category < categoryPrices.count else { return }
            categoryPrices.writable(category).pointee.add(
                traits.pointee.logarithm, traits.pointee.currency, amount)
        }
    }

    /// Keeps when an entity was ordered last; the oldest goes (the first of several) when there are too many.
    private mutating func keepOrder(_ entity: UInt32, _ time: Int64, _ run: inout Run) {
        let held = orders.room(run)
        var oldest = 0
        for place in 0..<Int(run.count) {
            if held[place].entity == entity {
                held[place].time = max(held[place].time, time)
                return
            }
            if held[place].time < held[oldest].time { oldest = place }
        }
        if Int(run.count) == orders.capacity(run.size), !orders.grow(&run) {
            guard run.count > 0, time > held[oldest].time else { return }
            // The order of the first times is kept.
            for place in oldest..<Int(run.count) - 1 { held[place] = held[place + 1] }
            held[Int(run.count) - 1] = OrderedEntity(entity: entity, at: time)
            return
        }
        orders[run.base + UInt32(run.count)] = OrderedEntity(entity: entity, at: time)
        run.count += 1
    }

    // MARK: - Neighbours

    /// The last distinct entities of a person before an interaction, those of types with a weight above 0.
    @inline(__always)
    func partners(ofPerson index: Int, before recent: Recent) -> Partners {
        var partners = Partners()
        let person = persons.address(index)
        let ring = recents.elements(person.pointee.recents)
        var place = Int(person.pointee.head)
        let isLate = recent.occurredAt < person.pointee.newest
        var reach = Self.windowReach
        for _ in 0..<ring.count {
            place = place == 0 ? ring.count - 1 : place - 1
            let earlier = ring[place]
            if isLate, recent < earlier { continue }
            if reach == 0 { break }
            reach -= 1
            if earlier.entity == recent.entity || partners.contains(earlier.entity) { continue }
            let weight = plan.preference(earlier.type)
            guard weight > 0 else { continue }
            partners.add(earlier.entity, weight)
            if partners.count == Self.windowSize { break }
        }
        return partners
    }

    /// The last distinct entities of a session before an interaction, those of types with a weight above 0.
    @inline(__always)
    func partners(ofSession index: Int, before recent: Recent) -> Partners {
        var partners = Partners()
        if isSilent(index) { return partners }
        let window = windows.elements(sessions.address(index).pointee.window)
        for place in stride(from: window.count - 1, through: 0, by: -1) {
            let earlier = window[place]
            if earlier.entity == recent.entity || recent < earlier { continue }
            let weight = plan.preference(earlier.type)
            if weight > 0 { partners.add(earlier.entity, weight) }
        }
        return partners
    }

    /// Pairs an entity with earlier ones: the nth last weighs (11 − n) tenths of the product of both weights.
    @inline(__always)
    mutating func pair(_ entity: UInt32, _ partners: Partners, _ amount: Double) {
        if partners.count == 0 { return }
        let own = meetings.writable(Int(entity))
        for place in 0..<partners.count {
            let weight = amount * partners.weights[place] * (Double(11 - 1 - place) / 10)
            let partner = partners.entities[place]
            own.pointee.pairs += weight
            neighbours.add(partner, weight, to: &own.pointee.neighbours)
            let other = meetings.writable(Int(partner))
            other.pointee.pairs += weight
            neighbours.add(entity, weight, to: &other.pointee.neighbours)
        }
    }

    // MARK: - What a session has seen

    /// Whether a session has been silent for so long that what it has seen is forgotten.
    @inline(__always)
    func isSilent(_ index: Int) -> Bool {
        sessions.address(index).pointee.last < watermark &- Self.windowSilence
    }

    @inline(__always)
    mutating func forgetWindow(of index: Int) {
        if sessions.address(index).pointee.window.size != Run.none {
            windows.release(&sessions.writable(index).pointee.window)
        }
    }

    /// Keeps an interaction among a session's last distinct entities, which are in order of time.
    @inline(__always)
    mutating func keepWindow(_ recent: Recent, of index: Int) {
        let session = sessions.writable(index)
        var count = Int(session.pointee.window.count)
        var entries = windows.room(session.pointee.window)
        // The same entity again: the later of the two stays.
        for place in 0..<count where entries[place].entity == recent.entity {
            if recent < entries[place] { return }
            for next in place..<count - 1 { entries[next] = entries[next + 1] }
            count -= 1
            break
        }
        if count == Self.windowSize {
            if recent < entries[0] { return }
            for next in 0..<count - 1 { entries[next] = entries[next + 1] }
            count -= 1
        } else if count == windows.capacity(session.pointee.window.size) {
            guard windows.grow(&session.pointee.window) else { return }
            entries = windows.room(session.pointee.window)
        }
        var place = count
        while place > 0, recent < entries[place - 1] {
            entries[place] = entries[place - 1]
            place -= 1
        }
        entries[place] = recent
        session.pointee.window.count = UInt16(count + 1)
    }
}
