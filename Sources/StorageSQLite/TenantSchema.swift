/// The tables of a tenant's file, by version.
enum TenantSchema {
    /// `FOOT` in ASCII, at byte 68 of the file.
    static let applicationID: Int64 = 0x464f_4f54

    /// The steps from an empty file to the current version; the n-th leads to version n. Steps that were once released
    /// never change.
    static let migrations = [
        tables + derivedTables + views, commerceTables + commerceViews, blockEnds, searches + searchView,
    ]

    /// What the log and the tables beside it consist of. The overflow file has the same, so that rows move over as they
    /// are.
    ///
    /// `user_interactions` has no index but its key: one more costs more than the insert itself.
    static let tables = """
        CREATE TABLE store_state(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE user_interactions(
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            type TEXT NOT NULL,
            original_type TEXT,
            entity_type TEXT NOT NULL,
            entity_id TEXT NOT NULL,
            user_id TEXT,
            anonymous_id TEXT,
            session_id TEXT,
            context TEXT,
            occurred_at INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            list_id TEXT,
            value REAL,
            metadata TEXT,
            plan_version INTEGER NOT NULL);
        CREATE TABLE log_records(
            seq INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            version INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            body TEXT NOT NULL);
        CREATE TABLE log_blocks(
            block INTEGER PRIMARY KEY,
            interactions INTEGER NOT NULL,
            oldest INTEGER NOT NULL);
        CREATE TABLE rejected_interactions(
            number INTEGER PRIMARY KEY,
            received_at INTEGER NOT NULL,
            sent_at INTEGER,
            id TEXT,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            raw TEXT NOT NULL,
            plan_version INTEGER NOT NULL);
        CREATE INDEX rejected_interactions_received_at ON rejected_interactions(received_at);
        CREATE TABLE system_errors(
            number INTEGER PRIMARY KEY,
            category TEXT NOT NULL,
            context TEXT NOT NULL,
            error_message TEXT NOT NULL,
            error_stack TEXT,
            metadata TEXT NOT NULL,
            user_id TEXT,
            timestamp TEXT NOT NULL);
        CREATE INDEX system_errors_timestamp ON system_errors(timestamp);
        CREATE TABLE entities(
            type TEXT NOT NULL,
            id TEXT NOT NULL,
            title TEXT,
            description TEXT,
            categories TEXT NOT NULL,
            brand TEXT,
            price TEXT,
            currency TEXT,
            inventory INTEGER,
            published_at INTEGER,
            is_hidden INTEGER NOT NULL,
            labels TEXT NOT NULL,
            attributes TEXT NOT NULL,
            is_placeholder INTEGER NOT NULL,
            is_deleted INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (type, id));
        CREATE TABLE plan_versions(
            version INTEGER PRIMARY KEY,
            position INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            document TEXT NOT NULL);
        CREATE TABLE tenant_settings(
            number INTEGER PRIMARY KEY CHECK (number = 1),
            position INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            document TEXT NOT NULL);
        CREATE TABLE daily_sessions(
            day INTEGER PRIMARY KEY,
            sessions INTEGER NOT NULL,
            bounces INTEGER NOT NULL);
        CREATE TABLE store_values(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        """

    /// Folded totals, and the tables that are written on the sources' schedules for those who read them with SQL.
    private static let derivedTables = """

        CREATE TABLE daily_totals(
            day INTEGER NOT NULL,
            entity_type TEXT NOT NULL,
            entity_id TEXT NOT NULL,
            type TEXT NOT NULL,
            count INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            PRIMARY KEY (day, entity_type, entity_id, type)) WITHOUT ROWID;
        CREATE TABLE search_interactions(
            id INTEGER PRIMARY KEY,
            search_id TEXT NOT NULL UNIQUE,
            user_id TEXT,
            session_id TEXT,
            query TEXT NOT NULL,
            filters TEXT,
            total INTEGER NOT NULL,
            product_ids TEXT NOT NULL,
            timestamp TEXT NOT NULL);
        CREATE TABLE product_popularity(
            id INTEGER PRIMARY KEY,
            product_id TEXT NOT NULL UNIQUE,
            search_count INTEGER NOT NULL DEFAULT 0,
            search_click_count INTEGER NOT NULL DEFAULT 0,
            view_count INTEGER NOT NULL DEFAULT 0,
            cart_add_count INTEGER NOT NULL DEFAULT 0,
            order_count INTEGER NOT NULL DEFAULT 0,
            popularity_score REAL NOT NULL DEFAULT 0,
            trending_score REAL NOT NULL DEFAULT 0,
            last_interaction TEXT,
            last_updated TEXT NOT NULL);
        CREATE TABLE user_preferences(
            user_id TEXT PRIMARY KEY,
            category_preferences TEXT NOT NULL DEFAULT '{}',
            brand_preferences TEXT NOT NULL DEFAULT '{}',
            recent_interactions TEXT NOT NULL DEFAULT '[]',
            interaction_count INTEGER NOT NULL DEFAULT 0,
            order_count INTEGER NOT NULL DEFAULT 0,
            total_spent TEXT,
            average_order TEXT,
            last_order TEXT,
            last_updated TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE item_similarity(
            entity_type TEXT NOT NULL,
            item_id TEXT NOT NULL,
            similar_item_id TEXT NOT NULL,
            score REAL NOT NULL,
            last_updated TEXT NOT NULL,
            PRIMARY KEY (entity_type, item_id, similar_item_id)) WITHOUT ROWID;
        """

