internal import Foundation
internal import Glibc
internal import Models
internal import Storage
internal import Synchronization

/// The models of a tenant: `models/VERSION.model` in its folder, and in `models/current` which of them serves.
///
/// Files are written aside, made durable and renamed, so a kill at any moment leaves the model that served before. What
/// cannot be read is passed over and reported; when that is the current one, the newest that can be read serves.
public final class ModelStore: Sendable {
    /// Models that are kept; the oldest make room, but never the current one.
    public static let kept = 5

    /// A model on disk.
    public struct Entry: Sendable, Equatable {
        /// Its number.
        public var version: Int64
        /// What it says of itself; `nil` when it cannot be read.
        public var card: ModelCard?
        /// Why it cannot be read.
        public var problem: String?
        /// Bytes on disk.
        public var bytes: Int64
    }

    private struct State {
        var entries: [Entry] = []
        var current: Int64?
        /// The greatest version that was ever given.
        var last: Int64 = 0

        func check(_ version: Int64) throws(TrainingError) {
            guard entries.contains(where: { $0.version == version }) else {
                throw TrainingError("not_found", "There is no model \(version).")
            }
        }
    }

    private let folder: String
    private let state = Mutex(State())
    private let note: @Sendable (String) -> Void

    /// The models in a tenant's folder. `note` is told what cannot be used.
    public init(tenantFolder: String, note: @escaping @Sendable (String) -> Void = { _ in }) {
        folder = "\(tenantFolder)/models"
        self.note = note
        let found = ModelStore.list(folder)
        for entry in found {
            if let problem = entry.problem { note("The model \(entry.version) is left out: \(problem)") }
        }
        let (current, last) = readCurrent()
        state.withLock { state in
            state.entries = found
            state.last = max(last, found.map(\.version).max() ?? 0)
            state.current = current
        }
        removeLeftovers()
    }

