internal import Collect
internal import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

extension TenantService {
    /// Queues interactions and a change that belong together, for one commit, and tells how it ended. What each part does
    /// is as ``CollectWork/joint(keys:bytes:prepare:write:applied:completion:)`` says.
    func joint(
        keys: [String], bytes: Int = 1024, prepare: @escaping @Sendable () throws(StorageError) -> InteractionBatch,
        write: @escaping @Sendable (any TenantTransaction, InteractionBatch) throws(StorageError) -> Void,
        applied: @escaping @Sendable (InteractionBatch) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, ChangeFailure>) -> Void
    ) {
        let work = CollectWork.joint(keys: keys, bytes: bytes, prepare: prepare, write: write, applied: applied) {
            result in
            completion(result.mapError { .storage($0) })
        }
        if !collector.submit(work) { completion(.failure(.queueFull)) }
    }

    /// The body of a stored document.
    static func body(_ document: StoredDocument) throws(StorageError) -> JSONValue {
        guard let value = try? JSONValue(parsing: document.body, maximumDepth: 256) else { throw unreadable(document) }
        return value
    }

    static func unreadable(_ document: StoredDocument) -> StorageError {
        StorageError("store_corrupt", "A document of kind \"\(document.kind.rawValue)\" cannot be read.")
    }

    /// A user's cart; `nil` when there is none, or it is another user's.
    func cart(_ id: String, of user: String) throws(StorageError) -> Cart? {
        guard let stored = try store.document(.cart, id: id), stored.owner?.utf8.elementsEqual(user.utf8) == true else {
            return nil
        }
        guard let cart = Cart(document: try TenantService.body(stored)) else { throw TenantService.unreadable(stored) }
        return cart
    }

    /// What a user's orders come to; nothing for one without any. One key look-up.
    func purchases(of user: String) throws(StorageError) -> Purchases {
        guard let stored = try store.document(.purchases, id: user) else { return Purchases() }
        guard let purchases = Purchases(document: try TenantService.body(stored)) else {
            throw TenantService.unreadable(stored)
        }
        return purchases
    }

    /// What the tenant says of a user; `nil` when it says nothing.
    func profile(of user: String) throws(StorageError) -> UserProfile? {
        guard let stored = try store.document(.user, id: user), !stored.isDeleted else { return nil }
        guard let profile = UserProfile(stored: try TenantService.body(stored)) else {
            throw TenantService.unreadable(stored)
        }
        return profile
    }
}

// MARK: - Carts

extension TenantService {
    /// What became of a change of a cart.
    struct CartChange: Sendable {
        /// The item as it is now, or as it was taken out; `nil` when a repeated request finds it gone.
        var item: Cart.Item?
        /// Whether this very request had been taken before, so that nothing changed.
        var isRepeated = false
    }

    /// Puts so many of a product into a user's cart, which is made when there is none, and tracks `interaction` in the
    /// same commit.
    func add(
        _ productID: String, type: String, quantity: Int64, toCart cartID: String, of user: String,
        tracking interaction: InteractionBatch, now: Int64,
        completion: @escaping @Sendable (Result<CartChange, ChangeFailure>) -> Void
    ) {
        changeCart(
            cartID, tracking: interaction, now: now,
            { [self] () throws(StorageError) in
                if let stored = try store.document(.cart, id: cartID),
                    stored.owner?.utf8.elementsEqual(user.utf8) != true
                {
                    return .failure(FootfallError("not_found", "There is no cart with this id."))
                }
                if let problem = refusal(of: try store.entity(type: type, id: productID)) { return .failure(problem) }
                var cart = try cart(cartID, of: user) ?? Cart(id: cartID, userID: user, now: now)
                do throws(FootfallError) {
                    let item = try cart.add(productID, quantity: quantity, now: now)
                    return .success((cart, item))
                } catch {
                    return .failure(error)
                }
            }, completion: completion)
    }

    /// Takes a product out of a user's cart and tracks `interaction` in the same commit.
    func remove(
        _ productID: String, fromCart cartID: String, of user: String, tracking interaction: InteractionBatch,
        now: Int64, completion: @escaping @Sendable (Result<CartChange, ChangeFailure>) -> Void
    ) {
        changeCart(
            cartID, tracking: interaction, now: now,
            { [self] () throws(StorageError) in
                guard var cart = try cart(cartID, of: user) else {
                    return .failure(FootfallError("not_found", "There is no cart with this id."))
                }
                guard let item = cart.remove(productID, now: now) else {
                    return .failure(FootfallError("not_found", "The product is not in this cart."))
                }
                return .success((cart, item))
            }, completion: completion)
    }

    /// Why an entity of the catalogue may not be put into a cart; `nil` when it may. What the catalogue does not know may,
    /// unless the plan is strict.
    private func refusal(of entity: Entity?) -> FootfallError? {
        guard let entity, !entity.isPlaceholder else {
            guard plan.plan.isStrict else { return nil }
            return FootfallError(
                "unknown_entity", "The catalogue does not know this product, and the tracking plan is strict.",
                path: "/product_id")
        }
        if entity.isDeleted {
            return FootfallError("entity_deleted", "This product was taken out of the catalogue.", path: "/product_id")
        }
        if entity.isHidden {
            return FootfallError("entity_hidden", "This product is hidden.", path: "/product_id")
        }
        return nil
    }

    private func changeCart(
        _ cartID: String, tracking interaction: InteractionBatch, now: Int64,
        _ decide: @escaping @Sendable () throws(StorageError) -> Result<(Cart, Cart.Item), FootfallError>,
        completion: @escaping @Sendable (Result<CartChange, ChangeFailure>) -> Void
    ) {
        let decision = Shared(Mutex<Result<(Cart, Cart.Item), FootfallError>?>(nil))
        let position = Shared(Mutex<Int64>(0))
        joint(
            keys: ["cart \(cartID)"], bytes: interaction.bytes.count + 1024,
            prepare: { () throws(StorageError) in
                let result = try decide()
                decision.value.withLock { $0 = result }
                if case .success = result { return interaction }
                return InteractionBatch()
            },
            write: { (transaction, tracked) throws(StorageError) in
                guard case .success(let (cart, _)) = decision.value.withLock({ $0 }),
                    tracked.rows.contains(where: { $0.verdict == .accepted })
                else { return }
                let text = cart.document.text
                let own = try transaction.append(
                    LogRecord(kind: .cart, receivedAt: now, body: Array(text.utf8)),
                    document: StoredDocument(kind: .cart, id: cart.id, owner: cart.userID, body: text))
                position.value.withLock { $0 = own }
            },
            applied: { [live] _ in
                let own = position.value.withLock { $0 }
                if own > 0 { live.skip(to: own) }
            }
        ) { result in
            switch (result, decision.value.withLock { $0 }) {
            case (.failure(let failure), _): completion(.failure(failure))
            case (_, .failure(let error)): completion(.failure(.invalid(error)))
            case (.success(let tracked), .success(let (cart, item))):
                // An interaction with an id that is known already: the request was sent again.
                let isRepeated = !tracked.rows.contains { $0.verdict == .accepted }
                var change = CartChange(item: item, isRepeated: isRepeated)
                if isRepeated { change.item = try? self.cart(cart.id, of: cart.userID)?.item(item.productID) }
                completion(.success(change))
            case (.success, nil): completion(.failure(.invalid(FootfallError("not_found", "Nothing was changed."))))
            }
        }
    }
}
