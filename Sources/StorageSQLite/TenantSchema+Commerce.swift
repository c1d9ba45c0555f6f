extension TenantSchema {
    /// Users, carts and orders: documents beside the log.
    static let commerceTables = """
        CREATE TABLE documents(
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            owner TEXT,
            body TEXT NOT NULL,
            is_deleted INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (kind, id));
        CREATE INDEX documents_owner ON documents(kind, owner, position) WHERE owner IS NOT NULL;
        """

    /// The documents in columns. Money stays the text it is, so that no program adds it up as a binary fraction unasked.
    static let commerceViews = """

        CREATE VIEW users AS
            SELECT id AS user_id, body -> '$.traits' AS traits, body ->> '$.created_at' AS created_at,
                body ->> '$.updated_at' AS updated_at
            FROM documents WHERE kind = 'user' AND is_deleted = 0;
        CREATE VIEW user_purchases AS
            SELECT documents.id AS user_id, spent.key AS currency, spent.value ->> '$.orders' AS order_count,
                spent.value ->> '$.total' AS total_spent,
                documents.body ->> '$.last_order_at' AS last_order_at
            FROM documents, json_each(documents.body, '$.spent') AS spent WHERE documents.kind = 'purchases';
        CREATE VIEW carts AS
            SELECT id AS cart_id, owner AS user_id, json_array_length(body, '$.items') AS products,
                body ->> '$.created_at' AS created_at, body ->> '$.updated_at' AS updated_at
            FROM documents WHERE kind = 'cart' AND is_deleted = 0;
        CREATE VIEW cart_items AS
            SELECT documents.id AS cart_id, documents.owner AS user_id, item.value ->> '$.product_id' AS product_id,
                item.value ->> '$.quantity' AS quantity, item.value ->> '$.added_at' AS added_at,
                item.value ->> '$.updated_at' AS updated_at
            FROM documents, json_each(documents.body, '$.items') AS item
            WHERE documents.kind = 'cart' AND documents.is_deleted = 0;
        CREATE VIEW orders AS
            SELECT id AS order_id, owner AS user_id, body ->> '$.currency' AS currency, body ->> '$.total' AS total,
                body ->> '$.paid_at' AS paid_at, body ->> '$.received_at' AS received_at,
                json_array_length(body, '$.items') AS lines
            FROM documents WHERE kind = 'order' AND is_deleted = 0;
        CREATE VIEW order_items AS
            SELECT documents.id AS order_id, documents.owner AS user_id, item.key + 1 AS line,
                item.value ->> '$.product_id' AS product_id, item.value ->> '$.quantity' AS quantity,
                item.value ->> '$.price' AS price, documents.body ->> '$.currency' AS currency
            FROM documents, json_each(documents.body, '$.items') AS item
            WHERE documents.kind = 'order' AND documents.is_deleted = 0;
        """

    /// What the overflow file's documents are moved over by.
    static let commerceOverflow = commerceTables + "\nCREATE INDEX documents_position ON documents(position);"
}
