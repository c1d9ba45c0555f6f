internal import Collect
internal import Domain
internal import Storage

/// The sessioniser's state as it was at a log position.
struct SessionSnapshot: Sendable {
    private let bytes: [UInt8]

    init(_ sessions: Sessioniser) { bytes = sessions.encoded() }

    private static let kind = "footfall sess"
    private static let version: UInt32 = 1

    /// Writes the snapshot aside and renames it.
    func write(to path: String, position: Int64, pace: BackgroundPace? = nil) throws(StorageError) {
        try SnapshotFile.write(
            to: path, kind: SessionSnapshot.kind, version: SessionSnapshot.version, position: position,
            sections: [
                SnapshotFile.Section("sessions") { writer in
                    writer.u64(UInt64(bytes.count))
                    bytes.withUnsafeBytes { writer.raw($0) }
                }
            ], pace: pace)
    }

    /// Takes in the snapshot of a folder and returns its position; 0, with the sessioniser empty, when there is none that
    /// can be used.
    static func load(path: String, into sessions: Sessioniser, logPosition: Int64) -> Int64 {
        guard case .opened(var reader) = SnapshotFile.open(path, kind: kind, versions: 1...version),
            reader.position <= logPosition, let bytes = try? read(&reader)
        else { return 0 }
        return bytes.withUnsafeBytes { sessions.decode($0) } ? reader.position : 0
    }

    private static func read(_ reader: inout SnapshotReader) throws(StorageError) -> [UInt8] {
        guard try reader.section() == "sessions" else { throw SnapshotReader.corrupt("a section is missing") }
        guard let count = Int(exactly: try reader.u64()), count <= 1 << 32 else {
            throw SnapshotReader.corrupt("a length is too large")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        var problem: StorageError?
        bytes.withUnsafeMutableBytes { room in
            do throws(StorageError) { try reader.raw(into: room) } catch { problem = error }
        }
        if let problem { throw problem }
        try reader.endSection()
        return bytes
    }
}
