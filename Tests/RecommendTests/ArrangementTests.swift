import Domain
import Foundation
import Live
import Recommend
import Testing

/// Lists beside a slow and obvious arrangement of all that may be shown.
@Suite("Places on a list")
struct ArrangementTests {
    /// How a list is to be arranged.
    struct Wishes {
        var limit = 10
        var relevance = 1.0
        var exploration = 0.0
        var below = 0.0
        var pins: [(position: Int, number: UInt32)] = []
        var exempt: UInt32?
        var seed: UInt64 = 0
    }

    /// The places one after the other, each looked for among everything that is left.
    static func slow(_ ranked: [Recommendation], _ count: Int, _ wishes: Wishes, _ world: World) -> [UInt32] {
        var left = ranked
        var list: [Recommendation] = []
        func categories(_ one: Recommendation) -> [UInt32] { one.entity.categories.filter { $0 != wishes.exempt } }
        func fits(_ one: Recommendation) -> Bool {
            if wishes.limit >= 10 { return true }
            let block = list.suffix(list.count % 10)
            return categories(one).allSatisfy { category in
                block.count { categories($0).contains(category) } < wishes.limit
            }
        }
        func isPinned(_ one: Recommendation) -> Bool { wishes.pins.contains { $0.number == one.entity.number } }
        func like(_ a: EntityFacts, _ b: EntityFacts) -> Double {
            let (left, right) = (Set(a.categories), Set(b.categories))
            let all = left.union(right).count
            var like = all == 0 ? 0 : 0.5 * Double(left.intersection(right).count) / Double(all)
            if let brand = a.brand, brand == b.brand { like += 1.0 / 3 }
            if a.type == b.type { like += 1.0 / 6 }
            return like
        }
        while list.count < count, !left.isEmpty {
            let position = list.count
            var chosen: Int?
            if let pin = wishes.pins.first(where: { $0.position == position }) {
                chosen = left.firstIndex { $0.entity.number == pin.number }
            }
            let share = (
                before: floor(Double(position) * wishes.exploration),
                now: floor(Double(position + 1) * wishes.exploration)
            )
            if chosen == nil, share.now > share.before {
                let new = left.indices.filter { index in
                    let entity = left[index].entity
                    return (world.near[entity.number] ?? []).isEmpty && entity.popularity < wishes.below
                        && !isPinned(left[index]) && fits(left[index])
                }.prefix(20)
                if !new.isEmpty {
                    var z = (wishes.seed &+ UInt64(position)) &* 0x9e37_79b9_7f4a_7c15
                    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
                    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
                    chosen = Array(new)[Int((z ^ (z >> 31)) % UInt64(new.count))]
                }
            }
            if chosen == nil {
                let fitting = left.indices.filter { !isPinned(left[$0]) && fits(left[$0]) }
                func value(_ index: Int) -> Double {
                    if wishes.relevance == 1 { return left[index].score }
                    let nearest = list.map { like($0.entity, left[index].entity) }.max() ?? 0
                    return wishes.relevance * Double(Float(left[index].score)) - (1 - wishes.relevance) * nearest
                }
                // The first of the greatest: what stands before it is as good at most.
                chosen = fitting.reversed().max { value($0) < value($1) }
                if let best = chosen { chosen = fitting.first { value($0) == value(best) } }
            }
            chosen = chosen ?? left.firstIndex { !isPinned($0) }
            if chosen == nil {
                // Only pinned ones are left: they close up.
                let next = wishes.pins.sorted { $0.position < $1.position }.first { pin in
                    left.contains { $0.entity.number == pin.number }
                }
                chosen = left.firstIndex { $0.entity.number == next?.number }
            }
            guard let chosen else { break }
            list.append(left.remove(at: chosen))
        }
        return list.map(\.entity.number)
    }

    /// Everything that a question lets through, best first, by the scores alone.
    static func everything(_ world: World, _ question: Question, _ now: Int64) -> [Recommendation] {
        var settings = RecommenderTests.plain
        settings.categoryLimit = 10
        var all = question
        all.limit = 200
        all.pins = []
        return Recommender(world, settings: settings).list(for: all, now: now).items
    }

    static func run(
        _ body: (World, Question, RankingSettings, SurfaceSettings, Wishes, [Recommendation]) throws -> Void
    ) rethrows {
        for seed in UInt64(1)...80 {
            var random = SeededRandom(seed)
            let world = World(&random, size: 20 + random.below(100))
            var question = Question(.audience(Audience(user: ["u0", "u1", "u2"][random.below(3)])))
            question.filters.included = Set(world.entities.map { ExactText($0.id) })
            question.seed = random.next()
            question.limit = 1 + random.below(35)
            if random.below(4) == 0 { question.filters.category = World.categories[random.below(6)] }
            let all = everything(world, question, World.now)
            var wishes = Wishes()
            wishes.limit = random.below(2) == 0 ? 1 + random.below(9) : 10
            wishes.relevance = random.below(2) == 0 ? 1 : Double(random.below(11)) / 10
            wishes.exploration = random.below(2) == 0 ? 0 : Double(random.below(11)) / 10
            wishes.below = Double(random.below(12))
            wishes.seed = question.seed
            wishes.exempt = question.filters.category.flatMap { world.category(named: $0) }
            for position in 0..<question.limit where random.below(8) == 0 && !all.isEmpty {
                let one = all[random.below(all.count)].entity
                if wishes.pins.contains(where: { $0.number == one.number }) { continue }
                wishes.pins.append((position, one.number))
                question.pins.append(.init(type: one.type, id: one.id, position: position + 1))
            }
            var settings = RankingSettings()
            var surface = SurfaceSettings.standard(.forYou)
            surface.categoryLimit = wishes.limit
            surface.relevance = wishes.relevance
            surface.exploration = wishes.exploration
            surface.explorationBelow = wishes.below
            settings.surfaces[.forYou] = surface
            try body(world, question, settings, surface, wishes, all)
        }
    }

