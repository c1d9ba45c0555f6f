import Foundation
import Testing

/// Every example of the sources, sent as it stands there.
@Suite(.serialized) struct SourceExamples {
    @Test("Feed's single and batch examples are tracked and counted")
    func feed() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.writer()
        let single = """
            {
              "post_id": "550e8400-e29b-41d4-a716-446655440000",
              "interaction_type": "view",
              "metadata": {
                "duration": 5000,
                "scroll_depth": 75,
                "source": "feed"
              }
            }
            """
        let batch = """
            {
              "interactions": [
                {
                  "post_id": "550e8400-e29b-41d4-a716-446655440000",
                  "interaction_type": "click",
                  "metadata": { "source": "feed" }
                },
                {
                  "post_id": "550e8400-e29b-41d4-a716-446655440001",
                  "interaction_type": "view",
                  "metadata": { "duration": 3000, "source": "feed" }
                }
              ]
            }
            """
        let one = try client.post("/api/track", single, ["X-User-Id": "reader"])
        #expect(one.status == 200 && one.json == ["success": true, "tracked": 1, "errors": []], "\(one)")
        let two = try client.post("/api/track", batch, ["X-Anonymous-Id": "visitor"])
        #expect(two.status == 200 && two.json == ["success": true, "tracked": 2, "errors": []], "\(two)")
        // Without anybody named the answer says who the visitor is, so that he can be named the next time.
        let nobody = try client.post("/api/track", single)
        #expect(nobody.status == 200 && nobody.json["tracked"] == 1, "\(nobody)")
        #expect(nobody.headers["x-anonymous-id"]?.isEmpty == false)

