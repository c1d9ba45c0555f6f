internal import JSON
public import Models
internal import Numerics
internal import Storage

/// A model with what it was made from and the entities that its numbers stand for.
public struct StoredModel: Sendable {
    /// What is known of it.
    public var card: ModelCard
    /// Its entities.
    public let items: ItemKeys
    /// The model.
    public let model: ServingModel
    /// What the model of sessions is made from, over the same entities; `nil` when sessions are asked for like histories.
    public let sessions: SessionMemory?

    /// A model; its entities must be as many as it knows.
    public init(card: ModelCard, items: ItemKeys, model: ServingModel, sessions: SessionMemory? = nil) {
        self.card = card
        self.items = items
        self.model = model
        self.sessions = sessions
    }

    /// Bytes of memory of a model with its entities: 8 an entry of a row, and for each item 8 a layer, 10 and its id.
    public static func memoryBytes(_ model: ServingModel, _ items: ItemKeys) -> Int {
        model.layers.reduce(items.memoryBytes) { $0 + $1.rows.offsets.count * 8 + $1.rows.columns.count * 8 }
    }
}

/// The file of a model: a snapshot (checked block by block) with three sections, and a fourth
/// where there are sessions.
extension StoredModel {
    static let kind = "model"
    static let formVersion: UInt32 = 2

    /// Writes the file aside and puts it in its place.
    func write(to path: String) throws(StorageError) {
        let encoded = model.encoded()
        let remembered = sessions?.encoded() ?? []
        func put(_ bytes: [UInt8], _ writer: inout SnapshotWriter) {
            writer.u64(UInt64(bytes.count))
            bytes.withUnsafeBytes { writer.raw($0) }
        }
        try SnapshotFile.write(
            to: path, kind: StoredModel.kind, version: StoredModel.formVersion, position: card.position,
            sections: [
                .init("card") { $0.string(card.document.text) },
                .init("items") { items.write(&$0) },
                .init("model") { put(encoded, &$0) },
            ] + (sessions == nil ? [] : [.init("sessions") { put(remembered, &$0) }]))
    }

    /// Reads a file whole. Throws `model_unreadable` with the reason.
    init(path: String, bytes size: Int64) throws(TrainingError) {
        var (reader, card) = try StoredModel.begin(path)
        do {
            try reader.endSection()
            guard try reader.section() == "items" else { throw SnapshotReader.corrupt("it has no items") }
            let items = try ItemKeys(&reader, most: Int(clamping: size))
            try reader.endSection()
            guard try reader.section() == "model" else { throw SnapshotReader.corrupt("it has no model") }
            let model = try ServingModel(decoding: StoredModel.bytes(&reader, most: size))
            guard model.itemCount == items.count else { throw SnapshotReader.corrupt("its items are not the model's") }
            try reader.endSection()
            var sessions: SessionMemory?
            if let name = try reader.section() {
                guard name == "sessions" else { throw SnapshotReader.corrupt("there is something after its end") }
                let memory = try SessionMemory(decoding: StoredModel.bytes(&reader, most: size))
                guard memory.sessions.itemCount == items.count else {
                    throw SnapshotReader.corrupt("its sessions are not of its items")
                }
                sessions = memory
                try reader.endSection()
                guard try reader.section() == nil else {
                    throw SnapshotReader.corrupt("there is something after its end")
                }
            }
            card.memoryBytes = StoredModel.memoryBytes(model, items)
            self.init(card: card, items: items, model: model, sessions: sessions)
        } catch let error as StorageError {
            throw TrainingError(ModelError.Code.unreadable.text, "\(path): \(error.message)")
        } catch {
            throw TrainingError(ModelError.Code.unreadable.text, "\(path): \(error)")
        }
    }

    /// Bytes that stand behind their number.
    private static func bytes(_ reader: inout SnapshotReader, most size: Int64) throws(StorageError) -> [UInt8] {
        let length = try reader.u64()
        guard length <= UInt64(max(0, size)) else { throw SnapshotReader.corrupt("its model is cut short") }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        var problem: StorageError?
        bytes.withUnsafeMutableBytes { room in
            do throws(StorageError) { try reader.raw(into: room) } catch { problem = error }
        }
        if let problem { throw problem }
        return bytes
    }

    /// What a file says of its model; the rest is not looked at.
    static func card(path: String) throws(TrainingError) -> ModelCard { try begin(path).card }

    private static func begin(_ path: String) throws(TrainingError) -> (reader: SnapshotReader, card: ModelCard) {
        let unreadable = ModelError.Code.unreadable.text
        switch SnapshotFile.open(path, kind: kind, versions: 1...formVersion) {
        case .missing: throw TrainingError("not_found", "There is no model at \(path).")
        case .unusable(let reason): throw TrainingError(unreadable, "\(path): \(reason)")
        case .opened(var reader):
            do {
                guard try reader.section() == "card" else { throw SnapshotReader.corrupt("it has no card") }
                let text = try reader.string()
                guard let card = ModelCard(document: try JSONValue(parsing: text)) else {
                    throw SnapshotReader.corrupt("its card cannot be read")
                }
                return (reader, card)
            } catch {
                let reason = (error as? StorageError)?.message ?? "its card is no JSON"
                throw TrainingError(unreadable, "\(path): \(reason)")
            }
        }
    }
}
