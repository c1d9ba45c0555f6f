internal import Domain
internal import JSON
internal import Live
internal import Storage

/// Applies the log's other records to the live state while a tenant is opened, in their order among the interactions.
struct RecordFollower {
    private let live: LiveState
    private let names: NameTable
    private var plan: CompiledPlan?
    private var settings = TenantSettings()

    init(live: LiveState, names: NameTable) {
        self.live = live
        self.names = names
    }

    /// Puts the plan and settings into force that held at a position, where a snapshot ends.
    mutating func begin(from store: any TenantStore, upTo position: Int64) throws {
        guard position > 0 else { return }
        var last: [LogRecord.Kind: LogRecord] = [:]
        for kind in [LogRecord.Kind.plan, .settings] {
            if let record = try store.lastRecord(kind, upTo: position) { last[kind] = record }
        }
        if let record = last[.plan] { try take(record) }
        if let record = last[.settings] { try take(record) }
        publish(position: position)
    }

    mutating func apply(_ record: LogRecord) throws(StorageError) {
        switch record.kind {
        case .plan, .settings:
            do { try take(record) } catch {
                throw StorageError("store_corrupt", "The record at position \(record.position) cannot be read.")
            }
            publish(position: record.position)
        case .entity:
            guard let document = try? JSONValue(parsing: record.body), let entity = try? Entity(document: document)
            else {
                throw StorageError("store_corrupt", "The entity at position \(record.position) cannot be read.")
            }
            live.apply(entity: entity, position: record.position)
        case .retention:
            let retention = try RetentionRecord(record)
            // Removing rows changes nothing that is derived from them; dropping sessions does.
            if retention.removed != nil {
                live.skip(to: record.position)
            } else {
                _ = live.applyRetention(before: retention.before, position: record.position)
            }
        // They stand in the store; what they do to the live state, interactions and entities tell.
        case .user, .cart, .order: live.skip(to: record.position)
        case .search:
            guard let search = SearchRecord(record.body) else {
                throw StorageError("store_corrupt", "The search at position \(record.position) cannot be read.")
            }
            live.apply(search: search, position: record.position)
        default:
            throw StorageError(
                "store_too_new", "The log has a record of kind \"\(record.kind.rawValue)\"; use a later release.")
        }
    }

    private mutating func take(_ record: LogRecord) throws {
        let document = try JSONValue(parsing: record.body)
        if record.kind == .plan {
            plan = try CompiledPlan(TrackingPlan(document: document, isStored: true), version: 0, names: names)
        } else {
            settings = try TenantSettings(document: document)
        }
    }

    private func publish(position: Int64) {
        guard let plan else { return live.skip(to: position) }
        live.apply(plan: LivePlan(plan, settings), position: position)
    }
}
