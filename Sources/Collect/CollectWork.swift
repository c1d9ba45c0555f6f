public import Domain
public import Storage

/// Something that follows the log: told of every batch once it is durable, in log order, one at a time.
public protocol LogFollower: AnyObject, Sendable {
    /// Takes in a batch; rows that were not accepted are to be passed over.
    func apply(_ batch: InteractionBatch)
}

/// A batch on its way to the writer, which takes it out: so there is one reference to its bytes, and completing them
/// copies nothing.
final class HandedBatch: @unchecked Sendable {
    // Unchecked: the producer does not touch it after the queue has it, and one thread takes from the queue.
    private var batch: InteractionBatch

    init(_ batch: consuming InteractionBatch) { self.batch = batch }

    func take() -> InteractionBatch {
        var taken = InteractionBatch()
        swap(&taken, &batch)
        return taken
    }
}

/// One thing for the writer to do.
public struct CollectWork: Sendable {
    enum Kind: Sendable {
        /// `replayed` are the rejected interactions that these take the place of.
        case interactions(HandedBatch, sentAt: Int64?, replayed: [Int64])
        case change(
            @Sendable (any TenantTransaction) throws(StorageError) -> Void, applied: @Sendable (Sessioniser) -> Void,
            prepare: (@Sendable () throws(StorageError) -> Void)?, isAlone: Bool)
        case inspect(@Sendable (Sessioniser, DeduplicationIndex) -> Void)
    }

    let kind: Kind
    let rows: Int
    let bytes: Int
    let completion: @Sendable (Result<InteractionBatch, StorageError>) -> Void

    /// Interactions to be stored. The completion gets the batch back with positions, sessions and verdicts.
    public static func interactions(
        _ batch: InteractionBatch, sentAt: Int64?,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: sentAt, replayed: []), rows: batch.rows.count,
            bytes: batch.bytes.count + batch.rows.count * MemoryLayout<InteractionRow>.stride, completion: completion)
    }

    /// Interactions that were refused before and pass now: stored, and taken off the list of refused ones, in one commit.
    public static func replay(
        _ batch: InteractionBatch, numbers: [Int64],
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: nil, replayed: numbers), rows: batch.rows.count,
            bytes: batch.bytes.count + batch.rows.count * MemoryLayout<InteractionRow>.stride, completion: completion)
    }

    /// A change of something else, in its place in the log: `write` within the commit, `applied` once it is durable.
    /// `write` may run again in another commit only after its first one was undone. `prepare` runs before the commit
    /// begins, with everything before it stored, and may read the store, which `write` may not. `bytes` is what the change
    /// keeps in memory.
    public static func change(
        bytes: Int = 1024, prepare: (@Sendable () throws(StorageError) -> Void)? = nil,
        write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        applied: @escaping @Sendable (Sessioniser) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .change(write, applied: applied, prepare: prepare, isAlone: true), rows: 1, bytes: bytes,
            completion: completion)
    }

    /// Something that is only added and that nothing reads meanwhile, so that it may share a commit with others.
    public static func addition(
        bytes: Int, write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .change(write, applied: { _ in }, prepare: nil, isAlone: false), rows: 1, bytes: bytes,
            completion: completion)
    }

    /// A look at the writer's own state between two commits, for snapshots. It takes place whether or not the commit that
    /// it has come with succeeds.
    public static func inspect(_ body: @escaping @Sendable (Sessioniser, DeduplicationIndex) -> Void) -> CollectWork {
        CollectWork(kind: .inspect(body), rows: 1, bytes: 0) { _ in }
    }
}
