internal import JSON

extension TrackingPlan {
    /// The names of the presets.
    public static let presetNames = ["default", "commerce", "music", "feed"]

    /// The plan of a preset: `commerce`, `music`, `feed`, or `default`, the union of the three. `nil` for another name.
    public static func preset(_ name: String) throws(FootfallError) -> TrackingPlan? {
        switch name {
        case "commerce": try parse(commerce)
        case "music": try parse(music)
        case "feed": try parse(feed)
        case "default": try union(["commerce", "music", "feed"], name: "default")
        default: nil
        }
    }

    private static func parse(_ text: String) throws(FootfallError) -> TrackingPlan {
        let document: JSONValue
        do { document = try JSONValue(parsing: text) } catch {
            throw FootfallError("invalid_plan", error.message)
        }
        return try TrackingPlan(document: document)
    }

    private static func union(_ presets: [String], name: String) throws(FootfallError) -> TrackingPlan? {
        var result: TrackingPlan?
        for preset in presets {
            guard let plan = try TrackingPlan.preset(preset) else { continue }
            guard var merged = result else {
                result = plan
                continue
            }
            for type in plan.interactionTypes where !merged.interactionTypes.contains(where: { $0.name == type.name }) {
                merged.interactionTypes.append(type)
            }
            for type in plan.entityTypes where !merged.entityTypes.contains(where: { $0.name == type.name }) {
                merged.entityTypes.append(type)
            }
            result = merged
        }
        result?.name = name
        return result
    }

    private static let commerce = """
        {"name": "commerce", "default_entity_type": "product",
         "interaction_types": {
          "view": {"weight": 2, "popularity": true, "page_view": true},
          "search_click": {"weight": 1, "popularity": true, "gorse": "click"},
          "cart_add": {"weight": 5, "popularity": true, "aliases": ["add_to_cart"]},
          "order": {"weight": 10, "popularity": true, "gorse": "purchase", "aliases": ["purchase"]},
          "wishlist_add": {"weight": 3},
          "recommendation_viewed": {"weight": 0, "gorse": "view"},
          "recommendation_clicked": {"weight": 1, "gorse": "click"},
          "cart_remove": {"weight": 0, "preference_weight": -5},
          "refund": {"weight": 0, "preference_weight": -10, "gorse": null}},
         "entity_types": {
          "product": {"contexts": ["cart", "product_page", "homepage", "checkout"]},
          "collection": {"contexts": ["cart", "product_page", "homepage", "checkout"]}}}
        """

    private static let feed = """
        {"name": "feed", "default_entity_type": "post",
         "interaction_types": {
          "view": {"weight": 2, "popularity": true, "page_view": true},
          "click": {"weight": 1, "popularity": true},
          "like": {"weight": 4, "popularity": true},
          "share": {"weight": 5, "popularity": true},
          "comment": {"weight": 4, "popularity": true}},
         "entity_types": {
          "post": {"metadata": {"type": "object", "properties": {
            "duration": {"type": "number", "minimum": 0},
            "scroll_depth": {"type": "number", "minimum": 0, "maximum": 100},
            "source": {"type": "string"}}}}}}
        """

