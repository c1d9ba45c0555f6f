import Domain
import Foundation
import Live
import Recommend
import Testing

@Suite("Recommendations of random worlds")
struct RecommenderTests {
    /// A question with random filters.
    static func question(_ random: inout SeededRandom, _ world: World) -> Question {
        var subject = Question.Subject.audience(Audience(user: ["u0", "u1", "u2", "nobody"][random.below(4)]))
        if random.below(3) == 0 {
            let entity = world.entities[random.below(world.entities.count)]
            subject = .similar(type: entity.type, id: random.below(5) == 0 ? "unknown" : entity.id)
        }
        var question = Question(subject)
        question.limit = 1 + random.below(30)
        if random.below(3) == 0 { question.filters.entityType = World.types[random.below(2)] }
        if random.below(4) == 0 { question.filters.category = (World.categories + ["none"])[random.below(7)] }
        if random.below(4) == 0 { question.filters.priceMinimum = Double(random.below(30)) }
        if random.below(4) == 0 { question.filters.priceMaximum = Double(20 + random.below(30)) }
        if random.below(5) == 0 { question.filters.currency = "EUR" }
        question.filters.onlyInStock = random.below(3) == 0
        for _ in 0..<random.below(6) {
            let id = world.entities[random.below(world.entities.count)].id
            question.filters.excluded.insert(ExactText(id))
        }
        return question
    }

    /// The defaults, but for places that are kept for what is new.
    static var plain: RankingSettings {
        var settings = RankingSettings()
        var surface = SurfaceSettings.standard(.forYou)
        surface.exploration = 0
        settings.surfaces[.forYou] = surface
        return settings
    }

    static func run(_ body: (inout SeededRandom, World, Question, RankingSettings) throws -> Void) rethrows {
        for seed in UInt64(1)...400 {
            var random = SeededRandom(seed)
            let world = World(&random, size: 1 + random.below(120))
            var settings = RecommenderTests.plain
            if random.below(2) == 0 { settings.categoryLimit = 1 + random.below(10) }
            for _ in 0..<5 {
                let question = question(&random, world)
                try body(&random, world, question, settings)
            }
        }
    }

    /// Whether an entity may be shown, in other words than the program's.
    static func mayShow(_ entity: EntityFacts, _ question: Question) -> Bool {
        let filters = question.filters
        if !entity.isListed { return false }
        if case .similar(let type, let id) = question.subject, entity.type == type, entity.id == id { return false }
        if filters.onlyInStock && !entity.isAvailable { return false }
        if let type = filters.entityType, entity.type != type { return false }
        if let name = filters.category, !entity.categories.map({ World.categories[Int($0)] }).contains(name) {
            return false
        }
        if filters.priceMinimum != nil || filters.priceMaximum != nil, entity.price == nil { return false }
        if let least = filters.priceMinimum, let price = entity.price, price < least { return false }
        if let most = filters.priceMaximum, let price = entity.price, price > most { return false }
        if let currency = filters.currency, entity.currency != currency { return false }
        return !filters.excluded.contains { $0.text == entity.id }
    }

