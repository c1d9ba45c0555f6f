import Domain
import JSON
import Testing

@Suite("Documents of tracking plans")
struct PlanDocumentTests {
    @Test("A preset's document is read back as the same plan", arguments: TrackingPlan.presetNames)
    func presets(name: String) throws {
        let plan = try #require(try TrackingPlan.preset(name))
        #expect(try TrackingPlan(document: plan.document) == plan)
        // Through text as well, as it is stored.
        #expect(try TrackingPlan(document: document(plan.document.text)) == plan)
    }

    @Test("Random plans are read back as they were")
    func roundTrip() throws {
        let seed: UInt64 = 21
        var random = SeededGenerator(seed: seed)
        for round in 0..<500 {
            var plan = try #require(try TrackingPlan.preset("feed"))
            plan.name = random.pick(["", "shop", "é😀", "a\"b"])
            plan.isStrict = random.below(2) == 0
            plan.interactionTypes = (0...random.below(8)).map { number in
                var type = plan.interactionTypes[0]
                type.name = "t\(number)"
                type.weight = Double(random.below(2_000_001) - 1_000_000) / random.pick([1, 3, 7, 1000])
                type.preferenceWeight = random.pick([type.weight, -0.0, 0.1, -1_000_000])
                type.countsInPopularity = random.below(2) == 0
                type.counter = random.pick(["t\(number)_count", "c.\(number):/-"])
                type.gorse = random.pick([nil, "", "view", "own"])
                type.isPageView = random.below(2) == 0
                type.aliases = (0..<random.below(3)).map { "alias\(number).\($0)" }
                return type
            }
            plan.entityTypes = (0...random.below(5)).map { number in
                var type = plan.entityTypes[0]
                type.name = "e\(number)"
                type.metadata = random.pick([nil, true, false, .object([:]), ["type": "object", "minProperties": 1]])
                type.contexts = random.pick([nil, [], ["cart"], ["a", "b/c"]])
                return type
            }
            plan.defaultEntityType = "e0"
            #expect(try TrackingPlan(document: document(plan.document.text)) == plan, "seed \(seed) round \(round)")
        }
    }

    @Test("A plan that extends a preset adds to it and replaces what has the same name")
    func extending() throws {
        let plan = try TrackingPlan(
            document: document(
                """
                {"extends": "commerce", "strict": true, "interaction_types": {"view": {"weight": 7}, "stare": {}},
                 "entity_types": {"poster": {"contexts": ["wall"]}}, "default_entity_type": "poster"}
                """))
        let preset = try #require(try TrackingPlan.preset("commerce"))
        #expect(plan.isStrict && plan.name == "commerce" && plan.defaultEntityType == "poster")
        #expect(plan.interactionTypes.map(\.name) == preset.interactionTypes.map(\.name) + ["stare"])
        #expect(plan.interactionTypes[0].weight == 7 && plan.interactionTypes[0].preferenceWeight == 7)
        #expect(!plan.interactionTypes[0].countsInPopularity && !plan.interactionTypes[0].isPageView)
        #expect(plan.interactionTypes.last?.counter == "stare_count" && plan.interactionTypes.last?.gorse == "stare")
        #expect(plan.entityTypes.last?.contexts == ["wall"])
    }

    static let rest = #""entity_types":{"e":{}}}"#

