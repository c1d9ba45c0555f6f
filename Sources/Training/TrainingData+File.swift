internal import Storage

/// Training data in a file, for a command that runs beside the server.
extension TrainingData {
    private static let kind = "training-data"

    /// Writes the data aside and puts it in its place.
    public func write(to path: String) throws(TrainingError) {
        do throws(StorageError) {
            try SnapshotFile.write(
                to: path, kind: TrainingData.kind, version: 1, position: position,
                sections: [
                    .init("head") { writer in
                        writer.i64(newest)
                        writer.i64(rows)
                        writer.i64(interactions)
                        writer.double(halfLifeDays)
                        writer.u8(isCut ? 1 : 0)
                    },
                    .init("items") { items.write(&$0) },
                    .init("persons") { writer in
                        writer.u64(UInt64(persons))
                        for person in 0..<persons {
                            let run = run(of: person)
                            writer.u32(UInt32(truncatingIfNeeded: run.count))
                            for entry in run {
                                writer.u32(entry.item)
                                writer.u32(entry.weight.bitPattern)
                                writer.i64(entry.first)
                                writer.i64(entry.last)
                            }
                        }
                    },
                ])
        } catch {
            throw TrainingError(error)
        }
    }

    /// Reads what ``write(to:)`` wrote.
    public init(path: String) throws(TrainingError) {
        switch SnapshotFile.open(path, kind: TrainingData.kind, versions: 1...1) {
        case .missing: throw TrainingError("not_found", "There is no training data at \(path).")
        case .unusable(let reason): throw TrainingError("data_unreadable", "\(path): \(reason)")
        case .opened(var reader):
            do throws(StorageError) {
                try self.init(&reader)
            } catch {
                throw TrainingError("data_unreadable", "\(path): \(error.message)")
            }
        }
    }

    private init(_ reader: inout SnapshotReader) throws(StorageError) {
        guard try reader.section() == "head" else { throw SnapshotReader.corrupt("it has no head") }
        let (newest, rows, interactions) = (try reader.i64(), try reader.i64(), try reader.i64())
        let (halfLifeDays, isCut) = (try reader.double(), try reader.u8() == 1)
        try reader.endSection()
        guard try reader.section() == "items" else { throw SnapshotReader.corrupt("it has no items") }
        let items = try ItemKeys(&reader, most: Int(UInt32.max))
        try reader.endSection()
        self.init(
            items: items, position: reader.position, newest: newest, rows: rows, interactions: interactions,
            halfLifeDays: halfLifeDays)
        self.isCut = isCut
        guard try reader.section() == "persons" else { throw SnapshotReader.corrupt("it has no persons") }
        for _ in 0..<(try reader.u64()) {
            var run: [Entry] = []
            for _ in 0..<(try reader.u32()) {
                let (item, weight) = (try reader.u32(), Float(bitPattern: try reader.u32()))
                let (first, last) = (try reader.i64(), try reader.i64())
                guard Int(item) < items.count, weight.isFinite else {
                    throw SnapshotReader.corrupt("an entry makes no sense")
                }
                run.append(Entry(item: item, weight: weight, first: first, last: last))
            }
            append(run)
        }
        try reader.endSection()
    }
}