    @Test("Limits on categories, likeness, places for what is new and pins are as a slow arrangement has them")
    func places() {
        var compared = 0
        ArrangementTests.run { world, question, settings, _, wishes, all in
            let list = Recommender(world, settings: settings).list(for: question, now: World.now)
            let slow = ArrangementTests.slow(all, question.limit, wishes, world)
            #expect(list.items.map(\.entity.number) == slow, "\(wishes)")
            #expect(list.unmet.isEmpty)
            for item in list.items where item.rules.contains(.pinned) {
                #expect(wishes.pins.contains { $0.number == item.entity.number })
            }
            compared += list.items.count
        }
        #expect(compared > 800)
    }

    @Test("Pages are the list in pieces: nothing twice, nothing left out, in the same order")
    func pages() {
        ArrangementTests.run { world, question, settings, _, _, all in
            var whole = question
            whole.pins = []
            whole.limit = 60
            let recommender = Recommender(world, settings: settings)
            let once = recommender.list(for: whole, now: World.now).items.map(\.entity.number)
            var page = whole
            page.limit = 1 + Int(question.seed % 13)
            var found: [UInt32] = []
            while found.count < once.count {
                let list = recommender.list(for: page, now: World.now)
                if list.items.isEmpty { break }
                found += list.items.map(\.entity.number)
                page.earlier += list.items.map(\.entity.number)
                page.order = list.rest
            }
            #expect(Array(found.prefix(once.count)) == once)
            #expect(Set(found).count == found.count)
        }
    }

    @Test("A later page keeps the order of the first, whatever has been learned since")
    func stability() {
        ArrangementTests.run { world, question, settings, _, _, all in
            var first = question
            first.pins = []
            first.limit = 8
            let list = Recommender(world, settings: settings).list(for: first, now: World.now)
            var both = first
            both.limit = 16
            let planned = Recommender(world, settings: settings).list(for: both, now: World.now)
            // Everybody turns to other things.
            var changed = world
            for place in changed.entities.indices { changed.entities[place].popularity = Double(place) }
            for name in changed.people.keys { changed.people[name]?.session.reverse() }
            var second = first
            second.earlier = ContiguousArray(list.items.map(\.entity.number))
            second.order = list.rest
            var plain = settings
            plain.surfaces[.forYou]?.exploration = 0
            guard settings.surfaces[.forYou]?.exploration == 0 else { return }
            let next = Recommender(changed, settings: plain).list(for: second, now: World.now)
            #expect(next.items.map(\.entity.number) == planned.items.dropFirst(8).map(\.entity.number))
        }
    }

    @Test("The shares of a score add up to it")
    func shares() {
        ArrangementTests.run { world, question, settings, _, _, _ in
            for item in Recommender(world, settings: settings).list(for: question, now: World.now).items {
                let shares = item.shares
                let sum = shares.base + shares.personal + shares.popularity + shares.trending + shares.search
                #expect(abs(sum - item.score) < 1e-9)
            }
        }
    }

    @Test("Each surface gives a list of what may be shown, as long as it can be")
    func surfaces() {
        for seed in UInt64(1)...60 {
            var random = SeededRandom(seed)
            let world = World(&random, size: 30 + random.below(60))
            for surface in Surface.allCases where surface != .search {
                for subject in [
                    Question.Subject.audience(Audience(user: "u\(random.below(3))")),
                    .similar(type: world.entities[0].type, id: world.entities[0].id),
                ] {
                    var question = Question(subject, surface: surface)
                    question.excludesSeen = false
                    let list = Recommender(world, settings: RankingSettings()).list(for: question, now: World.now)
                    #expect(Set(list.items.map(\.entity.number)).count == list.items.count)
                    #expect(!list.items.contains { !$0.entity.isListed })
                    // At most what the list goes out from is missing.
                    let listed = world.entities.count(where: \.isListed)
                    #expect(list.items.count >= min(10, listed - 20))
                    if !list.items.isEmpty, list.items.allSatisfy({ !$0.origin.isPersonal }) {
                        #expect(list.fallback != nil)
                    }
                }
            }
        }
    }

    @Test("What was seen, bought or shown too often is left out when the question says so")
    func repeats() {
        for seed in UInt64(1)...100 {
            var random = SeededRandom(seed)
            let world = World(&random, size: 40 + random.below(60))
            var question = Question(.audience(Audience(user: "u0")))
            question.limit = 100
            question.excludesSeen = true
            question.excludesBought = true
            question.excludesShown = 2
            for entity in world.entities { question.shown.set(entity.number, Double(random.below(4))) }
            let list = Recommender(world, settings: RankingSettings()).list(for: question, now: World.now)
            let facts = world.people["u0"] ?? AudienceFacts()
            let gone = Set(
                facts.recents.map(\.entity) + facts.session.map(\.entity) + facts.orders.map(\.entity)
                    + world.entities.map(\.number).filter { question.shown.value($0) >= 2 })
            let possible = world.entities.filter { $0.isListed && !gone.contains($0.number) }
            #expect(Set(list.items.map(\.entity.number)) == Set(possible.map(\.number)))
        }
    }
}