    /// The interactions in each source's columns. Shop's shows all of them, with the type as it was sent; Feed's is about
    /// posts and Ranking's about products, with the canonical type.
    private static let views = """

        CREATE VIEW UserInteraction AS
            SELECT id, session_id AS sessionId, (SELECT value FROM store_state WHERE name = 'tenant') AS shopId,
                user_id AS customerId, coalesce(original_type, type) AS interactionType, context, metadata,
                \(moment("occurred_at")) AS createdAt, \(moment("received_at")) AS updatedAt
            FROM user_interactions;
        CREATE VIEW user_interaction AS
            SELECT id, user_id, entity_id AS post_id, type AS interaction_type, metadata,
                \(moment("occurred_at")) AS created_at
            FROM user_interactions WHERE entity_type = 'post';
        CREATE VIEW product_interactions AS
            SELECT id, user_id, entity_id AS product_id, type AS interaction_type,
                \(moment("occurred_at")) AS timestamp, metadata
            FROM user_interactions WHERE entity_type = 'product';
        """

    /// When the newest interaction of a run of positions happened, for those who read a stretch of time. A run that was
    /// full before this step has none.
    private static let blockEnds =
        "CREATE TABLE log_block_ends(block INTEGER PRIMARY KEY, newest INTEGER NOT NULL)"

    /// What the overflow file has beyond ``tables``: which rejected interactions of the main file are gone, and which have
    /// another reason by now.
    static let overflowMigrations = [
        tables + """

            CREATE INDEX entities_position ON entities(position);
            CREATE TABLE removed_rejected(number INTEGER PRIMARY KEY);
            """,
        commerceOverflow, blockEnds, searches,
        """
        CREATE TABLE changed_rejected(
            number INTEGER PRIMARY KEY, code TEXT NOT NULL, message TEXT NOT NULL, plan_version INTEGER NOT NULL)
        """,
    ]

    /// Finds the searches among the log's records, and those of them that found nothing.
    private static let searches = """
        CREATE INDEX log_records_search ON log_records(seq) WHERE kind = 'search';
        CREATE INDEX log_records_search_empty ON log_records(seq) WHERE kind = 'search' \(foundNothing);
        """

    /// Ends the condition of the second index of ``searches``. Quotes inside of a text are escaped, so this is the field;
    /// functions of JSON may not stand in an index of a file that is opened with `trusted_schema` off.
    static let foundNothing = "AND instr(body, '\"total\":0,') > 0"

    /// The searches in Ranking's columns. The log keeps them already.
    private static let searchView = """

        DROP TABLE search_interactions;
        CREATE VIEW search_interactions AS
            SELECT seq AS id, json_extract(body, '$.search_id') AS search_id,
                json_extract(body, '$.user_id') AS user_id, json_extract(body, '$.session_id') AS session_id,
                json_extract(body, '$.query') AS query, json_extract(body, '$.filters') AS filters,
                json_extract(body, '$.total') AS total, json_extract(body, '$.product_ids') AS product_ids,
                \(moment("received_at")) AS timestamp
            FROM log_records WHERE kind = 'search';
        """

    /// Milliseconds as RFC 3339 text in UTC.
    private static func moment(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%fZ', \(column) / 1000.0, 'unixepoch')"
    }
}
