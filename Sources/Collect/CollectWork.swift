public import Domain
public import Storage

/// Something that follows the log: told of all batches once they are durable, in log order.
public protocol LogFollower: AnyObject, Sendable {
    /// Takes in batches, those of a commit at a time; rows that were not accepted are to be passed over.
    func apply(_ batches: [InteractionBatch])
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
        case interactions(HandedBatch, sentAt: Int64?, replay: Replay?)
        case change(
            @Sendable (any TenantTransaction) throws(StorageError) -> Void, applied: @Sendable (Sessioniser) -> Void,
            prepare: (@Sendable () throws(StorageError) -> Void)?, isAlone: Bool)
        case joint(
            keys: [String], prepare: @Sendable () throws(StorageError) -> InteractionBatch,
            write: @Sendable (any TenantTransaction, InteractionBatch) throws(StorageError) -> Void,
            applied: @Sendable (InteractionBatch) -> Void)
        /// `followed` runs once it is durable, in its place among the interactions.
        case record(
            @Sendable (any TenantTransaction) throws(StorageError) -> Void, followed: @Sendable () -> Void)
        case inspect(@Sendable (Sessioniser, DeduplicationIndex) -> Void)
    }

    /// What becomes of rejected interactions that were checked again.
    struct Replay: Sendable {
        /// Those that the interactions of the work take the place of.
        var passed: [Int64]
        /// New reasons of those that stay.
        var reasons: [RefusalReason]
    }

    /// Whether it has a commit of its own: it reads what those before it have left.
    var isAlone: Bool {
        switch kind {
        case .change(_, _, _, let isAlone): isAlone
        case .interactions, .inspect, .record, .joint: false
        }
    }

    /// What it reads and changes, when what it does depends on that: of several that name the same, one commit has one.
    var keys: [String] { if case .joint(let keys, _, _, _) = kind { keys } else { [] } }

    let kind: Kind
    let rows: Int
    let bytes: Int
    let completion: @Sendable (Result<InteractionBatch, StorageError>) -> Void
    /// Whether duplicates come back with their sessions too, which costs a look-up each.
    var recallsSessions = false

    /// Interactions to be stored. The completion gets the batch back with positions, sessions and verdicts.
    /// With `recallsSessions` that goes for the sessions of duplicates too, as long as they are remembered.
    public static func interactions(
        _ batch: InteractionBatch, sentAt: Int64?, recallsSessions: Bool = false,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: sentAt, replay: nil), rows: batch.rows.count,
            bytes: bytes(of: batch), completion: completion,
            recallsSessions: recallsSessions)
    }

    private static func bytes(of batch: InteractionBatch) -> Int {
        batch.bytes.count + batch.rows.count * MemoryLayout<InteractionRow>.stride
    }

    /// Interactions that were refused before and pass now: stored, and taken off the list of refused ones, in one commit.
    /// Those of `reasons` stay on it, with another reason.
    public static func replay(
        _ batch: InteractionBatch, passed numbers: [Int64], reasons: [RefusalReason],
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        var bytes = bytes(of: batch)
        for reason in reasons { bytes += MemoryLayout<RefusalReason>.stride + reason.message.utf8.count }
        return CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: nil, replay: Replay(passed: numbers, reasons: reasons)),
            rows: batch.rows.count, bytes: bytes, completion: completion)
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

    /// Interactions and a change that belong together, in one commit, which others may share. `prepare` runs before that
    /// commit and decides which interactions there are, none at all included; `write` is given them with their verdicts and
    /// positions, which lie before its own; `applied` runs once all is durable and the interactions are applied.
    ///
    /// `keys` name what `prepare` reads and `write` changes, apart from what changes made with ``change`` alone touch: two
    /// with a key in common never share a commit, so that the later one reads what the earlier one has left.
    public static func joint(
        keys: [String], bytes: Int, prepare: @escaping @Sendable () throws(StorageError) -> InteractionBatch,
        write: @escaping @Sendable (any TenantTransaction, InteractionBatch) throws(StorageError) -> Void,
        applied: @escaping @Sendable (InteractionBatch) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .joint(keys: keys, prepare: prepare, write: write, applied: applied), rows: 1, bytes: bytes,
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

    /// A record that is only added, and that what follows the log takes in: it may share a commit with others, and
    /// `followed` runs after what stands before it in the log has been followed up.
    public static func record(
        bytes: Int, write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        followed: @escaping @Sendable () -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(kind: .record(write, followed: followed), rows: 1, bytes: bytes, completion: completion)
    }

    /// A look at the writer's own state between two commits, for snapshots. It takes place whether or not the commit that
    /// it has come with succeeds.
    public static func inspect(_ body: @escaping @Sendable (Sessioniser, DeduplicationIndex) -> Void) -> CollectWork {
        CollectWork(kind: .inspect(body), rows: 1, bytes: 0) { _ in }
    }
}
