import Domain
import JSON
import Testing

@Suite("Documents of settings")
struct SettingsDocumentTests {
    @Test("Settings are read back as they were, and the defaults are the documented ones")
    func roundTrip() throws {
        var settings = TenantSettings()
        #expect(try TenantSettings(document: settings.document) == settings)
        #expect(try TenantSettings(document: .object([:])) == settings)
        #expect(
            settings.sessionTimeout == 1_800_000 && settings.retentionDays == 90 && settings.trendingHalfLifeHours == 72
        )
        #expect(
            settings.maximumIDBytes == 256 && settings.maximumMetadataBytes == 32_768 && settings.maximumBatch == 1000)
        #expect(settings.maximumBodyBytes == 1 << 20 && settings.maximumStreamBytes == 16 << 20)
        #expect(settings.maximumMetadataDepth == 32 && settings.trendingWindowHours == 168 && !settings.trustsUserIDs)
        let seed: UInt64 = 31
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            settings.sessionTimeout = Int64(1 + random.below(1440)) * 60_000
            settings.trendingHalfLifeHours = random.pick([0.1, 1.0 / 3 + 1, 72, 87_600])
            settings.trendingWindowHours = Int64(1 + random.below(720))
            settings.retentionDays = random.pick([nil, 1, 90, 36_500])
            settings.trustsUserIDs = random.below(2) == 0
            settings.domains = random.pick([[], ["shop.example"], ["a", "b.c", "müller.example"]])
            settings.maximumIDBytes = 16 + random.below(4081)
            settings.maximumMetadataBytes = 2 + random.below(1_048_575)
            settings.maximumMetadataDepth = 1 + random.below(256)
            settings.maximumBatch = 1 + random.below(100_000)
            settings.maximumBodyBytes = 1024 + random.below(67_107_841)
            settings.maximumStreamBytes = 1024 + random.below(268_434_433)
            #expect(try TenantSettings(document: document(settings.document.text)) == settings, "seed \(seed)")
        }
    }

    @Test("Searches are not cut by category; every other surface is as the tenant has it")
    func categoryLimits() {
        for surface in Surface.allCases {
            #expect(SurfaceSettings.standard(surface).categoryLimit == (surface == .search ? 10 : nil), "\(surface)")
        }
    }

    @Test("A merge changes what it names, null clears, and a refused one changes nothing")
    func merging() throws {
        var settings = TenantSettings()
        try settings.merge(document(#"{"retention_days":null,"domains":["Shop.Example"],"maximum_batch":5.0}"#))
        #expect(settings.retentionDays == nil && settings.domains == ["shop.example"] && settings.maximumBatch == 5)
        #expect(settings.trendingWindowHours == 168)
        let before = settings
        let value = try document(#"{"retention_days":7,"maximum_batch":0}"#)
        let error = refusal { () throws(FootfallError) in try settings.merge(value) }
        #expect(error?.code == "invalid_settings" && error?.path == "/maximum_batch")
        #expect(settings == before)
        try settings.merge(document(#"{"retention_days":7}"#))
        #expect(settings.retentionDays == 7)
    }

    @Test(
        "Values out of range, of another type, or unknown are refused with their place",
        arguments: [
            (#"{"retention_day":1}"#, "/retention_day"), (#"{"retention_days":0}"#, "/retention_days"),
            (#"{"retention_days":"90"}"#, "/retention_days"), (#"{"retention_days":1.5}"#, "/retention_days"),
            (#"{"retention_days":36501}"#, "/retention_days"),
            (#"{"session_timeout_minutes":0}"#, "/session_timeout_minutes"),
            (#"{"session_timeout_minutes":1e300}"#, "/session_timeout_minutes"),
            (#"{"session_timeout_minutes":null}"#, "/session_timeout_minutes"),
            (#"{"trending_half_life_hours":0}"#, "/trending_half_life_hours"),
            (#"{"trending_half_life_hours":1e999}"#, "/trending_half_life_hours"),
            (#"{"trending_window_hours":721}"#, "/trending_window_hours"),
            (#"{"trust_user_ids":1}"#, "/trust_user_ids"),
            (#"{"domains":"a"}"#, "/domains"), (#"{"domains":[1]}"#, "/domains"),
            (#"{"maximum_id_bytes":15}"#, "/maximum_id_bytes"),
            (#"{"maximum_metadata_depth":257}"#, "/maximum_metadata_depth"),
            (#"{"maximum_body_bytes":-1}"#, "/maximum_body_bytes"),
            (#"{"maximum_stream_bytes":9223372036854775808}"#, "/maximum_stream_bytes"), ("[]", ""), ("null", ""),
        ])
    func refusals(text: String, path: String) throws {
        let value = try document(text)
        let error = refusal { () throws(FootfallError) in _ = try TenantSettings(document: value) }
        #expect(error?.code == "invalid_settings" && error?.path == path, "\(String(describing: error))")
    }
}

@Suite("Documents of entities")
struct EntityDocumentTests {
    private static let full = """
        {"type": "product", "id": "p1", "title": "Lamp 😀", "description": "d", "categories": ["a", "b"], "brand": "B",
         "price": "12.50", "currency": "EUR", "inventory": 3, "published_at": "2026-01-31T12:00:00.000Z", "hidden": true,
         "labels": ["x"], "attributes": {"colour": "red", "n": [1, -0, {"é": null}]}}
        """

    @Test("An entity is read back as it was")
    func roundTrip() throws {
        let entity = try Entity(document: document(Self.full))
        #expect(entity.categories == ["a", "b"] && entity.price == "12.50" && entity.inventory == 3 && entity.isHidden)
        #expect(entity.publishedAt?.milliseconds == 1_769_860_800_000)
        #expect(try Entity(document: document(entity.document.text)) == entity)
        #expect(try document(entity.document.text) == document(Self.full))
        let bare = Entity(type: "post", id: "1")
        #expect(try Entity(document: bare.document) == bare)
    }

    @Test("A patch keeps what it does not name and clears what is null")
    func patch() throws {
        let entity = try Entity(document: document(Self.full))
        let same = try Entity(document: .object([:]), type: "product", id: "p1", patching: entity)
        #expect(same == entity)
        let names = ["title", "description", "brand", "price", "currency", "inventory", "published_at", "attributes"]
        for name in names {
            let patched = try Entity(document: .object([name: nil]), type: "product", id: "p1", patching: entity)
            #expect(patched.document[name] == nil, "\(name)")
            var expected = try #require(entity.document.objectValue)
            expected[name] = nil
            #expect(patched.document == .object(expected), "\(name)")
        }
        let changed = try Entity(
            document: document(#"{"price": 7, "categories": [], "hidden": false}"#), type: "product", id: "p1",
            patching: entity)
        #expect(
            changed.price == "7" && changed.categories.isEmpty && !changed.isHidden && changed.title == entity.title)
    }

    @Test("A placeholder that is given a document is one no more, and repeats in lists are left out")
    func placeholder() throws {
        var known = Entity(type: "product", id: "7")
        known.isPlaceholder = true
        let entity = try Entity(
            document: document(#"{"id": 7, "type": "product", "categories": ["b", "a", "b"]}"#), patching: known)
        #expect(!entity.isPlaceholder && entity.id == "7" && entity.categories == ["b", "a"])
    }

    @Test("Prices are kept as they were written")
    func prices() throws {
        for (text, kept) in [
            (#""12.50""#, "12.50"), ("12.5", "12.5"), ("0", "0"), (#""0.000001""#, "0.000001"),
            ("999999999999999", "999999999999999"),
        ] {
            let entity = try Entity(document: document(#"{"type":"product","id":"p","price":\#(text)}"#))
            #expect(entity.price == kept)
        }
    }

    @Test(
        "What cannot be kept is refused with its place",
        arguments: [
            ("[]", ""), ("{}", "/type"), (#"{"type":"p"}"#, "/id"), (#"{"type":"","id":"1"}"#, "/type"),
            (#"{"type":1,"id":"1"}"#, "/type"),
            (#"{"type":"p","id":""}"#, "/id"), (#"{"type":"p","id":1.5}"#, "/id"), (#"{"type":"p","id":null}"#, "/id"),
            (#"{"type":"p","id":"a\u0000"}"#, "/id"),
            (#"{"type":"p","id":"\#(String(repeating: "x", count: 257))"}"#, "/id"),
            (#"{"type":"p","id":"1","colour":1}"#, "/colour"), (#"{"type":"p","id":"1","title":1}"#, "/title"),
            (#"{"type":"p","id":"1","title":"\#(String(repeating: "x", count: 1025))"}"#, "/title"),
            (#"{"type":"p","id":"1","title":"\u0000"}"#, "/title"),
            (#"{"type":"p","id":"1","currency":"eur"}"#, "/currency"),
            (#"{"type":"p","id":"1","currency":"EURO"}"#, "/currency"),
            (#"{"type":"p","id":"1","price":-1}"#, "/price"),
            (#"{"type":"p","id":"1","price":"1e3"}"#, "/price"), (#"{"type":"p","id":"1","price":"1."}"#, "/price"),
            (#"{"type":"p","id":"1","price":".5"}"#, "/price"), (#"{"type":"p","id":"1","price":"1,5"}"#, "/price"),
            (#"{"type":"p","id":"1","price":1e300}"#, "/price"),
            (#"{"type":"p","id":"1","price":"0.0000001"}"#, "/price"),
            (#"{"type":"p","id":"1","price":true}"#, "/price"),
            (#"{"type":"p","id":"1","inventory":-1}"#, "/inventory"),
            (#"{"type":"p","id":"1","inventory":0.5}"#, "/inventory"),
            (#"{"type":"p","id":"1","categories":"a"}"#, "/categories"),
            (#"{"type":"p","id":"1","categories":[1]}"#, "/categories"),
            (#"{"type":"p","id":"1","categories":[""]}"#, "/categories"),
            (#"{"type":"p","id":"1","labels":[\#((0...64).map { "\"\($0)\"" }.joined(separator: ","))]}"#, "/labels"),
            (#"{"type":"p","id":"1","published_at":"noon"}"#, "/published_at"),
            (#"{"type":"p","id":"1","hidden":1}"#, "/hidden"),
            (#"{"type":"p","id":"1","attributes":[]}"#, "/attributes"),
            (#"{"type":"p","id":"1","attributes":{"a":"\#(String(repeating: "x", count: 65_536))"}}"#, "/attributes"),
        ])
    func refusals(text: String, path: String) throws {
        let value = try document(text)
        let error = refusal { () throws(FootfallError) in _ = try Entity(document: value) }
        #expect(error?.code == "invalid_entity" && error?.path == path, "\(String(describing: error))")
        #expect((error?.message.count ?? 0) > 10)
    }

    @Test("The id and the type of the path must not be contradicted")
    func path() throws {
        let other = try document(#"{"id":"2"}"#)
        let error = refusal { () throws(FootfallError) in
            _ = try Entity(document: other, path: "/entities/3", type: "p", id: "1")
        }
        #expect(error?.path == "/entities/3/id")
        let type = try document(#"{"type":"q"}"#)
        #expect(
            refusal { () throws(FootfallError) in _ = try Entity(document: type, type: "p", id: "1") }?.path == "/type")
    }
}
