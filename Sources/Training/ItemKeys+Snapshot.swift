public import Storage

/// Entities in a section of a snapshot: how many, then type and id of each.
extension ItemKeys {
    /// Writes them.
    public func write(_ writer: inout SnapshotWriter) {
        writer.u64(UInt64(count))
        for item in 0..<count {
            writer.string(type(of: item))
            writer.string(id(of: item))
        }
    }

    /// Reads what ``write(_:)`` wrote. There cannot be more than `most`.
    public init(_ reader: inout SnapshotReader, most: Int) throws(StorageError) {
        self.init()
        let count = try reader.u64()
        guard count <= UInt64(max(0, most)) else { throw SnapshotReader.corrupt("it has more entities than bytes") }
        for _ in 0..<count {
            let type = try reader.string(maximum: 65_536)
            guard append(type: type, id: try reader.string(maximum: 65_536)) else {
                throw SnapshotReader.corrupt("it has too many types")
            }
        }
    }
}
