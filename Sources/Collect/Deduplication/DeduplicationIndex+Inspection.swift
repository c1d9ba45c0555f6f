internal import Domain
public import Storage

extension DeduplicationIndex {
    /// Looks at the files of a folder without changing them: how many are whole, and what is wrong with the others. Reads
    /// each from end to end.
    public static func inspect(folder: String, seed: UInt64, logPosition: Int64) throws(StorageError) -> (
        files: Int, problems: [String]
    ) {
        let identity = KeyHasher(seed: seed).key("deduplication", .interaction).low
        var files = 0
        var problems: [String] = []
        for name in try RawFile.entries(of: folder) {
            guard let sequence = sequence(ofFileNamed: name) else { continue }
            do {
                let file = try SealedKeys(folder: folder, name: name, sequence: sequence, identity: identity)
                if file.ranges.runs.contains(where: { $0.after < 0 || $0.through > logPosition }) {
                    problems.append("\(name) is ahead of the log")
                }
                files += 1
            } catch SealedKeys.Refusal.tooNew {
                problems.append("\(name) is of a later release")
            } catch SealedKeys.Refusal.foreign {
                problems.append("\(name) belongs to another store")
            } catch let error as StorageError where error.code == "store_io" {
                // A running server may have merged it away; one that is still there cannot be read.
                if try RawFile.entries(of: folder).contains(name) { problems.append("\(name) cannot be read") }
            } catch {
                problems.append("\(name) is damaged")
            }
        }
        return (files, problems)
    }
}
