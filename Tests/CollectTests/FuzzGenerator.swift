import Domain

/// Makes interactions as JSON text, mostly right and often wrong in one place. Cheap, as a million of them are made in a
/// debug build: texts are put together from prepared pieces.
struct FuzzGenerator {
    var random: SeededGenerator

    /// A field of a wire shape: how often it is there, and from which pieces its value is taken.
    struct Field {
        let key: [UInt8]
        let percent: Int
        let pool: [[UInt8]]

        init(_ name: String, _ percent: Int, _ pool: [[UInt8]]) {
            key = Array("\"\(name)\":".utf8)
            self.percent = percent
            self.pool = pool
        }
    }

    static func pieces(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }

    /// Writes an object of a shape.
    mutating func object(_ shape: [Field], into out: inout [UInt8]) {
        out.append(0x7b)
        var isFirst = true
        // Fields begin anywhere in the list, so that their order varies.
        let turn = random.below(shape.count)
        for index in shape.indices {
            let field = shape[(index + turn) % shape.count]
            guard random.chance(field.percent) else { continue }
            let times = random.below(400) == 0 ? 2 : 1
            for _ in 0..<times {
                if !isFirst { out.append(0x2c) }
                isFirst = false
                out.append(contentsOf: field.key)
                if random.below(64) == 0 { out.append(0x20) }
                value(of: field, into: &out)
            }
        }
        out.append(0x7d)
    }

    private mutating func value(of field: Field, into out: inout [UInt8]) {
        let dice = random.below(1000)
        if dice < 20 {
            out.append(contentsOf: random.pick(FuzzGenerator.hostile))
        } else if dice < 21 {
            out.append(contentsOf: random.pick(FuzzGenerator.large))
        } else if field.pool.isEmpty {
            anything(depth: 0, into: &out)
        } else {
            let piece = random.pick(field.pool)
            if piece == FuzzGenerator.time {
                moment(into: &out)
            } else if piece == FuzzGenerator.freeObject {
                freeObject(depth: 0, into: &out)
            } else {
                out.append(contentsOf: piece)
            }
        }
    }

    // MARK: Values

    /// Stands for a time made anew.
    static let time = Array("TIME".utf8)
    /// Stands for an object made anew.
    static let freeObject = Array("OBJECT".utf8)

    private mutating func digits(_ value: Int, _ count: Int, into out: inout [UInt8]) {
        var scale = 1
        for _ in 1..<count { scale *= 10 }
        while scale > 0 {
            out.append(48 + UInt8(value / scale % 10))
            scale /= 10
        }
    }

    /// A time around the moment of receipt, sometimes no time at all.
    mutating func moment(into out: inout [UInt8]) {
        out.append(0x22)
        let isWild = random.chance(10)
        digits(isWild ? random.below(10_000) : 2026 - (random.chance(5) ? 1 : 0), 4, into: &out)
        out.append(0x2d)
        digits(isWild ? random.below(14) : random.chance(90) ? 1 : 2, 2, into: &out)
        out.append(0x2d)
        digits(isWild ? random.below(33) : 20 + random.below(12), 2, into: &out)
        out.append(random.pick([0x54, 0x54, 0x54, 0x74, 0x20]))
        digits(random.below(isWild ? 26 : 24), 2, into: &out)
        out.append(0x3a)
        digits(random.below(isWild ? 62 : 60), 2, into: &out)
        out.append(0x3a)
        digits(random.below(isWild ? 62 : 60), 2, into: &out)
        if random.chance(60) {
            out.append(0x2e)
            for _ in 0...random.below(random.chance(95) ? 4 : 60) { out.append(48 + UInt8(random.below(10))) }
        }
        out.append(
            contentsOf: random.pick(FuzzGenerator.zones))
        out.append(0x22)
    }

    private static let zones = pieces([
        "Z", "Z", "Z", "Z", "z", "+00:00", "-00:00", "+01:00", "-11:30", "+23:59", "-23:59", "+24:00", "+0100", "",
    ])

    /// Any JSON value.
    mutating func anything(depth: Int, into out: inout [UInt8]) {
        switch random.below(depth < 4 ? 10 : 7) {
        case 0, 1, 2: out.append(contentsOf: random.pick(FuzzGenerator.scalars))
        case 3: out.append(contentsOf: random.pick(FuzzGenerator.ids))
        case 4:
            if random.chance(30) { out.append(0x2d) }
            digits(1 + random.below(9), 1, into: &out)
            for _ in 0..<random.below(20) { out.append(48 + UInt8(random.below(10))) }
            if random.chance(30) {
                out.append(0x2e)
                digits(random.below(1000), 3, into: &out)
            }
            if random.chance(20) {
                out.append(contentsOf: random.pick([[0x65], [0x45, 0x2b], [0x65, 0x2d]]))
                digits(random.below(400), random.chance(80) ? 2 : 3, into: &out)
            }
        case 5, 6: out.append(contentsOf: random.pick(FuzzGenerator.texts))
        case 7:
            out.append(0x5b)
            for index in 0..<random.below(5) {
                if index > 0 { out.append(0x2c) }
                anything(depth: depth + 1, into: &out)
            }
            out.append(0x5d)
        default: freeObject(depth: depth + 1, into: &out)
        }
    }