    @Test(
        "A plan that cannot be is refused with the place of what is wrong",
        arguments: [
            ("[]", ""), ("3", ""), ("{}", "/interaction_types"),
            (#"{"interaction_types":{"view":{}}}"#, "/entity_types"),
            (#"{"interaction_types":{},"entity_types":{}}"#, "/interaction_types"),
            (#"{"extends":"shop"}"#, "/extends"), (#"{"extends":1}"#, "/extends"),
            (#"{"extends":"feed","colour":1}"#, "/colour"),
            (#"{"extends":"feed","strict":"yes"}"#, "/strict"), (#"{"extends":"feed","name":1}"#, "/name"),
            (#"{"extends":"feed","default_entity_type":"none"}"#, "/default_entity_type"),
            (#"{"interaction_types":[],\#(rest)"#, "/interaction_types"),
            (#"{"interaction_types":{"v":1},\#(rest)"#, "/interaction_types/v"),
            (#"{"interaction_types":{"":{}},\#(rest)"#, "/interaction_types/"),
            (#"{"interaction_types":{"two words":{}},\#(rest)"#, "/interaction_types/two words"),
            (#"{"interaction_types":{"v":{"weight":"2"}},\#(rest)"#, "/interaction_types/v/weight"),
            (#"{"interaction_types":{"v":{"weight":1000001}},\#(rest)"#, "/interaction_types/v/weight"),
            (#"{"interaction_types":{"v":{"weight":1e999}},\#(rest)"#, "/interaction_types/v/weight"),
            (#"{"interaction_types":{"v":{"weigth":1}},\#(rest)"#, "/interaction_types/v/weigth"),
            (#"{"interaction_types":{"v":{"counter":"a b"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"popularity_score"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"trending_score"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"search_count"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"product_id"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"last_interaction"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"title"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"v":{"counter":"score"}},\#(rest)"#, "/interaction_types/v/counter"),
            (#"{"interaction_types":{"search_count":{}},\#(rest)"#, "/interaction_types/search_count"),
            (#"{"interaction_types":{"v":{"aliases":["a b"]}},\#(rest)"#, "/interaction_types/v/aliases"),
            (#"{"interaction_types":{"v":{"aliases":"w"}},\#(rest)"#, "/interaction_types/v/aliases"),
            (#"{"interaction_types":{"v":{"aliases":["v"]}},\#(rest)"#, "/interaction_types/v"),
            (#"{"interaction_types":{"v":{"aliases":["w"]},"w":{}},\#(rest)"#, "/interaction_types/w"),
            (#"{"interaction_types":{"v":{"popularity":1}},\#(rest)"#, "/interaction_types/v/popularity"),
            (#"{"interaction_types":{"v":{"gorse":false}},\#(rest)"#, "/interaction_types/v/gorse"),
            (#"{"interaction_types":{"v":{}},"entity_types":{"e":{"metadata":[]}}}"#, "/entity_types/e/metadata"),
            (#"{"interaction_types":{"v":{}},"entity_types":{"e":{"contexts":["a b"]}}}"#, "/entity_types/e/contexts"),
            (#"{"interaction_types":{"v":{}},"entity_types":{"e":{"schema":{}}}}"#, "/entity_types/e/schema"),
            (#"{"interaction_types":{"v":{}},"entity_types":{"e":null}}"#, "/entity_types/e"),
        ])
    func refusals(text: String, path: String) throws {
        let value = try document(text)
        let error = refusal { () throws(FootfallError) in _ = try TrackingPlan(document: value) }
        #expect(error?.code == "invalid_plan")
        #expect(error?.path == path)
        #expect((error?.message.count ?? 0) > 10)
    }

    @Test(
        "A type called search has a counter beside that of searches, and a stored plan opens with whatever counters it has"
    )
    func counters() throws {
        let plan = try TrackingPlan(
            document: document(#"{"interaction_types":{"search":{}},\#(PlanDocumentTests.rest)"#))
        #expect(plan.interactionTypes[0].counter == "search_event_count")
        let old = try document(#"{"interaction_types":{"a":{"counter":"score"},"b":{"counter":"score"}},\#(Self.rest)"#)
        #expect(try TrackingPlan(document: old, isStored: true).interactionTypes.map(\.counter) == ["score", "score"])
    }

    @Test("A schema that cannot be compiled is refused with its place in the plan")
    func schemas() throws {
        let text =
            #"{"extends":"feed","entity_types":{"post":{"metadata":{"properties":{"a":{"unevaluatedItems":false}}}}}}"#
        let plan = try TrackingPlan(document: document(text))
        let error = refusal { () throws(FootfallError) in _ = try CompiledPlan(plan, version: 1, names: NameTable()) }
        #expect(error?.code == "invalid_plan")
        #expect(error?.path?.hasPrefix("/entity_types/post/metadata/properties/a") == true, "\(error?.path ?? "")")
    }

    @Test("More types than a plan may declare are refused")
    func tooMany() throws {
        let types = (0...1000).map { "\"t\($0)\":{}" }.joined(separator: ",")
        let value = try document(#"{"interaction_types":{\#(types)},\#(PlanDocumentTests.rest)"#)
        let error = refusal { () throws(FootfallError) in _ = try TrackingPlan(document: value) }
        #expect(error?.path == "/interaction_types")
    }
}
