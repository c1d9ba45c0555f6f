import Domain
import Foundation
import Live
import Recommend
import Testing

/// Filters beside a slow evaluation of the same words over the entities as the catalogue gave them.
@Suite("Filters")
struct FilterTests {
    /// A condition with its text and what it means, in other words than the program's.
    struct Condition {
        var text: String
        var holds: (EntityFacts, EntityDetails) -> Bool
    }

    static func condition(_ random: inout SeededRandom, depth: Int) -> Condition {
        if depth > 0, random.below(2) == 0 {
            let parts = (0..<(2 + random.below(2))).map { _ in condition(&random, depth: depth - 1) }
            let isAnd = random.below(2) == 0
            let text = parts.map { "(\($0.text))" }.joined(separator: isAnd ? " AND " : " or ")
            return Condition(text: text) { facts, details in
                isAnd
                    ? parts.reduce(true) { $0 && $1.holds(facts, details) }
                    : parts.reduce(false) { $0 || $1.holds(facts, details) }
            }
        }
        if depth > 0, random.below(3) == 0 {
            let part = condition(&random, depth: depth - 1)
            return Condition(text: "NOT (\(part.text))") { !part.holds($0, $1) }
        }
        return simple(&random)
    }

    static func simple(_ random: inout SeededRandom) -> Condition {
        let sign = ["=", "!=", "<", "<=", ">", ">="][random.below(6)]
        func compare(_ value: Double?, _ limit: Double) -> Bool {
            guard let value else { return sign == "!=" }
            switch sign {
            case "=": return value == limit
            case "!=": return value != limit
            case "<": return value < limit
            case "<=": return value <= limit
            case ">": return value > limit
            default: return value >= limit
            }
        }
        switch random.below(10) {
        case 0:
            let limit = Double(random.below(200)) / 4
            return Condition(text: "price \(sign) \(limit)") { facts, _ in compare(facts.price, limit) }
        case 1:
            let limit = Double(random.below(8))
            return Condition(text: "popularity\(sign)\(limit)") { facts, _ in compare(facts.popularity, limit) }
        case 2:
            let names = (0..<2).map { _ in World.categories[random.below(6)] }
            return Condition(text: "category IN (\(names[0]), \"\(names[1])\")") { facts, _ in
                facts.categories.contains { names.contains(World.categories[Int($0)]) }
            }
        case 3:
            let isEqual = random.below(2) == 0
            let brand = UInt32(random.below(6))
            return Condition(text: "brand \(isEqual ? "=" : "!=") \"brand \(brand)\"") { facts, _ in
                (facts.brand == brand) == isEqual
            }
        case 4:
            let label = UInt32(random.below(2))
            return Condition(text: "label = \(World.texts[Int(label)])") { $1.labels.contains(label) }
        case 5:
            let value = Double(random.below(5))
            return Condition(text: "attributes.size \(sign) \(value)") { _, details in
                let sizes = details.attributes.compactMap { attribute -> Double? in
                    if attribute.name == 3, case .number(let size) = attribute.value { size } else { nil }
                }
                return sign == "!=" ? !sizes.contains(value) : sizes.contains { compare($0, value) }
            }
        case 6:
            let colour = UInt32(4 + random.below(2))
            return Condition(text: "attributes.colour != \(World.texts[Int(colour)])") { _, details in
                !details.attributes.contains { $0.name == 2 && $0.value == .text(colour) }
            }
        case 7:
            let hours = random.below(20) - 10
            let moment = World.now + Int64(hours) * 3_600_000
            let text = hours < 0 ? "now-\(-hours)h" : "now+\(hours)h"
            return Condition(text: "published_at \(sign) \(text)") { _, details in
                compare(details.publishedAt.map { Double($0) }, Double(moment))
            }
        case 8:
            let kilometres = Double(random.below(3000))
            let ordered = ["<", "<=", ">", ">="][random.below(4)]
            return Condition(text: "distance(52.5, 13.4) \(ordered) \(kilometres)") { _, details in
                guard let place = details.place else { return false }
                let far = FilterTests.distance(52.5, 13.4, place)
                return ordered.hasPrefix("<") ? far < kilometres : far > kilometres
            }
        default:
            return Condition(text: "EXISTS(attributes.colour) AND in_stock = true") { facts, details in
                details.attributes.contains { $0.name == 2 } && facts.isAvailable
            }
        }
    }

