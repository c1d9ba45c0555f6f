internal import CSQLite
internal import Domain
public import Storage

extension Transaction {
    /// Writes rows of a derived table; those that say the same already are left alone.
    func write(_ rows: DerivedRows, updatedAt: Int64) throws(StorageError) -> Int? {
        try attempt { () throws(StorageError) in
            // These tables are in the main file alone, which nothing is written to while there is an overflow.
            if isOverflow { return nil }
            let time = Timestamp(milliseconds: updatedAt).rfc3339
            let before = sqlite3_total_changes(tables.connection.handle)
            switch rows {
            case .popularity(let rows): for row in rows { try put(row, time) }
            case .noPopularity(let ids): try remove(ids, "DELETE FROM product_popularity WHERE product_id = ?1")
            case .preferences(let rows): for row in rows { try put(row, time) }
            case .noPreferences(let ids): try remove(ids, "DELETE FROM user_preferences WHERE user_id = ?1")
            case .similarity(let rows): for row in rows { try put(row, time) }
            }
            return Int(sqlite3_total_changes(tables.connection.handle) &- before)
        }
    }

    private func remove(_ ids: [String], _ sql: String) throws(StorageError) {
        let statement = try tables.connection.cached(sql)
        for id in ids {
            statement.bind(1, id)
            try statement.run()
        }
    }

    private static let popularityColumns =
        "search_count, search_click_count, view_count, cart_add_count, order_count, popularity_score, trending_score, "
        + "last_interaction"

    private func put(_ row: PopularityRow, _ time: String) throws(StorageError) {
        let columns = Transaction.popularityColumns
        let statement = try tables.connection.cached(
            """
            INSERT INTO product_popularity(product_id, \(columns), last_updated)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT(product_id)
            DO UPDATE SET search_count = ?2, search_click_count = ?3, view_count = ?4, cart_add_count = ?5,
                order_count = ?6, popularity_score = ?7, trending_score = ?8, last_interaction = ?9, last_updated = ?10
            WHERE (\(columns)) IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        statement.bind(1, row.productID)
        for index in 0..<5 {
            statement.bind(Int32(index + 2), row.counts.indices.contains(index) ? row.counts[index] : 0)
        }
        sqlite3_bind_double(statement.handle, 7, row.popularityScore)
        sqlite3_bind_double(statement.handle, 8, row.trendingScore)
        statement.bind(9, row.lastInteraction.map { Timestamp(milliseconds: $0).rfc3339 })
        statement.bind(10, time)
        try statement.run()
    }

    private func put(_ row: PreferencesRow, _ time: String) throws(StorageError) {
        let statement = try tables.connection.cached(
            """
            INSERT INTO user_preferences(user_id, category_preferences, brand_preferences, recent_interactions,
                interaction_count, order_count, total_spent, average_order, last_order, last_updated)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10, ?7) ON CONFLICT(user_id)
            DO UPDATE SET category_preferences = ?2, brand_preferences = ?3, recent_interactions = ?4,
                interaction_count = interaction_count + ?5, order_count = order_count + ?6, total_spent = ?8,
                average_order = ?9, last_order = ?10, last_updated = ?7
            WHERE ?5 <> 0 OR ?6 <> 0
                OR (category_preferences, brand_preferences, recent_interactions, total_spent, average_order, last_order)
                    IS NOT (?2, ?3, ?4, ?8, ?9, ?10)
            """)
        statement.bind(1, row.userID)
        statement.bind(2, row.categories)
        statement.bind(3, row.brands)
        statement.bind(4, row.recent)
        statement.bind(5, row.newInteractions)
        statement.bind(6, row.newOrders)
        statement.bind(7, time)
        statement.bind(8, row.totalSpent)
        statement.bind(9, row.averageOrder)
        statement.bind(10, row.lastOrder.map { Timestamp(milliseconds: $0).rfc3339 })
        try statement.run()
    }

    private func put(_ rows: SimilarityRows, _ time: String) throws(StorageError) {
        let connection = tables.connection
        let stored = try connection.cached(
            "SELECT similar_item_id FROM item_similarity WHERE entity_type = ?1 AND item_id = ?2")
        stored.bind(1, rows.entityType)
        stored.bind(2, rows.itemID)
        var gone: Set<String> = []
        while try stored.step() { gone.insert(stored.text(0)) }
        stored.reset()
        let put = try connection.cached(
            """
            INSERT INTO item_similarity VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(entity_type, item_id, similar_item_id)
            DO UPDATE SET score = ?4, last_updated = ?5 WHERE score IS NOT ?4
            """)
        for (id, score) in rows.similar {
            gone.remove(id)
            put.bind(1, rows.entityType)
            put.bind(2, rows.itemID)
            put.bind(3, id)
            sqlite3_bind_double(put.handle, 4, score)
            put.bind(5, time)
            try put.run()
        }
        let delete = try connection.cached(
            "DELETE FROM item_similarity WHERE entity_type = ?1 AND item_id = ?2 AND similar_item_id = ?3")
        for id in gone {
            delete.bind(1, rows.entityType)
            delete.bind(2, rows.itemID)
            delete.bind(3, id)
            try delete.run()
        }
    }
}

extension SQLiteTenantStore {
    /// Users of `user_preferences`, along the key.
    public func preferencesUsers(after: String, limit: Int) throws(StorageError) -> [(id: String, oldest: Int64?)] {
        let rows = try read { view throws(StorageError) in
            let statement = try view.main.cached(
                """
                SELECT user_id, json_extract(recent_interactions, '$[#-1].occurred_at') FROM user_preferences
                WHERE user_id > ?1 ORDER BY user_id LIMIT ?2
                """)
            defer { statement.reset() }
            statement.bind(1, after)
            statement.bind(2, Int64(limit))
            var rows: [UserAge] = []
            while try statement.step() {
                let oldest = statement.textOrNil(1).flatMap { Timestamp(rfc3339: $0)?.milliseconds }
                rows.append(UserAge(id: statement.text(0), oldest: oldest))
            }
            return rows
        }
        return rows.map { ($0.id, $0.oldest) }
    }

    private struct UserAge: Sendable {
        var id: String
        var oldest: Int64?
    }
}
