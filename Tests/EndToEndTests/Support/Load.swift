import Foundation
import Synchronization

/// What clients have sent and what they were told.
struct Sent: Sendable {
    /// Every interaction sent, by its id, in the form to send it again.
    var bodies: [String: String] = [:]
    /// Ids that an answer called stored.
    var acknowledged: Set<String> = []
    /// Ids given by the server, which only an acknowledged answer can tell.
    var given: Set<String> = []
    /// Answers that were no success, and answers that said something wrong.
    var problems: [String] = []

    mutating func merge(_ other: Sent) {
        bodies.merge(other.bodies) { first, _ in first }
        acknowledged.formUnion(other.acknowledged)
        given.formUnion(other.given)
        problems += other.problems
    }
}

/// Makes interactions by chance: a few users, visitors and entities, so that they meet.
struct RandomInteractions {
    var random: SeededGenerator
    private let prefix: String
    private var count = 0

    init(seed: UInt64, prefix: String) {
        random = SeededGenerator(seed: seed)
        self.prefix = prefix
    }

    static let types = [
        "view", "view", "view", "click", "search_click", "cart_add", "order", "like", "share", "wishlist_add",
        "cart_remove", "navigate", "recommendation_viewed", "add_to_cart", "purchase",
    ]

    /// Ages in milliseconds that keep clear of every window's edge by an hour, so that what was true at one moment is still
    /// true some minutes later.
    mutating func age() -> Int64 {
        let hour: Int64 = 3_600_000
        let ranges: [ClosedRange<Int64>] = [
            0...(40 * 60_000), 0...(40 * 60_000), (2 * hour)...(22 * hour), (27 * hour)...(165 * hour),
            (171 * hour)...(700 * hour), (730 * hour)...(2000 * hour),
        ]
        return Int64.random(in: ranges[Int.random(in: 0..<ranges.count, using: &random)], using: &random)
    }

    /// One interaction as JSON text; its id is `nil` when the server is to give one.
    mutating func next() -> (id: String?, text: String) {
        count += 1
        let id = random.chance(0.9) ? "\(prefix)-\(count)" : nil
        var object: JSONValue = [:]
        if let id { object["id"] = .string(id) }
        object["type"] = .string(Self.types.randomElement(using: &random) ?? "view")
        let entityType = ["product", "product", "post", "event"].randomElement(using: &random) ?? "product"
        object["entity_type"] = .string(entityType)
        object["entity_id"] = .string("\(entityType)-\(Int.random(in: 0..<60, using: &random))")
        if random.chance(0.8) { object["user_id"] = .string("user-\(Int.random(in: 0..<100, using: &random))") }
        if random.chance(0.4) { object["anonymous_id"] = .string("visitor-\(Int.random(in: 0..<60, using: &random))") }
        if random.chance(0.2) || object["user_id"] == nil && object["anonymous_id"] == nil {
            object["session_id"] = .string("named-\(Int.random(in: 0..<200, using: &random))")
        }
        if random.chance(0.2) { object["browser_session_id"] = .string("b-\(Int.random(in: 0..<3, using: &random))") }
        if random.chance(0.3) { object["context"] = "cart" }
        if random.chance(0.7) { object["occurred_at"] = .string(rfc3339(now() - age())) }
        if random.chance(0.2) { object["value"] = .double(Double.random(in: 0...100, using: &random)) }
        if random.chance(0.3) { object["metadata"] = ["source": "load", "n": .integer(Int64(count))] }
        return (id, object.text)
    }
}

/// Sends interactions until told to stop or the server is gone.
enum Load {
    /// One client's work; everything it sent and was told.
    static func run(
        port: UInt16, key: String, seed: UInt64, prefix: String, until isOver: () -> Bool, atMost limit: Int = .max
    ) -> Sent {
        var sent = Sent()
        var source = RandomInteractions(seed: seed, prefix: prefix)
        let client = Client(port: port, key: key)
        while !isOver(), sent.bodies.count < limit {
            let isLone = source.random.chance(0.3)
            let isStream = !isLone && source.random.chance(0.3)
            let items = (0..<(isLone ? 1 : Int.random(in: 1...40, using: &source.random))).map { _ in source.next() }
            for item in items { if let id = item.id { sent.bodies[id] = item.text } }
            let texts = items.map(\.text)
            let answer: Answer
            do {
                if isLone {
                    answer = try client.post("/v1/interactions", texts[0])
                } else if isStream {
                    answer = try client.post(
                        "/v1/interactions", texts.joined(separator: "\n"), ["Content-Type": "application/x-ndjson"])
                } else {
                    answer = try client.post(
                        "/v1/interactions", #"{"interactions": [\#(texts.joined(separator: ","))]}"#)
                }
            } catch {
                // Killed: whether the last request was stored is unknown.
                return sent
            }
            guard answer.status == 200 else {
                if answer.status != 503 && answer.status != 507 { sent.problems.append("\(answer)") }
                continue
            }
            let results = answer.json["results"]?.arrayValue ?? []
            if results.count != items.count { sent.problems.append("\(items.count) sent: \(answer)") }
            for (item, result) in zip(items, results) {
                let id = result["id"]?.stringValue ?? ""
                if result["status"] != "ok" || item.id != nil && item.id != id {
                    sent.problems.append("\(item.text): \(result.text)")
                    continue
                }
                sent.acknowledged.insert(id)
                if item.id == nil { sent.given.insert(id) }
            }
        }
        return sent
    }

    /// Several clients at once until the server is gone or told so.
    static func run(
        _ server: ServerProcess, clients: Int, seed: UInt64, prefix: String, atMost limit: Int = .max,
        until isOver: @escaping @Sendable () -> Bool
    ) throws -> Sent {
        let all = Mutex(Sent())
        let (port, key) = (server.port, try server.keys.write)
        inParallel(clients) { number in
            let sent = run(
                port: port, key: key, seed: seed &+ UInt64(number), prefix: "\(prefix)-\(number)", until: isOver,
                atMost: limit)
            all.withLock { $0.merge(sent) }
        }
        return all.withLock { $0 }
    }

    /// Sends the bodies again in batches; how many of them were called what.
    static func resend(_ bodies: some Collection<String>, _ client: Client) throws -> (statuses: [String: Int], Answer?)
    {
        var statuses: [String: Int] = [:]
        var refused: Answer?
        var rest = Array(bodies)[...]
        while !rest.isEmpty {
            let part = rest.prefix(500)
            rest = rest.dropFirst(500)
            let answer = try client.post("/v1/interactions", #"{"interactions": [\#(part.joined(separator: ","))]}"#)
            if answer.status != 200 { refused = answer }
            for result in answer.json["results"]?.arrayValue ?? [] {
                statuses[result["status"]?.stringValue ?? "", default: 0] += 1
            }
        }
        return (statuses, refused)
    }
}
