import Domain
import JSON
import Testing

@Suite("The presets")
struct PresetTests {
    /// A line of the table of types: name, weight, weight in preferences, whether it counts in popularity, Gorse's name.
    struct Line: Sendable, CustomStringConvertible {
        let name: String
        let weight: Double
        let preference: Double
        let isPopular: Bool
        let gorse: String?
        let presets: [String]
        var aliases: [String] = []
        var isPageView = false

        init(
            _ name: String, _ weight: Double, _ preference: Double? = nil, popular: Bool, gorse: String?,
            _ presets: [String],
            aliases: [String] = [], isPageView: Bool = false
        ) {
            self.name = name
            self.weight = weight
            self.preference = preference ?? weight
            isPopular = popular
            self.gorse = gorse
            self.presets = presets
            self.aliases = aliases
            self.isPageView = isPageView
        }

        var description: String { name }
    }

    static let both = ["music", "feed"]
    static let lines = [
        Line("view", 2, popular: true, gorse: "view", ["commerce", "music", "feed"], isPageView: true),
        Line("search_click", 1, popular: true, gorse: "click", ["commerce"]),
        Line("cart_add", 5, popular: true, gorse: "cart_add", ["commerce"], aliases: ["add_to_cart"]),
        Line("order", 10, popular: true, gorse: "purchase", ["commerce"], aliases: ["purchase"]),
        Line("wishlist_add", 3, popular: false, gorse: "wishlist_add", ["commerce"]),
        Line("recommendation_viewed", 0, popular: false, gorse: "view", ["commerce"]),
        Line("recommendation_clicked", 1, popular: false, gorse: "click", ["commerce"]),
        Line("cart_remove", 0, -5, popular: false, gorse: "cart_remove", ["commerce"]),
        Line("refund", 0, -10, popular: false, gorse: nil, ["commerce"]),
        Line("click", 1, popular: true, gorse: "click", both),
        Line("like", 4, popular: true, gorse: "like", both), Line("share", 5, popular: true, gorse: "share", both),
        Line("comment", 4, popular: true, gorse: "comment", both),
        Line("interest", 4, popular: true, gorse: "interest", ["music"]),
        Line("review", 5, popular: true, gorse: "review", ["music"]),
        Line("follow", 6, popular: true, gorse: "follow", ["music"]),
        Line("attendance", 8, popular: true, gorse: "attendance", ["music"]),
        Line("ticket_click", 8, popular: true, gorse: "ticket_click", ["music"]),
        Line("unfollow", 0, -6, popular: false, gorse: "unfollow", ["music"]),
        Line("streaming_top", 4, popular: true, gorse: "streaming_top", ["music"]),
        Line("streaming_recent", 2, popular: true, gorse: "streaming_recent", ["music"]),
        Line("swipe", 1, popular: true, gorse: "swipe", ["music"]),
        Line("search", 0, popular: false, gorse: nil, ["music"]),
        Line("navigate", 0, popular: false, gorse: nil, ["music"], isPageView: true),
        Line("form_submit", 0, popular: false, gorse: nil, ["music"]),
        Line("profile_update", 0, popular: false, gorse: nil, ["music"]),
    ]

    @Test(
        "Every type has the weight, the share in popularity, the Gorse type and the aliases of the table",
        arguments: lines)
    func types(line: Line) throws {
        for preset in line.presets + ["default"] {
            let plan = try #require(try TrackingPlan.preset(preset))
            let type = try #require(
                plan.interactionTypes.first { $0.name == line.name }, "\(preset) has no \(line.name)")
            #expect(type.weight == line.weight)
            #expect(type.preferenceWeight == line.preference)
            #expect(type.countsInPopularity == line.isPopular)
            #expect(type.gorse == line.gorse)
            #expect(type.aliases == line.aliases)
            #expect(type.isPageView == line.isPageView)
            // Search results shown are counted under search_count, so the type "search" has another counter.
            #expect(type.counter == (line.name == "search" ? "search_event_count" : "\(line.name)_count"))
        }
    }

    @Test("A preset has the types of the table and no others", arguments: ["commerce", "music", "feed", "default"])
    func names(preset: String) throws {
        let plan = try #require(try TrackingPlan.preset(preset))
        let expected = Self.lines.filter { preset == "default" || $0.presets.contains(preset) }.map(\.name)
        #expect(Set(plan.interactionTypes.map(\.name)) == Set(expected))
        #expect(plan.interactionTypes.count == expected.count)
        #expect(Set(plan.interactionTypes.map(\.counter)).count == expected.count)
        #expect(!plan.isStrict)
        _ = try CompiledPlan(plan, version: 1, names: NameTable())
    }

    @Test("Entity types and contexts are those of the documents")
    func entityTypes() throws {
        let music = [
            "event", "artist", "venue", "review", "ticket_link", "user", "profile", "view", "form", "song", "album",
            "playlist",
        ]
        let expected = ["commerce": ["product", "collection"], "music": music, "feed": ["post"]]
        for (preset, names) in expected {
            let plan = try #require(try TrackingPlan.preset(preset))
            #expect(plan.entityTypes.map(\.name) == names)
            #expect(plan.defaultEntityType == names[0])
            for type in plan.entityTypes {
                let closed = ["cart", "product_page", "homepage", "checkout"]
                #expect(type.contexts == (preset == "commerce" ? closed : nil), "\(type.name)")
                #expect((type.metadata == nil) == (preset == "commerce"), "\(type.name)")
            }
        }
        let union = try #require(try TrackingPlan.preset("default"))
        #expect(Set(union.entityTypes.map(\.name)) == Set(["product", "collection", "post"] + music))
        #expect(union.defaultEntityType == "product")
        #expect(try TrackingPlan.preset("shop") == nil)
        #expect(TrackingPlan.presetNames == ["default", "commerce", "music", "feed"])
    }

    @Test("An alias finds its type and says that it is one")
    func aliases() throws {
        let plan = try #require(try TrackingPlan.preset("default"))
        let compiled = try CompiledPlan(plan, version: 1, names: NameTable())
        for type in plan.interactionTypes {
            for name in [type.name] + type.aliases {
                let found = try #require(Array(name.utf8).withUnsafeBytes { compiled.type($0) })
                #expect(found.type.declaration.name == type.name)
                #expect(found.isAlias == (name != type.name))
            }
        }
        #expect(compiled.type(named: "nothing") == nil && compiled.type(named: "") == nil)
    }
}