    /// What lies in a models folder, newest first. Changes nothing.
    static func list(_ folder: String) -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { version(of: $0, suffix: ".model") }.sorted(by: >).map { version in
            let path = "\(folder)/\(version).model"
            var entry = Entry(version: version, card: nil, problem: nil, bytes: bytes(path))
            do throws(TrainingError) {
                var card = try StoredModel.card(path: path)
                card.version = version
                entry.card = card
            } catch {
                entry.problem = error.message
            }
            return entry
        }
    }

    /// Problems of the models in a tenant's folder, each file read whole. Changes nothing.
    public static func inspect(tenantFolder: String) -> (models: Int, problems: [String]) {
        let folder = "\(tenantFolder)/models"
        let found = list(folder)
        var problems: [String] = []
        for entry in found {
            do throws(TrainingError) {
                _ = try StoredModel(path: "\(folder)/\(entry.version).model", bytes: entry.bytes)
            } catch {
                problems.append(error.message)
            }
        }
        return (found.count, problems)
    }

    /// The models, newest first.
    public var entries: [Entry] { state.withLock { $0.entries } }
    /// The version that serves; `nil` for none.
    public var current: Int64? { state.withLock { $0.current } }
    /// Bytes on disk.
    public var bytes: Int64 { entries.reduce(0) { $0 + $1.bytes } }

    /// The model that serves, or the newest that can be read when that one cannot; `nil` when there is none.
    public func loadCurrent() -> StoredModel? {
        let (current, versions) = state.withLock { ($0.current, $0.entries.map(\.version)) }
        guard let current else {
            // Without the file that names it, the newest is the one that served.
            let isKnown = access("\(folder)/current", F_OK) == 0
            return isKnown ? nil : firstReadable(versions)
        }
        return firstReadable([current] + versions.filter { $0 < current } + versions.filter { $0 > current })
    }

    private func firstReadable(_ versions: [Int64]) -> StoredModel? {
        for version in versions {
            do throws(TrainingError) {
                let model = try load(version)
                if current != version {
                    note(
                        "The model \(version) serves in place of \(current.map(String.init) ?? "one that is not named")."
                    )
                    state.withLock { $0.current = version }
                }
                return model
            } catch {
                note("The model \(version) cannot be used: \(error.message)")
                fail(version, error.message)
            }
        }
        state.withLock { $0.current = nil }
        return nil
    }

    /// Reads a model whole.
    public func load(_ version: Int64) throws(TrainingError) -> StoredModel {
        let path = path(version)
        var model = try StoredModel(path: path, bytes: ModelStore.bytes(path))
        model.card.version = version
        return model
    }

    /// The model that was fitted to what came before the hold-out, to compare later ones with; `nil` when it is not there.
    public func loadHeldOut(_ version: Int64) -> StoredModel? {
        let path = heldOutPath(version)
        return try? StoredModel(path: path, bytes: ModelStore.bytes(path))
    }

    /// Stores a model under a new version, with the one that was fitted without the hold-out. It does not serve yet.
    public func add(_ model: StoredModel, heldOut: StoredModel?) throws(TrainingError) -> Int64 {
        let version = state.withLock { state in
            state.last += 1
            return state.last
        }
        var stored = model
        stored.card.version = version
        do throws(StorageError) {
            if mkdir(folder, 0o700) != 0, errno != EEXIST {
                throw StorageError(
                    "store_unwritable", "The folder \(folder) cannot be made: \(String(cString: strerror(errno))).")
            }
            if var heldOut {
                heldOut.card.version = version
                try heldOut.write(to: heldOutPath(version))
            }
            try stored.write(to: path(version))
        } catch {
            throw TrainingError(error)
        }
        let entry = Entry(version: version, card: stored.card, problem: nil, bytes: ModelStore.bytes(path(version)))
        state.withLock { $0.entries.insert(entry, at: 0) }
        return version
    }

    /// Has a version serve from now on, durably; the oldest that are too many go.
    public func activate(_ version: Int64) throws(TrainingError) {
        let last = try state.withLock { state throws(TrainingError) in
            try state.check(version)
            return state.last
        }
        try writeCurrent(version, last: last)
        state.withLock { $0.current = version }
        removeOld()
    }

    /// Throws `not_found` unless a version is kept.
    public func check(_ version: Int64) throws(TrainingError) {
        try state.withLock { state throws(TrainingError) in try state.check(version) }
    }

    /// Removes a model that does not serve.
    public func remove(_ version: Int64) throws(TrainingError) {
        try state.withLock { state throws(TrainingError) in
            try state.check(version)
            guard state.current != version else {
                throw TrainingError("model_in_use", "The model \(version) serves; activate another one first.")
            }
            state.entries.removeAll { $0.version == version }
        }
        unlink(path(version))
        unlink(heldOutPath(version))
    }

    /// Copies the models that can be read, and which of them serves, into a folder that is not there yet; nothing when
    /// there are none. One that is removed meanwhile is left out.
    public func copy(to destination: String) throws(TrainingError) {
        let names = state.withLock { state in
            state.entries.filter { $0.card != nil }.map { "\($0.version).model" }
        }
        guard !names.isEmpty else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: destination, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for name in names + ["current"] where access("\(folder)/\(name)", R_OK) == 0 {
                do {
                    try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(destination)/\(name)")
                } catch {
                    if access("\(folder)/\(name)", R_OK) == 0 { throw error }
                }
            }
        } catch {
            throw TrainingError("store_unwritable", "The models cannot be copied: \(error.localizedDescription)")
        }
    }

    // MARK: - Files

    private func path(_ version: Int64) -> String { "\(folder)/\(version).model" }
    private func heldOutPath(_ version: Int64) -> String { "\(folder)/\(version).held-out" }
    private static let stateKind = "model-state"

    private func removeOld() {
        let gone = state.withLock { state in
            let old = state.entries.filter { $0.version != state.current }.dropFirst(ModelStore.kept - 1).map(\.version)
            state.entries.removeAll { old.contains($0.version) }
            return old
        }
        for version in gone { unlink(path(version)) }
        removeLeftovers()
    }

    /// What a kill may have left half-written, and held-out models that nothing is compared with any more.
    private func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let current = current
        for name in names {
            let heldOut = ModelStore.version(of: name, suffix: ".held-out")
            if name.hasSuffix(".new") || (heldOut != nil && heldOut != current) { unlink("\(folder)/\(name)") }
        }
    }

    private func fail(_ version: Int64, _ problem: String) {
        state.withLock { state in
            guard let place = state.entries.firstIndex(where: { $0.version == version }) else { return }
            state.entries[place].card = nil
            state.entries[place].problem = problem
        }
    }

    private func writeCurrent(_ version: Int64, last: Int64) throws(TrainingError) {
        do throws(StorageError) {
            try SnapshotFile.write(
                to: "\(folder)/current", kind: ModelStore.stateKind, version: 1, position: 0,
                sections: [
                    .init("versions") { writer in
                        writer.i64(version)
                        writer.i64(last)
                    }
                ])
        } catch {
            throw TrainingError(error)
        }
    }

    private func readCurrent() -> (current: Int64?, last: Int64) {
        switch SnapshotFile.open("\(folder)/current", kind: ModelStore.stateKind, versions: 1...1) {
        case .missing: return (nil, 0)
        case .unusable(let reason):
            note("What says which model serves cannot be used: \(reason).")
            unlink("\(folder)/current")
            return (nil, 0)
        case .opened(var reader):
            do throws(StorageError) {
                guard try reader.section() == "versions" else { throw SnapshotReader.corrupt("it has no versions") }
                let (current, last) = (try reader.i64(), try reader.i64())
                return (current > 0 ? current : nil, max(0, last))
            } catch {
                note("What says which model serves cannot be used: \(error.message)")
                unlink("\(folder)/current")
                return (nil, 0)
            }
        }
    }

    private static func version(of name: String, suffix: String) -> Int64? {
        guard name.hasSuffix(suffix) else { return nil }
        let digits = name.dropLast(suffix.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), digits.first != "0" else {
            return nil
        }
        return Int64(digits)
    }

    private static func bytes(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}