    private static let music = """
        {"name": "music", "default_entity_type": "event",
         "interaction_types": {
          "view": {"weight": 2, "popularity": true, "page_view": true},
          "click": {"weight": 1, "popularity": true},
          "like": {"weight": 4, "popularity": true},
          "share": {"weight": 5, "popularity": true},
          "comment": {"weight": 4, "popularity": true},
          "interest": {"weight": 4, "popularity": true},
          "review": {"weight": 5, "popularity": true},
          "follow": {"weight": 6, "popularity": true},
          "attendance": {"weight": 8, "popularity": true},
          "ticket_click": {"weight": 8, "popularity": true},
          "unfollow": {"weight": 0, "preference_weight": -6},
          "streaming_top": {"weight": 4, "popularity": true},
          "streaming_recent": {"weight": 2, "popularity": true},
          "swipe": {"weight": 1, "popularity": true},
          "search": {"weight": 0, "counter": "search_event_count", "gorse": null},
          "navigate": {"weight": 0, "page_view": true, "gorse": null},
          "form_submit": {"weight": 0, "gorse": null},
          "profile_update": {"weight": 0, "gorse": null}},
         "entity_types": {
          "event": {"metadata": {"type": "object", "properties": {
            "artist_name": {"type": "string"}, "venue_name": {"type": "string"}, "event_date": {"type": "string"},
            "genres": {"type": "array", "items": {"type": "string"}}, "city": {"type": "string"},
            "state": {"type": "string"}, "country": {"type": "string"}, "capacity": {"type": "number"},
            "ticket_price": {"type": "number"}, "currency": {"type": "string"}}}},
          "artist": {"metadata": {"type": "object", "required": ["artist_name"], "properties": {
            "artist_name": {"type": "string"}, "genres": {"type": "array", "items": {"type": "string"}},
            "popularity_score": {"type": "number", "minimum": 0, "maximum": 100}, "spotify_id": {"type": "string"},
            "apple_music_id": {"type": "string"}, "follower_count": {"type": "number"},
            "verified": {"type": "boolean"}}}},
          "venue": {"metadata": {"type": "object", "required": ["venue_name"], "properties": {
            "venue_name": {"type": "string"}, "venue_city": {"type": "string"}, "venue_state": {"type": "string"},
            "venue_country": {"type": "string"}, "capacity": {"type": "number"}, "venue_type": {"type": "string"},
            "coordinates": {"type": "object", "required": ["lat", "lng"], "properties": {
              "lat": {"type": "number"}, "lng": {"type": "number"}}}}}},
          "review": {"metadata": {"type": "object", "required": ["rating"], "properties": {
            "rating": {"type": "number", "minimum": 1, "maximum": 5}, "review_text": {"type": "string"},
            "likes_count": {"type": "number"}, "comments_count": {"type": "number"},
            "is_helpful": {"type": "boolean"}, "sentiment": {"type": "string"}, "language": {"type": "string"}}}},
          "ticket_link": {"metadata": {"type": "object", "properties": {
            "price": {"type": "number"}, "currency": {"type": "string"}, "vendor": {"type": "string"},
            "availability": {"type": "string"}, "fees": {"type": "number"}, "url": {"type": "string"}}}},
          "user": {"metadata": {"type": "object", "properties": {
            "user_name": {"type": "string"}, "location": {"type": "string"},
            "preferences": {"type": ["object", "array"]}}}},
          "profile": {"metadata": {"type": "object", "properties": {
            "profile_type": {"type": "string"}, "verification_status": {"type": ["string", "boolean"]}}}},
          "view": {"metadata": {"type": "object", "properties": {
            "page_name": {"type": "string"}, "duration": {"type": "number", "minimum": 0},
            "scroll_depth": {"type": "number", "minimum": 0, "maximum": 100}}}},
          "form": {"metadata": {"type": "object", "properties": {
            "form_type": {"type": "string"}, "success": {"type": "boolean"},
            "field_count": {"type": "integer", "minimum": 0}}}},
          "song": {"metadata": {"type": "object", "properties": {
            "song_name": {"type": "string"}, "artist_names": {"type": "array", "items": {"type": "string"}},
            "duration_ms": {"type": "number", "minimum": 0}}}},
          "album": {"metadata": {"type": "object", "properties": {
            "album_name": {"type": "string"}, "artist_name": {"type": "string"},
            "release_date": {"type": "string"}}}},
          "playlist": {"metadata": {"type": "object", "properties": {
            "playlist_name": {"type": "string"}, "track_count": {"type": "integer", "minimum": 0},
            "genres": {"type": "array", "items": {"type": "string"}}}}}}}
        """
}
