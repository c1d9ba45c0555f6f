internal import Domain

/// What recommending reads. Everything is in memory; a read holds the lock once for what it asks for, some 10 µs for a
/// profile, 5 µs for neighbours, 0.1 µs for the features of an entity.
extension LiveState {
    // MARK: - Persons and sessions

    /// What is known of a user; `nil` for one without any interactions at hand.
    public func profile(user: String, now: Int64) -> PersonProfile? { profile(hasher.key(user, .user), now) }

    /// What is known of a visitor as long as no user was known; `nil` for one without any interactions at hand.
    public func profile(visitor: String, now: Int64) -> PersonProfile? {
        profile(hasher.key(visitor, .visitor), now)
    }

    /// What a session has shown of whoever it belongs to, from its last 10 distinct entities and their present catalogue
    /// entries; `nil` for one unknown or cleaned up. Nothing is left of it a day after its last interaction.
    public func profile(session: String, now: Int64) -> PersonProfile? {
        let key = hasher.key(session, .session)
        return state.withReadLock { state in
            guard let number = state.core.session(key) else { return nil }
            return state.core.profile(ofSession: Int(number), now: now)
        }
    }

    private func profile(_ key: Key128, _ now: Int64) -> PersonProfile? {
        state.withReadLock { state in
            guard let number = state.core.person(key) else { return nil }
            return state.core.profile(ofPerson: Int(number), now: now)
        }
    }

    /// The usual price of a category; `nil` before the first interaction with something in it that has a price.
    public func usualPrice(category: String) -> UsualPrice? {
        state.withReadLock { state in
            guard let number = state.core.categories.find(category) else { return nil }
            return state.core.usualPrice(category: number)
        }
    }

    /// The same by the category's number.
    public func usualPrice(category number: UInt32) -> UsualPrice? {
        state.withReadLock { $0.core.usualPrice(category: number) }
    }

    // MARK: - Entities

    /// Number of an entity; `nil` for one never heard of.
    public func entityNumber(type: String, id: String) -> EntityNumber? {
        state.withReadLock { $0.core.entity(type: type, id: id) }
    }

    /// The entities that an entity is met together with, nearest first, then by type and id; at most `limit` (64 are
    /// kept). Hidden and deleted ones are left out, and with `ofType` all of other types.
    public func neighbours(
        of entity: EntityNumber, ofType type: UInt16? = nil, limit: Int = 64, now: Int64
    ) -> [Neighbour] {
        state.withReadLock { $0.core.neighbours(of: entity, ofType: type, limit: limit, now: now) }
    }

    /// The same for several entities under one hold of the lock.
    public func neighbours(
        ofEach entities: [EntityNumber], ofType type: UInt16? = nil, limit: Int = 64, now: Int64
    ) -> [[Neighbour]] {
        state.withReadLock { state in
            entities.map { state.core.neighbours(of: $0, ofType: type, limit: limit, now: now) }
        }
    }

    /// What ranking asks of entities, in their order; numbers of no entity are left out.
    public func features(of entities: [EntityNumber], now: Int64) -> [EntityFeatures] {
        state.withReadLock { state in
            let present = state.core.preferenceDecay.factor(now)
            return entities.compactMap { entity in
                Int(entity) < state.core.entities.count ? state.core.features(of: Int(entity), present) : nil
            }
        }
    }

    /// What entities are called, in their order; numbers of no entity are left out.
    public func descriptions(of entities: [EntityNumber]) -> [EntityDescription] {
        state.withReadLock { state in
            entities.compactMap { entity in
                Int(entity) < state.core.entities.count ? state.core.description(of: Int(entity)) : nil
            }
        }
    }

    /// The first places of a list as ``popular(_:now:)`` has it, in numbers: for candidates.
    public func candidates(_ query: PopularQuery, now: Int64) -> ContiguousArray<EntityNumber> {
        if let ready = state.withReadLock({ $0.boards.ready(query, $0.core, now: now) }) { return ready }
        return state.withLock { $0.boards.candidates(query, &$0.core, now: now) }
    }

    /// Number of a category; `nil` for one that no entity ever had.
    public func categoryNumber(_ name: String) -> UInt32? { state.withReadLock { $0.core.categories.find(name) } }

    /// Name of a category.
    public func categoryName(_ number: UInt32) -> String { state.withReadLock { $0.core.categories.name(number) } }
}