    private mutating func freeObject(depth: Int, into out: inout [UInt8]) {
        out.append(0x7b)
        let turn = random.below(FuzzGenerator.keys.count)
        for index in 0..<random.below(5) {
            if index > 0 { out.append(0x2c) }
            // Keys of one object differ, apart from the rare repeated one.
            let place = random.below(200) == 0 ? turn : (turn + index) % FuzzGenerator.keys.count
            out.append(contentsOf: FuzzGenerator.keys[place])
            out.append(0x3a)
            anything(depth: depth + 1, into: &out)
        }
        out.append(0x7d)
    }
}

// MARK: - Pieces

extension FuzzGenerator {
    static let keys = pieces([
        "\"rating\"", "\"artist_name\"", "\"duration\"", "\"scroll_depth\"", "\"source\"", "\"venue_name\"",
        "\"genres\"",
        "\"coordinates\"", "\"lat\"", "\"lng\"", "\"é\"", "\"\\u00e9\\u0301\"", "\"\"", "\"a/b~c\"", "\"😀\"",
        "\"price\"",
    ])
    static let texts = pieces([
        "\"\"", "\"a\"", "\"text\"", "\"Straße\"", "\"日本\"", "\"😀\"", "\"\\ud834\\udd1e\"", "\"\\n\\t\\\"\\\\\\/\"",
        "\"\\u0041\"",
        "\"\u{7f}\"", "\"\u{2028}\"", "\"e\u{301}\"", "\"{\\\"a\\\":[1]}\"", "\"[[[[[[\"",
    ])
    static let scalars = pieces([
        "null", "true", "false", "0", "-0", "1", "-1", "5", "3.5", "100", "101", "1e2", "1E-7", "0.1", "-0.0",
        "1.7976931348623157e308",
        "5e-324", "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
    ])
    static let ids = pieces([
        "\"p1\"", "\"u1\"", "\"x\"", "123", "-7", "0", "7894675292299", "\"é\"", "\"e\u{301}\"", "\"\\u00e9\"", "\"😀\"",
        "\" \"",
        "9223372036854775808", "123456789012345678901234567890", "\"a b/c?d=e&f\"", "\"\\\"quoted\\\"\"",
        "\"sixteen-bytes-16\"",
        "\"seventeen-bytes17\"", "\"018f3c9e-7b1a-7c00-8000-0123456789ab\"",
    ])
    static let types = pieces([
        "\"view\"", "\"view\"", "\"click\"", "\"like\"", "\"order\"", "\"purchase\"", "\"add_to_cart\"", "\"cart_add\"",
        "\"review\"",
        "\"follow\"", "\"search_click\"", "\"v\\u0069ew\"", "\"zap\"", "\"View\"", "7",
    ])
    static let entityTypes = pieces([
        "\"product\"", "\"product\"", "\"post\"", "\"artist\"", "\"review\"", "\"venue\"", "\"event\"",
        "\"collection\"", "\"song\"", "\"form\"",
        "\"none\"",
    ])
    static let contexts = pieces([
        "\"cart\"", "\"homepage\"", "\"product_page\"", "\"checkout\"", "\"a.b:c/d-e_f\"", "\"two words\"", "\"\"",
        "\"\(String(repeating: "c", count: 64))\"", "\"\(String(repeating: "c", count: 65))\"",
    ])
    static let values = pieces([
        "1", "0", "-0", "2.5", "-3e10", "1e308", "0.000001", "12.50", "1e-400", "9007199254740993",
    ])
    static let metadata =
        pieces([
            "{}", "{\"rating\":5}", "{\"rating\": 4.5, \"review_text\":\"fine\"}",
            "{\"artist_name\":\"Taylor Swift\",\"verified\":true}",
            "{\"venue_name\":\"MSG\",\"coordinates\":{\"lat\":40.75,\"lng\":-73.99}}",
            "{\"duration\":12.5,\"scroll_depth\":50}",
            "{\"scroll_depth\":101}", "{ \"a\" : [ 1 , 2 ] }", "{\"product_ids\":[1,\"2\",3]}", nested(1), nested(31),
            nested(32), nested(33),
        ]) + [freeObject, freeObject, freeObject, freeObject]

    static func nested(_ depth: Int) -> String {
        "{\"a\":" + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
            + (depth == 1 ? "1}" : "}")
    }

