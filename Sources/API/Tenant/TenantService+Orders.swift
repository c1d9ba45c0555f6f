internal import Collect
internal import Domain
internal import JSON
internal import Live
internal import Search
internal import Storage
internal import Synchronization

extension TenantService {
    /// What became of an order.
    enum OrderOutcome: Sendable {
        /// Newly stored, with so many interactions.
        case stored(tracked: Int)
        /// The same order was stored before.
        case repeated
        /// Another order was stored under this id.
        case different
    }

    /// What an order changes, decided before its commit.
    private enum OrderDecision: Sendable {
        case store(Purchases, stock: [Entity])
        case repeated
        case different
    }

    /// Stores a paid order once: its document, its interactions, what its user's orders come to and the stock of what
    /// was bought, in one commit. Costs a key look-up for each product.
    func take(
        _ order: Order, entityType: String, tracking interactions: InteractionBatch, now: Int64,
        completion: @escaping @Sendable (Result<OrderOutcome, ChangeFailure>) -> Void
    ) {
        let decision = Shared(Mutex<OrderDecision?>(nil))
        let places = Shared(Mutex<(entities: [Int64], last: Int64)>(([], 0)))
        joint(
            keys: ["order \(order.id)", "user \(order.userID)"] + order.items.map { "product \($0.productID)" },
            bytes: interactions.bytes.count + order.items.count * 512 + 1024,
            prepare: { [self] () throws(StorageError) in
                let result = try decide(order, entityType: entityType)
                decision.value.withLock { $0 = result }
                if case .store = result { return interactions }
                return InteractionBatch()
            },
            write: { (transaction, _) throws(StorageError) in
                guard case .store(let purchases, let stock) = decision.value.withLock({ $0 }) else { return }
                var entities: [Int64] = []
                for entity in stock {
                    let record = LogRecord(kind: .entity, receivedAt: now, body: Array(entity.document.text.utf8))
                    entities.append(try transaction.append(record, entity: entity))
                }
                let text = order.document.text
                let last = try transaction.append(
                    LogRecord(kind: .order, receivedAt: now, body: Array(text.utf8)),
                    document: StoredDocument(kind: .order, id: order.id, owner: order.userID, body: text))
                try transaction.put(
                    StoredDocument(kind: .purchases, id: order.userID, body: purchases.document.text))
                places.value.withLock { $0 = (entities, last) }
            },
            applied: { [self] _ in
                guard case .store(_, let stock) = decision.value.withLock({ $0 }) else { return }
                let places = places.value.withLock { $0 }
                for (entity, position) in zip(stock, places.entities) {
                    apply(entity, at: position)
                }
                live.skip(to: places.last)
            }
        ) { result in
            switch (result, decision.value.withLock { $0 }) {
            case (.failure(let failure), _): completion(.failure(failure))
            case (.success(let batch), .store):
                completion(.success(.stored(tracked: batch.rows.count { $0.verdict == .accepted })))
            case (.success, .repeated): completion(.success(.repeated))
            case (.success, _): completion(.success(.different))
            }
        }
    }

    private func decide(_ order: Order, entityType: String) throws(StorageError) -> OrderDecision {
        if let stored = try store.document(.order, id: order.id) {
            guard let known = Order(document: try TenantService.body(stored)) else {
                throw TenantService.unreadable(stored)
            }
            return known.isSame(as: order) ? .repeated : .different
        }
        var purchases = try purchases(of: order.userID)
        purchases.add(order)
        // By the bytes of the ids: texts that look alike may be two products.
        var sold: [[UInt8]: (id: String, quantity: Int64)] = [:]
        for item in order.items {
            sold[Array(item.productID.utf8), default: (item.productID, 0)].quantity &+= item.quantity
        }
        var stock: [Entity] = []
        for key in sold.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let (id, quantity) = sold[key], var entity = try store.entity(type: entityType, id: id),
                !entity.isDeleted, let inventory = entity.inventory, inventory > 0
            else { continue }
            entity.inventory = max(0, inventory - quantity)
            stock.append(entity)
        }
        return .store(purchases, stock: stock)
    }
}