extension LiveCore {
    /// `sum`, decayed, as of a moment of which ``PreferenceDecay`` says `present`.
    private func weight(_ sum: Double, _ present: Double) -> Double {
        let weight = sum / present
        return min(max(weight, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }

    func usualPrice(category: UInt32) -> UsualPrice? {
        Int(category) < categoryPrices.count ? usualPrice(categoryPrices[Int(category)]) : nil
    }

    private func usualPrice(_ sum: PriceSum) -> UsualPrice? {
        sum.mean.map {
            UsualPrice(price: $0, currency: Currency.code(sum.currency), interactions: Int64(sum.count))
        }
    }

    func profile(ofPerson index: Int, now: Int64) -> PersonProfile {
        let person = persons[index]
        let present = preferenceDecay.factor(now)
        let affinities = affinities.weights(person.affinities)
        return PersonProfile(
            interactionCount: Int64(person.recents.count),
            categories: ranked(affinities.filter { $0.key & 1 == 0 }, present, isBrand: false),
            brands: ranked(affinities.filter { $0.key & 1 == 1 }, present, isBrand: true),
            usualPrice: usualPrice(person.price),
            recent: recents(of: index).reversed().map { interaction($0) },
            ordered: ordered(person.orders, now))
    }

    func profile(ofSession index: Int, now: Int64) -> PersonProfile {
        let session = sessions[index]
        let window = isSilent(index) ? [] : Array(windows.elements(session.window))
        var sums: [(key: UInt32, weight: Double)] = []
        var price = PriceSum()
        for recent in window {
            let amount = plan.preference(recent.type) * preferenceDecay.factor(recent.occurredAt)
            if amount == 0 { continue }
            let traits = traits[Int(recent.entity)]
            var keys: [UInt32] = []
            for place in 0..<EntityTraits.categoriesKept where traits.categories[place] != .max {
                keys.append(traits.categories[place] &* 2)
            }
            if traits.brand != .max { keys.append(traits.brand &* 2 &+ 1) }
            for key in keys {
                if let place = sums.firstIndex(where: { $0.key == key }) {
                    sums[place].weight += amount
                } else {
                    sums.append((key, amount))
                }
            }
            if amount > 0, !traits.logarithm.isNaN { price.add(traits.logarithm, traits.currency, amount) }
        }
        let present = preferenceDecay.factor(now)
        return PersonProfile(
            interactionCount: Int64(session.count),
            categories: ranked(sums.filter { $0.key & 1 == 0 }, present, isBrand: false),
            brands: ranked(sums.filter { $0.key & 1 == 1 }, present, isBrand: true),
            usualPrice: usualPrice(price), recent: window.reversed().map { interaction($0) }, ordered: [])
    }

    private func ranked(
        _ sums: [(key: UInt32, weight: Double)], _ present: Double, isBrand: Bool
    ) -> [Affinity] {
        let greatest = sums.reduce(0) { max($0, abs($1.weight)) }
        let affinities = sums.map { sum in
            let number = sum.key / 2
            return Affinity(
                number: number, name: isBrand ? brands.name(number) ?? "" : categories.name(number),
                weight: weight(sum.weight, present), share: greatest > 0 ? sum.weight / greatest : 0)
        }
        return affinities.sorted {
            $0.share != $1.share ? $0.share > $1.share : bytesPrecede($0.name, $1.name)
        }
    }

    private func interaction(_ recent: Recent) -> ProfileInteraction {
        ProfileInteraction(
            entity: recent.entity, occurredAt: recent.occurredAt, type: recent.type,
            weight: plan.preference(recent.type))
    }

    private func ordered(_ run: Run, _ now: Int64) -> [OrderedItem] {
        let edge = now &- ProfileLimits.orderedFor
        return orders.elements(run).filter { $0.time >= edge }
            .map { OrderedItem(entity: $0.entity, orderedAt: $0.time) }
            .sorted { $0.orderedAt != $1.orderedAt ? $0.orderedAt > $1.orderedAt : precedes($0.entity, $1.entity) }
    }

    func neighbours(of entity: EntityNumber, ofType type: UInt16?, limit: Int, now: Int64) -> [Neighbour] {
        guard Int(entity) < meetings.count else { return [] }
        let own = meetings[Int(entity)]
        let present = preferenceDecay.factor(now)
        var found: [Neighbour] = []
        found.reserveCapacity(64)
        for (key, sum) in neighbours.weights(own.neighbours) where sum > 0 {
            let record = entities.address(Int(key))
            guard record.pointee.isListed, type == nil || record.pointee.type == type else { continue }
            let score = sum / (own.pairs.squareRoot() * meetings.address(Int(key)).pointee.pairs.squareRoot())
            found.append(Neighbour(entity: key, weight: weight(sum, present), score: min(1, score)))
        }
        found.sort { $0.score != $1.score ? $0.score > $1.score : precedes($0.entity, $1.entity) }
        return Array(found.prefix(max(0, limit)))
    }

    func features(of index: Int, _ present: Double) -> EntityFeatures {
        let record = entities.address(index)
        let traits = traits.address(index)
        return EntityFeatures(
            number: UInt32(truncatingIfNeeded: index), type: record.pointee.type,
            categories: traits.pointee.categories, brand: traits.pointee.brand,
            price: traits.pointee.price.isNaN ? nil : traits.pointee.price, currency: traits.pointee.currency,
            inventory: traits.pointee.inventory < 0 ? nil : traits.pointee.inventory,
            isHidden: record.pointee.flags.contains(.hidden), isDeleted: record.pointee.flags.contains(.deleted),
            isPlaceholder: record.pointee.flags.contains(.placeholder), popularityScore: popularity(index),
            pairWeight: weight(meetings.address(index).pointee.pairs, present))
    }

    func description(of index: Int) -> EntityDescription {
        let info = infos[index]
        return EntityDescription(
            number: UInt32(truncatingIfNeeded: index), entityType: types.name(entities[index].type),
            entityID: info.id, title: info.title, categories: info.categories.map { categories.name($0.category) },
            brand: brands.name(traits[index].brand))
    }
}
