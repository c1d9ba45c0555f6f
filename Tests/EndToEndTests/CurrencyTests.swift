import Foundation
import Synchronization
import Testing

@Suite(.serialized) struct Currency {
    @Test("The very first read after an acknowledgement shows it, on every path, with several clients at once")
    func readsYourWrites() throws {
        let server = try ServerProcess(TestFolder())
        let problems = Mutex<[String]>([])
        let rounds = Atomic<Int>(0)
        let keys = try server.keys
        let port = server.port
        inParallel(4) { number in
            let client = Client(port: port, key: keys.secret)
            func note(_ text: String) { problems.withLock { if $0.count < 10 { $0.append(text) } } }
            var views: Int64 = 0
            var orders: Int64 = 0
            do {
                for round in 1...125 {
                    let isOrder = round % 5 == 0
                    let body: JSONValue = [
                        "type": .string(isOrder ? "order" : "view"), "entity_id": .string("own-\(number)"),
                        "user_id": .string("user-\(number)"), "session_id": .string("session-\(number)-\(round / 3)"),
                    ]
                    let answer = try client.post("/v1/interactions", body)
                    guard answer.status == 200, answer.json["tracked"] == 1 else {
                        note("\(answer)")
                        continue
                    }
                    if isOrder { orders += 1 } else { views += 1 }
                    // One kind of read each time, so that each is the very first after an acknowledgement.
                    switch round % 4 {
                    case 0:
                        let popular = try client.get("/v1/popular?limit=1000").json["items"]?.arrayValue ?? []
                        let own = popular.first { $0["entity_id"]?.stringValue == "own-\(number)" }
                        if own?["score"]?.doubleValue != Double(2 * views + 10 * orders) {
                            note("popular after \(views) + \(orders): \(own?.text ?? "nothing")")
                        }
                    case 1:
                        let stats = try client.get("/v1/entities/product/own-\(number)/stats").json
                        let counts = stats["counts"]
                        if counts?["view_count"]?.integerValue ?? 0 != views
                            || counts?["order_count"]?.integerValue ?? 0 != orders
                        {
                            note("stats after \(views) + \(orders): \(stats.text)")
                        }
                    case 2:
                        let session = try client.get("/v1/sessions/session-\(number)-\(round / 3)").json
                        if session["interactionCount"]?.integerValue != Int64(min(round, round % 3 + 1)) {
                            note("session in round \(round): \(session.text)")
                        }
                    default:
                        let recent = try client.get("/v1/users/user-\(number)/interactions?limit=1").json
                        if recent["interactions"]?[0]?["id"] != answer.json["results"]?[0]?["id"] {
                            note("interactions in round \(round): \(recent.text)")
                        }
                    }
                    rounds.add(1, ordering: .relaxed)
                }
            } catch {
                note("\(error)")
            }
        }
        #expect(problems.withLock { $0 }.isEmpty)
        #expect(rounds.load(ordering: .relaxed) == 500)
    }
}
