internal import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

extension TenantService {
    /// A change of what the tenant says of a user.
    enum UserChange: Sendable {
        /// As given from now on.
        case put(UserProfile)
        /// Some traits, as a client sent them.
        case patch(id: String, JSONValue)
        /// Taken out.
        case delete(id: String)

        var id: String {
            switch self {
            case .put(let profile): profile.id
            case .patch(let id, _), .delete(let id): id
            }
        }
    }

    /// Makes changes of users in their order, each on what those before it have left, and tells how each one fared.
    func change(
        _ changes: [UserChange], bytes: Int, now: Int64,
        completion: @escaping @Sendable (Result<[Result<UserProfile, FootfallError>], ChangeFailure>) -> Void
    ) {
        let results = Shared(Mutex<[Result<UserProfile, FootfallError>]>([]))
        let position = Shared(Mutex<Int64>(0))
        let limit = settings.maximumIDBytes
        change(
            bytes: bytes + changes.count * 256,
            prepare: { [self] () throws(StorageError) in
                var known: [[UInt8]: UserProfile?] = [:]
                var decided: [Result<UserProfile, FootfallError>] = []
                for change in changes {
                    let key = Array(change.id.utf8)
                    let stored: UserProfile?
                    if let own = known[key] { stored = own } else { stored = try profile(of: change.id) }
                    let result = TenantService.decide(change, stored, now: now, maximumIDBytes: limit)
                    if case .success(let profile) = result {
                        known.updateValue(profile.isDeleted ? nil : profile, forKey: key)
                    }
                    decided.append(result)
                }
                results.value.withLock { $0 = decided }
            },
            { (transaction) throws(StorageError) in
                for result in results.value.withLock({ $0 }) {
                    guard case .success(let profile) = result else { continue }
                    let text = profile.document.text
                    let own = try transaction.append(
                        LogRecord(kind: .user, receivedAt: now, body: Array(text.utf8)),
                        document: StoredDocument(
                            kind: .user, id: profile.id, body: text, isDeleted: profile.isDeleted))
                    position.value.withLock { $0 = own }
                }
            },
            applied: { [live] _ in
                let own = position.value.withLock { $0 }
                if own > 0 { live.skip(to: own) }
            }
        ) { failure in
            completion(failure.map { .failure($0) } ?? .success(results.value.withLock { $0 }))
        }
    }

    private static func decide(_ change: UserChange, _ stored: UserProfile?, now: Int64, maximumIDBytes: Int) -> Result<
        UserProfile, FootfallError
    > {
        switch change {
        case .put(var profile):
            if let stored { profile.createdAt = stored.createdAt }
            return .success(profile)
        case .patch(let id, let document):
            guard let stored else { return .failure(unknownUser) }
            do throws(FootfallError) {
                return .success(
                    try UserProfile(
                        request: document, id: id, patching: stored, now: now, maximumIDBytes: maximumIDBytes))
            } catch {
                return .failure(error)
            }
        case .delete:
            guard var profile = stored else { return .failure(unknownUser) }
            // What was said of the user is not kept.
            profile.traits = [:]
            profile.updatedAt = now
            profile.isDeleted = true
            return .success(profile)
        }
    }

    private static let unknownUser = FootfallError("not_found", "There is no user with this id; create it with PUT.")
}
