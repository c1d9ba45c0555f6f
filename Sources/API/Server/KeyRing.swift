internal import COpenSSL
internal import Domain
internal import Storage
internal import Synchronization

/// Finds the tenant that a key opens. Keys made by another process are seen at the first request that uses them.
final class KeyRing: Sendable {
    private struct State {
        var byHash: [[UInt8]: KeyEntry] = [:]
        /// Keys seen and found good, by their text, so that a request costs a look-up and not a hash.
        var seen: [String: KeyEntry] = [:]
        var signingSecrets: [String: [String]] = [:]
        var token: Int64 = -1
    }

    private let registry: any Registry
    private let state = Mutex(State())
    private let changes = Atomic<Int>(0)

    /// Grows whenever keys have changed. What was found in the ring after reading it holds as long as it stays the same.
    var version: Int { changes.load(ordering: .acquiring) }

    /// Held from reading the keys to putting them into force: what was read first must not come into force last, or a
    /// revoked key would be good again.
    private let reloading = Mutex(())

    init(registry: any Registry) throws(StorageError) {
        self.registry = registry
        try reload()
    }

    /// Reads all keys anew.
    func reload() throws(StorageError) {
        try reloading.withLock { _ throws(StorageError) in
            let token = try registry.changeToken()
            let keys = try registry.keys()
            state.withLock { state in
                state.token = token
                state.byHash = Dictionary(keys.map { ($0.hash, $0) }) { first, _ in first }
                state.seen.removeAll()
                state.signingSecrets = [:]
                for key in keys {
                    if let secret = key.signingSecret { state.signingSecrets[key.tenant, default: []].append(secret) }
                }
            }
            changes.add(1, ordering: .releasing)
        }
    }

    /// Makes a key that the registry has no more open nothing from now on. Cannot fail, as reading the keys anew can.
    func forget(_ hash: [UInt8]) {
        // After a reload that may have read the key before it was revoked.
        reloading.withLock { _ in
            state.withLock { state in
                guard let entry = state.byHash.removeValue(forKey: hash) else { return }
                state.seen = state.seen.filter { $0.value.hash != hash }
                if let secret = entry.signingSecret {
                    state.signingSecrets[entry.tenant]?.removeAll { $0 == secret }
                }
            }
            changes.add(1, ordering: .releasing)
        }
    }

    /// The entry of a key, `nil` when there is none.
    func find(_ key: String) -> KeyEntry? {
        if let entry = state.withLock({ $0.seen[key] }) { return entry }
        guard (8...256).contains(key.utf8.count) else { return nil }
        let hash = sha256(Array(key.utf8))
        if let entry = lookUp(hash, key) { return entry }
        // Perhaps it was made since: ask only when another process has written.
        guard let token = try? registry.changeToken(), state.withLock({ $0.token != token }),
            (try? reload()) != nil
        else { return nil }
        return lookUp(hash, key)
    }

    /// The secrets that a tenant's server signs with.
    func signingSecrets(of tenant: String) -> [String] {
        if let token = try? registry.changeToken(), state.withLock({ $0.token != token }) { try? reload() }
        return state.withLock { $0.signingSecrets[tenant] ?? [] }
    }

    private func lookUp(_ hash: [UInt8], _ key: String) -> KeyEntry? {
        state.withLock { state in
            guard let entry = state.byHash[hash] else { return nil }
            state.seen[key] = entry
            return entry
        }
    }
}

/// SHA-256 of bytes.
func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes, bytes.count, &digest)
    return digest
}