        let first = try client.get("/v1/entities/post/550e8400-e29b-41d4-a716-446655440000/stats").json
        #expect(first["counts"] == ["view_count": 2, "click_count": 1], "\(first.text)")
        #expect(first["popularity_score"]?.doubleValue == 5)
        let second = try client.get("/v1/entities/post/550e8400-e29b-41d4-a716-446655440001/stats").json
        #expect(second["counts"] == ["view_count": 1], "\(second.text)")
        let mine = try server.client().get("/v1/users/reader/interactions").json
        #expect(
            mine["interactions"]?[0]?["metadata"] == ["duration": 5000, "scroll_depth": 75, "source": "feed"],
            "\(mine.text)")

        let wrong = try client.post("/api/track", #"{"post_id": "p", "interaction_type": "stare"}"#)
        #expect(wrong.status == 400 && wrong.json["success"] == false && wrong.json["tracked"] == 0, "\(wrong)")
        #expect(wrong.json["errors"]?[0]?["code"] == "unknown_type", "\(wrong)")
        let mixed = try client.post(
            "/api/track",
            """
            {"interactions": [{"post_id": "p", "interaction_type": "like"}, {"post_id": "p", "interaction_type": "view",
            "metadata": {"scroll_depth": 101}}]}
            """)
        #expect(mixed.status == 200 && mixed.json["success"] == true && mixed.json["tracked"] == 1, "\(mixed)")
        let error = mixed.json["errors"]?[0]
        #expect(error?["index"] == 1 && error?["code"] == "metadata_violates_schema", "\(mixed)")
        #expect(error?["message"]?.stringValue?.contains("scroll_depth") == true, "\(mixed)")
    }

    @Test("Music's valid example is stored and each invalid one is refused with its reason")
    func music() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.writer()
        // The examples name nobody, because Music's client adds the session: here a header does.
        let session = ["X-Anonymous-Id": "listener"]
        let valid = """
            {"eventType": "view", "entityType": "event", "entityId": "event-123",
             "metadata": {"artist_name": "Taylor Swift", "venue_name": "Madison Square Garden",
               "event_date": "2024-06-15T20:00:00Z"}}
            """
        let good = try client.post("/v1/interactions", valid, session)
        #expect(good.status == 200 && good.json["tracked"] == 1, "\(good)")
        let table: [(body: String, code: String, word: String)] = [
            (#"{"eventType": "view"}"#, "missing_entity_id", "entity_id"),
            (
                #"{"eventType": "invalid_type", "entityType": "event", "entityId": "event-123"}"#, "unknown_type",
                "invalid_type"
            ),
            (
                #"{"eventType": "review", "entityType": "review", "entityId": "review-123", "metadata": {"rating": "five"}}"#,
                "metadata_violates_schema", "rating"
            ),
        ]
        for row in table {
            let answer = try client.post("/v1/interactions", row.body, session)
            #expect(answer.status == 422 && answer.isProblem && answer.code == row.code, "\(row.body): \(answer)")
            #expect(answer.json["detail"]?.stringValue?.contains(row.word) == true, "\(answer)")
            // In a batch it is an answer of its own beside the good ones.
            let batch = try client.post(
                "/v1/interactions", #"{"interactions": [\#(valid), \#(row.body)]}"#, session)
            #expect(batch.status == 200 && batch.json["tracked"] == 1, "\(batch)")
            #expect(batch.json["results"]?[1]?["code"]?.stringValue == row.code, "\(batch)")
        }
        // The calls of Music's usage examples, as its client sends them.
        let calls = """
            {"eventType": "view", "entityType": "event", "entityId": "event-123", "sessionId": "s-1", "metadata": {"artist_name": "Taylor Swift", "venue_name": "Madison Square Garden"}}
            {"eventType": "like", "entityType": "artist", "entityId": "artist-456", "sessionId": "s-1", "metadata": {"artist_name": "The Weeknd"}}
            {"eventType": "search", "entityType": "event", "entityId": "search-results", "sessionId": "s-1", "metadata": {"query": "Taylor Swift concerts", "results_count": 15, "filters": ["upcoming", "nearby"]}}
            """
        let lines = try client.post("/v1/interactions", calls, ["Content-Type": "application/x-ndjson"])
        #expect(lines.status == 200 && lines.json["tracked"] == 3, "\(lines)")
        let metrics = try client.get("/v1/sessions/s-1").json
        #expect(metrics["interactionCount"] == 3 && metrics["pageViews"] == 1, "\(metrics.text)")
        #expect(metrics["engagementScore"]?.doubleValue == 3 && metrics["bounceRate"]?.doubleValue == 0)
        let stats = try client.get("/v1/entities/event/event-123/stats").json
        #expect(stats["counts"] == ["view_count": 5], "\(stats.text)")

        let report = """
            {"context": "trackInteraction", "error_message": "Network request failed", "error_stack": "at flush",
             "metadata": {"retries": 3}, "user_id": "u1", "timestamp": "2026-01-31T12:00:00.000Z",
             "category": "network"}
            """
        #expect(try client.post("/v1/errors", report).status == 200)
        let errors = try server.client().get("/v1/errors").json
        #expect(errors["errors"]?[0]?["error_message"] == "Network request failed", "\(errors.text)")
        #expect(errors["errors"]?[0]?["metadata"] == ["retries": 3], "\(errors.text)")
        #expect(errors["errors"]?[0]?["timestamp"] == "2026-01-31T12:00:00.000Z", "\(errors.text)")
    }

    @Test("Ranking's search click takes an integer product, and popular products answer every mode and window")
    func ranking() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.writer()
        let click = try client.post("/search/click", #"{ "query": "laptop", "product_id": 123 }"#)
        #expect(click.status == 200 && click.json == ["success": true], "\(click)")
        for body in [
            #"{"type": "view", "entity_id": 123, "user_id": 7}"#,
            #"{"type": "cart_add", "entity_id": "123", "user_id": 7}"#,
            #"{"type": "order", "entity_id": 123, "user_id": "7"}"#,
            #"{"type": "view", "entity_id": 124, "user_id": 7}"#,
        ] {
            #expect(try client.post("/v1/interactions", body).status == 200)
        }
        let scores: [String: [Double]] = [
            "trending": [18, 2], "most_viewed": [1, 1], "most_carted": [1], "most_ordered": [1],
            "most_searched": [1], "overall": [18, 2],
        ]
        for (mode, wanted) in scores {
            for window in ["1h", "24h", "7d", "30d", "all", nil] {
                let target = "/products/popular?mode=\(mode)" + (window.map { "&time_window=\($0)" } ?? "") + "&limit=5"
                let answer = try client.get(target)
                #expect(answer.status == 200 && answer.json["mode"]?.stringValue == mode, "\(answer)")
                let products = answer.json["products"]?.arrayValue ?? []
                #expect(products.map { $0["product_id"]?.stringValue } == Array(["123", "124"].prefix(wanted.count)))
                for (product, score) in zip(products, wanted) {
                    let own = product["score"]?.doubleValue ?? 0
                    // Some seconds of decay at most, and none, up to rounding, within one millisecond.
                    #expect(own <= score * (1 + 1e-9) && own > score * 0.9999, "\(target): \(answer)")
                }
                let first = products.first
                for (name, count) in [
                    ("search_count", 0), ("search_click_count", 1), ("view_count", 1), ("cart_add_count", 1),
                    ("order_count", 1),
                ] as [(String, Int64)] {
                    #expect(first?[name]?.integerValue == count, "\(target): \(answer)")
                }
                #expect(first?["popularity_score"]?.doubleValue == 18)
            }
        }
        #expect(try client.get("/products/popular?limit=1").json["products"]?.arrayValue?.count == 1)
        #expect(try client.get("/products/popular?category=none").json["products"]?.arrayValue?.isEmpty == true)
        for bad in ["mode=most_loved", "time_window=2h", "limit=0", "limit=1001", "sort=asc"] {
            let answer = try client.get("/products/popular?\(bad)")
            #expect(answer.status == 400 && answer.isProblem, "\(bad): \(answer)")
        }
        let clicks = try StoreFile(server.folder).rows(
            "SELECT product_id, metadata ->> 'query' FROM product_interactions WHERE interaction_type = 'search_click'")
        #expect(clicks == [["123", "laptop"]])
    }

    @Test("Shop's events become one interaction a product, with a session and in Shop's own table")
    func shop() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.writer()
        // The arguments of trackRecommendationView and trackAddToCart in the request's fields.
        let viewed = """
            {"shop_domain": "demo.myshopify.com", "context": "cart", "customer_id": "8619514265739",
             "browser_session_id": "b-1", "interaction_type": "recommendation_viewed",
             "metadata": {"product_ids": [7894675292299, "7894675292300", 7894675292301], "source": "hybrid"}}
            """
        let first = try client.post("/api/phoenix/track-interaction", viewed)
        #expect(first.status == 200 && first.json["success"] == true && first.json["tracked"] == 3, "\(first)")
        let session = first.json["session_id"]?.stringValue ?? ""
        #expect(UUID(uuidString: session) != nil, "\(first)")
        #expect(Set(first.json["interaction_ids"]?.arrayValue?.compactMap(\.stringValue) ?? []).count == 3, "\(first)")
        for (type, product) in [
            ("add_to_cart", "7894675292299"), ("recommendation_clicked", "7894675292300"),
            ("purchase", "7894675292299"),
        ] {
            let body = """
                {"shop_domain": "demo.myshopify.com", "context": "cart", "customer_id": "8619514265739",
                 "browser_session_id": "b-1", "interaction_type": "\(type)", "metadata": {"product_id": "\(product)"}}
                """
            let answer = try client.post("/api/phoenix/track-interaction", body)
            #expect(answer.status == 200 && answer.json["tracked"] == 1, "\(answer)")
            #expect(answer.json["session_id"]?.stringValue == session, "The session goes on: \(answer)")
        }
        let again = viewed.replacingOccurrences(of: "demo.myshopify.com", with: "else.myshopify.com")
        let unknown = try client.post("/api/phoenix/track-interaction", again)
        #expect(unknown.status == 404 && unknown.code == "shop_not_found", "\(unknown)")
        let elsewhere = viewed.replacingOccurrences(of: #""context": "cart""#, with: #""context": "attic""#)
        let context = try client.post("/api/phoenix/track-interaction", elsewhere)
        #expect(context.json["success"] == false && context.json["tracked"] == 0, "\(context)")
        #expect(context.json["errors"]?[0]?["code"] == "unknown_context", "\(context)")

        let stats = try client.get("/v1/entities/product/7894675292299/stats").json
        #expect(
            stats["counts"] == ["recommendation_viewed_count": 1, "cart_add_count": 1, "order_count": 1],
            "\(stats.text)")
        #expect(stats["popularity_score"]?.doubleValue == 15)
        let table = try StoreFile(server.folder).rows(
            "SELECT DISTINCT sessionId, shopId, customerId, interactionType, context FROM UserInteraction ORDER BY 4")
        #expect(
            table
                == ["add_to_cart", "purchase", "recommendation_clicked", "recommendation_viewed"].map {
                    [session, "demo", "8619514265739", $0, "cart"]
                })
        let lists = try StoreFile(server.folder).rows(
            "SELECT count(*), count(DISTINCT list_id) FROM user_interactions WHERE type = 'recommendation_viewed'")
        #expect(lists == [["3", "1"]])
    }
}