    /// By the spherical law of cosines, which is another formula than the program's.
    static func distance(_ latitude: Double, _ longitude: Double, _ place: GeoPoint) -> Double {
        let r = Double.pi / 180
        let cosine =
            sin(latitude * r) * sin(place.latitude * r)
            + cos(latitude * r) * cos(place.latitude * r) * cos((longitude - place.longitude) * r)
        return 6371.0088 * acos(max(-1, min(1, cosine)))
    }

    static func describe(_ world: inout World, _ random: inout SeededRandom) {
        for index in world.details.indices {
            var details = EntityDetails()
            details.labels = (0..<2).filter { _ in random.below(3) == 0 }.map { UInt32($0) }
            if random.below(2) == 0 {
                details.attributes.append(.init(name: 2, value: .text(UInt32(4 + random.below(2)))))
            }
            for _ in 0..<random.below(3) {
                details.attributes.append(.init(name: 3, value: .number(Double(random.below(5)))))
            }
            if random.below(2) == 0 { details.publishedAt = World.now + Int64(random.below(20) - 10) * 3_600_000 }
            if random.below(2) == 0 {
                details.place = GeoPoint(
                    latitude: Double(random.below(180) - 90), longitude: Double(random.below(360) - 180))
            }
            if random.below(4) == 0 { details.overAt = World.now + Int64(random.below(20) - 10) * 3_600_000 }
            world.details[index] = details
        }
    }

    @Test("A list under a filter has what the filter says, and nothing that is over")
    func random() throws {
        var shown = 0
        for seed in UInt64(1)...300 {
            var random = SeededRandom(seed)
            var world = World(&random, size: 30 + random.below(60))
            FilterTests.describe(&world, &random)
            let condition = FilterTests.condition(&random, depth: 3)
            var question = Question(.audience(Audience(user: "u0")))
            question.limit = 100
            question.filters.expression = try FilterParser.parse(condition.text, now: World.now)
            let list = Recommender(world, settings: RankingSettings()).list(for: question, now: World.now)
            let possible = world.entities.filter { entity in
                let details = world.details[Int(entity.number)]
                return entity.isListed && (details.overAt ?? .max) > World.now && condition.holds(entity, details)
            }
            #expect(Set(list.items.map(\.entity.number)) == Set(possible.map(\.number)), "\(condition.text)")
            shown += list.items.count
        }
        #expect(shown > 1000)
    }

    @Test(
        "What cannot be read is refused with a place",
        arguments: [
            "", "price", "price <", "price < cheap", "colour = red", "price <= 20 AND", "(price < 1", "price < 1)",
            "NOT", "category < Shoes", "category IN ()", "category IN (a", "in_stock = perhaps", "label = \"open",
            "distance(1, 2)", "distance(100, 2) <= 3", "distance(1, 2) = 3", "distance(1, 2) != 3",
            "distance(1, 2) IN (3)", "distance(1, 2) >= -3", "attributes. = 1", "EXISTS(attributes.)",
            "published_at > yesterday",
            "price < 1 price > 2", "EXISTS(colour)", "price < nan", "price < inf", "\u{0}", "😀",
        ])
    func refused(text: String) {
        #expect(throws: FilterError.self) { try FilterParser.parse(text, now: 0) }
    }

    @Test("Why a distance is refused is said")
    func distances() {
        for sign in ["= 3", "!= 3", "IN (3)"] {
            let error = #expect(throws: FilterError.self) { try FilterParser.parse("distance(1, 2) \(sign)", now: 0) }
            #expect(error?.message.contains("<, <=, > and >= only, at byte 15") == true)
        }
    }

    @Test("Bounds on length, depth and number hold")
    func bounds() {
        let deep = String(repeating: "(", count: 100) + "price < 1" + String(repeating: ")", count: 100)
        let many = Array(repeating: "price < 1", count: 200).joined(separator: " AND ")
        let nots = String(repeating: "NOT ", count: 1000) + "price < 1"
        for text in [deep, many, nots, String(repeating: " ", count: 10_000)] {
            #expect(throws: FilterError.self) { try FilterParser.parse(text, now: 0) }
        }
    }

    @Test("Generated nonsense is read or refused, never a crash")
    func nonsense() {
        let words = [
            "price", "category", "<", ">=", "=", "!=", "(", ")", ",", "AND", "or", "NOT", "\"", "\\", "1", "-2e5",
            "now-7d", "IN",
            "distance", "EXISTS", "attributes.a", "é", "true", " ",
        ]
        var random = SeededRandom(11)
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<random.below(14)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
            if (try? FilterParser.parse(text, now: 0)) != nil { read += 1 }
        }
        #expect(read > 0)
    }
}
