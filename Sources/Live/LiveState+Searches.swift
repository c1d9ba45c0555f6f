public import Domain
public import Storage

extension LiveState {
    /// Counts a search's page: `search_count` of each entity on it. A search at or before ``position`` is passed over.
    public func apply(search: SearchRecord, position: Int64) {
        state.withLock { state in
            guard position > state.core.position else { return }
            if let type = names.intern(search.entityType) {
                for id in search.productIDs { state.core.countShown(type: type, id: id) }
            }
            state.core.move(to: position)
        }
    }

    /// The popularity scores of entities, in the order given; `nil` for one that no list may show or that is unknown.
    /// About 100 ns each.
    public func standing(of keys: [Key128]) -> [Double?] {
        var standing: [Double?] = []
        standing.reserveCapacity(keys.count)
        for start in stride(from: 0, to: keys.count, by: Self.stretch) {
            if start > 0 { state.letOthersIn() }
            state.withLock { state in
                for key in keys[start..<min(start + Self.stretch, keys.count)] {
                    guard let number = state.core.entity(key), state.core.isShown(number) else {
                        standing.append(nil)
                        continue
                    }
                    standing.append(state.core.popularity(Int(number)))
                }
            }
        }
        return standing
    }
}

extension LiveCore {
    /// Counts that a search has shown an entity. It is no interaction: it has no place in trends, totals and lists.
    mutating func countShown(type: UInt16, id: String, times: Int64 = 1) {
        var id = id
        let key = entityKey(type, id)
        guard let searchType,
            let number = entity(key) ?? id.withUTF8({ addEntity(key, type: type, id: UnsafeRawBufferPointer($0)) }),
            let cell = cell(Int(number), searchType)
        else { return }
        cells[cell].count &+= times
    }
}