    @Test("A list shows only what may be shown, nothing twice, and is never shorter than the catalogue allows")
    func filters() {
        RecommenderTests.run { random, world, question, settings in
            let list = Recommender(world, settings: settings).list(for: question, now: World.now)
            let possible = world.entities.filter { RecommenderTests.mayShow($0, question) }
            #expect(list.items.count == min(question.limit, possible.count))
            #expect(Set(list.items.map(\.entity.number)).count == list.items.count)
            for item in list.items { #expect(RecommenderTests.mayShow(item.entity, question)) }
        }
    }

    @Test("Equal state gives equal lists")
    func determinism() {
        RecommenderTests.run { random, world, question, settings in
            let recommender = Recommender(world, settings: settings)
            let list = recommender.list(for: question, now: World.now)
            #expect(recommender.list(for: question, now: World.now) == list)
        }
    }

    @Test("At most so many of ten are of one category, unless nothing else is left that could be shown")
    func diversity() {
        RecommenderTests.run { random, world, question, settings in
            let list = Recommender(world, settings: settings).list(for: question, now: World.now)
            let exempt = question.filters.category.flatMap { world.category(named: $0) }
            for start in stride(from: 0, to: list.items.count, by: 10) {
                var counts: [UInt32: Int] = [:]
                for item in list.items[start..<min(start + 10, list.items.count)] {
                    for category in item.entity.categories where category != exempt {
                        counts[category, default: 0] += 1
                        if !item.rules.contains(.diversityRelaxed), settings.categoryLimit < 10 {
                            #expect(counts[category, default: 0] <= settings.categoryLimit)
                        }
                    }
                }
            }
        }
    }

    @Test("Scores are the formula's, worked out anew from what is known")
    func formula() {
        var compared = 0
        RecommenderTests.run { random, world, question, settings in
            let list = Recommender(world, settings: settings).list(for: question, now: World.now)
            for item in list.items {
                let parts = item.parts
                let ordered: Bool
                if case .audience(let audience) = question.subject {
                    let orders = world.people[audience.user ?? ""]?.orders
                    let time = orders?.first { $0.entity == item.entity.number }?.orderedAt
                    ordered = time.map { World.now - $0 < 30 * 86_400_000 } ?? false
                } else {
                    ordered = false
                }
                #expect(item.rules.contains(.orderedRecently) == ordered)
                let (base, popularity) = Oracle.parts(item.entity, world, question)
                #expect(abs(parts.base - base) < 1e-12)
                #expect(abs(parts.popularity - popularity) < 1e-12)
                let personal = Oracle.personal(item.entity, world, question)
                if let personal {
                    #expect(abs(parts.personal - personal) < 1e-9, "\(item) \(personal)")
                    compared += 1
                }
                var score = 0.5 * base + 0.3 * parts.personal + 0.2 * popularity
                if ordered { score *= 0.3 }
                let isDisliked = Oracle.isDisliked(item.entity.number, world, question)
                #expect(item.rules.contains(.disliked) == isDisliked)
                if isDisliked { score *= 0.3 }
                #expect(abs(item.score - score) < 1e-12)
                #expect((0...1).contains(parts.personal))
            }
        }
        #expect(compared > 1000)
    }

    /// A model that knows the entities of even number and names a few of them.
    struct Named: CandidateSource {
        let opinions: [UInt32: Double]

        func knows(_ entity: UInt32) -> Bool { entity.isMultiple(of: 2) }

        func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
            for (entity, opinion) in opinions.sorted(by: { $0.key < $1.key }) where !request.excluded.contains(entity) {
                var candidate = Candidate(entity: entity, origin: .model)
                candidate.model = opinion
                pool.add(candidate)
            }
        }
    }

    @Test(
        "A model's opinion is its share of the score, and of what it cannot know half of the personal part stands for it"
    )
    func modelShare() {
        var spoken = 0
        RecommenderTests.run { random, world, question, settings in
            var opinions: [UInt32: Double] = [:]
            for _ in 0..<6 {
                let entity = UInt32(random.below(world.entities.count)) & ~1
                opinions[entity] = Double(1 + random.below(10)) / 10
            }
            var settings = settings
            settings.modelShare = Double(random.below(11)) / 10
            let list = Recommender(world, settings: settings, models: [Named(opinions: opinions)])
                .list(for: question, now: World.now)
            let hasSpoken = list.items.contains { $0.parts.model ?? 0 > 0 }
            for item in list.items where hasSpoken {
                let parts = item.parts
                let number = item.entity.number
                #expect(parts.model == (number.isMultiple(of: 2) ? opinions[number] ?? 0 : nil))
                let opinion = parts.model ?? 0.5 * parts.personal
                var score = 0.5 * parts.base + 0.3 * parts.personal + 0.2 * parts.popularity
                score += settings.modelShare * (opinion * (item.entity.isAvailable ? 1 : 0.5) - score)
                if item.rules.contains(.orderedRecently) { score *= 0.3 }
                if item.rules.contains(.disliked) { score *= 0.3 }
                #expect(abs(item.score - score) < 1e-12)
                let shares = item.shares
                #expect(abs(shares.base + shares.personal + shares.popularity - score) < 1e-12)
                spoken += 1
            }
        }
        #expect(spoken > 1000)
    }