    /// What no field wants: most are valid JSON, some are not JSON at all.
    static let hostile =
        pieces([
            "\"\"", "\"\\u0000\"", "\"a\\u0000b\"", "null", "true", "false", "{}", "[]", "[1]", "{\"a\":1}", "1.5",
            "-0", "0.0", "1e999", "-1e999",
            "1e-999", "1E400", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "NaN", "Infinity", "-Infinity",
            "nul", "{\"a\":1,\"a\":2}",
            "{\"\\u0061\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}", "\"2026-02-30T00:00:00Z\"",
            "\"9999-12-31T23:59:59.999Z\"",
            "\"0001-01-01T00:00:00Z\"", "\"2026-01-31T12:00:00\"", "\"2026-01-31\"", "1769860800000", "01", "+1", ".5",
            "1.", "0x10", "'a'", "--1",
            "1e", "\"\\x\"", "\"\\u12\"", "\"unclosed", "\"tab\tinside\"", "\"\u{1}\"", "[1,]", "{\"a\"}", "{,}",
            "[,1]", "// no", "\"ends\\\\\"",
            "\"\(String(repeating: "i", count: 256))\"", "\"\(String(repeating: "i", count: 257))\"",
            "\"\(String(repeating: "😀", count: 64))\"", "\"\(String(repeating: "e\u{301}", count: 100))\"",
            String(repeating: "9", count: 400), "-" + String(repeating: "1", count: 300),
            "0.\(String(repeating: "0", count: 400))1",
            nested(40), "{\"a\":" + nested(33) + "}", String(repeating: "[", count: 40),
        ]) + [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0xe2, 0x82, 0x22], [0x22, 0x00, 0x22], [0xef, 0xbb, 0xbf, 0x31],
        ]

    /// Pieces that cost something to read, so they are rare.
    static let large = pieces([
        nested(500), nested(511), nested(520), String(repeating: "[", count: 2000),
        "{\"a\":\"\(String(repeating: "m", count: 32_768 - 8))\"}",
        "{\"a\":\"\(String(repeating: "m", count: 32_769 - 8))\"}",
        "\"\(String(repeating: "x", count: 5000))\"", "{\"\(String(repeating: "k", count: 3000))\":1}",
        "[\((0..<400).map { "\($0)" }.joined(separator: ","))]",
        "{\((0..<300).map { "\"k\($0)\":\($0)" }.joined(separator: ","))}",
    ])

    // MARK: Shapes

    static let canonical = [
        Field("id", 60, ids), Field("type", 96, types), Field("entity_type", 45, entityTypes),
        Field("entity_id", 97, ids),
        Field("user_id", 70, ids), Field("anonymous_id", 40, ids), Field("session_id", 30, ids),
        Field("browser_session_id", 15, ids), Field("context", 30, contexts), Field("occurred_at", 50, [time]),
        Field("sent_at", 10, [time]), Field("list_id", 15, ids), Field("value", 20, values),
        Field("metadata", 60, metadata),
        Field("eventType", 1, types), Field("entityType", 3, entityTypes), Field("entityId", 1, ids),
        Field("sessionId", 3, ids),
        Field("colour", 1, []),
    ]
    static let feed = [
        Field("post_id", 97, ids), Field("interaction_type", 97, types), Field("metadata", 60, metadata),
        Field("id", 40, ids),
        Field("session_id", 40, ids), Field("occurred_at", 40, [time]), Field("user_id", 1, ids),
    ]
    static let phoenixMetadata = pieces([
        "{\"product_ids\":[1,\"2\",3]}", "{\"productIds\":[\"a\"],\"list_id\":\"l\"}", "{\"product_id\":7}",
        "{\"productId\":\"x\"}",
        "{\"product_ids\":[]}", "{\"product_ids\":[null,true,{}]}",
        "{\"product_ids\":[1],\"productIds\":[2,3],\"list_id\":5}", "{}",
        "{\"product_ids\":\"1\"}",
    ])
    static let phoenix = [
        Field("shop_domain", 97, pieces(["\"demo\"", "\"shop.example\"", "\"\""])), Field("customer_id", 60, ids),
        Field("browser_session_id", 70, ids), Field("interaction_type", 97, types), Field("context", 85, contexts),
        Field("metadata", 95, phoenixMetadata), Field("id", 40, ids), Field("session_id", 20, ids),
        Field("occurred_at", 30, [time]), Field("sent_at", 20, [time]), Field("other", 1, []),
    ]
    static let searchClick = [
        Field("query", 97, texts), Field("product_id", 97, ids), Field("id", 30, ids), Field("search_id", 30, ids),
        Field("user_id", 60, ids), Field("anonymous_id", 40, ids), Field("session_id", 30, ids),
        Field("position", 30, scalars), Field("occurred_at", 30, [time]), Field("sent_at", 10, [time]),
        Field("other", 1, []),
    ]
}
