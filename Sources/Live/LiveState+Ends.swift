extension LiveState {
    /// Says of entities whether they are over by now. Popular lists and searches leave out what is, from the next read
    /// on. It follows from the catalogue and the clock rather than from the log, so that it is in no snapshot and has to
    /// be said again after a start.
    public func note(over changes: ContiguousArray<(entity: UInt32, isOver: Bool)>) {
        guard !changes.isEmpty else { return }
        state.withLock { state in
            for change in changes { state.core.note(change.entity, isOver: change.isOver) }
        }
    }
}

extension LiveCore {
    /// Whether lists may show an entity now.
    @inline(__always)
    func isShown(_ number: UInt32) -> Bool {
        entities.address(Int(number)).pointee.isListed && !(hasEnds && isOver(number))
    }

    @inline(__always)
    private func isOver(_ number: UInt32) -> Bool {
        let word = Int(number >> 6)
        return word < over.count && over[word] & (1 << UInt64(number & 63)) != 0
    }

    fileprivate mutating func note(_ number: UInt32, isOver: Bool) {
        guard Int(number) < entities.count, self.isOver(number) != isOver else { return }
        let word = Int(number >> 6)
        while over.count <= word { over.append(0) }
        over[word] ^= 1 << UInt64(number & 63)
        hasEnds = true
        changes.add(number, &entities.writable(Int(number)).pointee)
    }
}
