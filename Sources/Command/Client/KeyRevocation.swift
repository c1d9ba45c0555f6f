internal import JSON
internal import Storage
internal import StorageSQLite

/// Makes a key open nothing from now on: by the server that runs on the data folder, which has to know at once, else in the
/// registry, under the lock that keeps a server from starting meanwhile.
struct KeyRevocation {
    let folder: String
    let key: KeyEntry

    func run(now: Int64) throws(CommandError) {
        let socketPath = folder + "/admin.sock"
        if AdminClient.isListening(socketPath) { return try ask(AdminClient(socketPath: socketPath)) }
        do throws(StorageError) {
            let lock = try FolderLock(folder: folder)
            defer { withExtendedLifetime(lock) {} }
            let registry = try SQLiteRegistry(folder: folder)
            defer { registry.close() }
            guard try registry.revoke(key.hash, at: now) else {
                throw StorageError("not_found", "The key \(key.id) is revoked already.")
            }
        } catch {
            throw .failure("The key \(key.id) could not be revoked: \(error.message)")
        }
    }

    private func ask(_ client: AdminClient) throws(CommandError) {
        let body: JSONValue = ["sha256": .string(key.hexadecimalHash)]
        let answer = client.send(
            method: "POST", path: "/v1/keys/revoke", headers: ["Content-Type: application/json"],
            body: Array(body.text.utf8))
        guard answer.status != 200 else { return }
        let text = String(decoding: answer.body, as: UTF8.self)
        let detail = (try? JSONValue(parsing: answer.body))?["detail"]?.stringValue ?? text
        throw .failure("The server on \(folder) could not revoke the key \(key.id): \(detail)")
    }
}
