internal import Storage

extension LiveState {
    /// The log position that a snapshot's header names, or what is wrong with the header; both `nil` when there is none.
    public static func inspectSnapshot(at path: String) -> (position: Int64?, problem: String?) {
        switch SnapshotFile.open(path, kind: LiveSnapshot.kind, versions: 1...LiveSnapshot.version) {
        case .missing: (nil, nil)
        case .unusable(let reason): (nil, reason)
        case .opened(let reader): (reader.position, nil)
        }
    }
}