    @Test(
        "Without the diversity rule a list is in order of score, then type, then id; what only fills it up comes last")
    func order() {
        var settings = RecommenderTests.plain
        settings.categoryLimit = 10
        RecommenderTests.run { random, world, question, _ in
            let items = Recommender(world, settings: settings).list(for: question, now: World.now).items
            func isFill(_ item: Recommendation) -> Bool { question.surface == .similar && !item.origin.isPersonal }
            #expect(items.map(isFill) == items.map(isFill).sorted { !$0 && $1 })
            for (left, right) in zip(items, items.dropFirst()) where isFill(left) == isFill(right) {
                #expect(
                    left.score > right.score
                        || (left.score == right.score
                            && (left.entity.type, left.entity.id) < (right.entity.type, right.entity.id))
                )
            }
        }
    }

    @Test("A list says by what it was filled when there was too little that is personal, and only then")
    func fallback() {
        RecommenderTests.run { random, world, question, settings in
            let list = Recommender(world, settings: settings).list(for: question, now: World.now)
            let common = list.items.filter { !$0.origin.isPersonal }
            let filled = common.filter { $0.rules.contains(.fallback) }
            #expect(filled.isEmpty == (list.fallback == nil))
            #expect(list.fallback == filled.map(\.origin).max())
            if list.items.allSatisfy(\.origin.isPersonal) { #expect(list.fallback == nil) }
            if !list.items.isEmpty, common.count == list.items.count { #expect(list.fallback != nil) }
        }
    }
}

/// The formula in slow and obvious words.
enum Oracle {
    static func facts(_ world: World, _ question: Question) -> AudienceFacts {
        switch question.subject {
        case .audience(let audience): return world.people[audience.user ?? ""] ?? AudienceFacts()
        case .similar(let type, let id):
            var facts = AudienceFacts()
            guard let entity = world.entities.first(where: { $0.type == type && $0.id == id }) else { return facts }
            facts.interactions = 5
            facts.usualPrice = entity.price
            facts.usualCurrency = entity.currency
            facts.session = [Action(entity: entity.number, type: 0, weight: 1, occurredAt: 0)]
            return facts
        }
    }

    /// What all that the person did with an entity comes to, each interaction once.
    static func sum(_ entity: UInt32, _ facts: AudienceFacts) -> Double {
        let others = facts.session.filter { action in
            !facts.recents.contains {
                ($0.entity, $0.occurredAt, $0.type) == (action.entity, action.occurredAt, action.type)
            }
        }
        return (facts.recents + others).filter { $0.entity == entity }.map(\.weight).reduce(0, +)
    }

    /// Whether the person's weights for an entity come to less than nothing.
    static func isDisliked(_ entity: UInt32, _ world: World, _ question: Question) -> Bool {
        guard case .audience = question.subject else { return false }
        return sum(entity, facts(world, question)) < 0
    }

    static func parts(_ entity: EntityFacts, _ world: World, _ question: Question) -> (Double, Double) {
        let facts = facts(world, question)
        var fit = 0.5
        if let price = entity.price {
            var usual: Double?
            if facts.interactions >= 5, let own = facts.usualPrice, facts.usualCurrency == entity.currency {
                usual = own
            } else if entity.currency == "EUR" {
                usual = entity.categories.lazy.compactMap { world.categoryPrices[$0] }.first
            }
            if let usual {
                fit = price == usual ? 1 : price > usual ? usual / price : price / usual
            }
        }
        let base = fit / 2 + (entity.isAvailable ? 0.5 : 0)
        let type = question.filters.entityType
        let most =
            world.entities.filter { $0.isListed && (type == nil || $0.type == type) }.map(\.popularity).max() ?? 0
        let popularity = most > 0 ? min(1, log(1 + max(0, entity.popularity)) / log(1 + most)) : 0
        return (base, popularity)
    }

    /// The personal part where it does not depend on what else is a candidate; `nil` where it does.
    static func personal(_ entity: EntityFacts, _ world: World, _ question: Question) -> Double? {
        let facts = facts(world, question)
        let isWarm = facts.interactions >= 5
        let done = facts.session.prefix(10) + (isWarm ? facts.recents.prefix(10) : [])
        // With neighbours the closest candidate is the measure.
        if done.contains(where: { $0.weight > 0 && sum($0.entity, facts) > 0 && !(world.near[$0.entity] ?? []).isEmpty }
        ) {
            return nil
        }
        func liked(_ longTerm: ContiguousArray<Recommend.Affinity>, _ numbers: (EntityFacts) -> [UInt32]) -> [UInt32:
            Double]
        {
            var session: [UInt32: Double] = [:]
            for (place, action) in facts.session.prefix(10).enumerated() {
                for number in numbers(world.entities[Int(action.entity)]) {
                    session[number, default: 0] += action.weight * pow(0.9, Double(place))
                }
            }
            session = session.filter { $0.value > 0 }
            let long = Dictionary(
                uniqueKeysWithValues: (isWarm ? longTerm : []).filter { $0.value > 0 }.map { ($0.number, $0.value) })
            var liked: [UInt32: Double] = [:]
            for (number, value) in session {
                liked[number, default: 0] += value / (session.values.max() ?? 1) * (long.isEmpty ? 1 : 0.5)
            }
            for (number, value) in long {
                liked[number, default: 0] += value / (long.values.max() ?? 1) * (session.isEmpty ? 1 : 0.5)
            }
            return liked
        }
        let categories = liked(facts.categories) { $0.categories }
        let brands = liked(facts.brands) { $0.brand.map { [$0] } ?? [] }
        if categories.isEmpty, brands.isEmpty {
            return done.contains { $0.weight > 0 && sum($0.entity, facts) > 0 } ? 0 : nil
        }
        var said: [(weight: Double, value: Double)] = []
        if !categories.isEmpty, !entity.categories.isEmpty {
            let sum = entity.categories.map { categories[$0] ?? 0 }.reduce(0, +)
            said.append((2, sum / Double(entity.categories.count)))
        }
        if !brands.isEmpty, let brand = entity.brand { said.append((1, brands[brand] ?? 0)) }
        let weights = said.map(\.weight).reduce(0, +)
        return weights == 0 ? 0 : said.map { $0.weight * $0.value }.reduce(0, +) / weights
    }
}
