internal import Collect
internal import Domain
internal import Storage

/// The sessioniser's state as it was at a log position.
struct SessionSnapshot: Sendable {
    private let bytes: [UInt8]

    init(_ sessions: Sessioniser) {
        var bytes: [UInt8] = []
        sessions.encode(into: &bytes)
        self.bytes = bytes
    }

    private static let kind = "footfall sessions"
    private static let version: UInt32 = 1

    /// Writes the snapshot aside and renames it.
    func write(to path: String, position: Int64) throws(StorageError) {
        try SnapshotFile.write(
            path: path, kind: SessionSnapshot.kind, version: SessionSnapshot.version, position: position,
            sections: [("sessions", { $0.bytes(bytes) })])
    }

    /// Takes in the snapshot of a folder and returns its position; 0, with the sessioniser empty, when there is none that
    /// can be used.
    static func load(path: String, into sessions: Sessioniser, logPosition: Int64) -> Int64 {
        guard
            case .snapshot(let file) = SnapshotFile.read(path: path, kind: kind, version: version),
            file.position <= logPosition, var section = file.section("sessions"), let bytes = try? section.bytes()
        else { return 0 }
        let isGood = bytes.withUnsafeBytes { sessions.decode($0) }
        return isGood ? file.position : 0
    }
}
