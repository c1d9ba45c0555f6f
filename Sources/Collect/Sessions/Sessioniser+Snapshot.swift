internal import Domain

extension Sessioniser {
    private static let version: UInt64 = 1
    private static let recordWords = 7

    /// What is remembered, in bytes: a version, the latest time of receipt, a count, and 56 bytes a session. Not to be called
    /// within a commit. The writer waits for it: some 10 ns a session.
    public func encoded() -> [UInt8] {
        let size = 24 + table.count * Sessioniser.recordWords * 8
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, filled in
            let bytes = UnsafeMutableRawBufferPointer(bytes)
            func put(_ word: UInt64) {
                bytes.storeBytes(of: word.littleEndian, toByteOffset: filled, as: UInt64.self)
                filled += 8
            }
            put(Sessioniser.version)
            put(UInt64(bitPattern: newest))
            put(UInt64(table.count))
            table.forEach { session in
                put(session.key.high)
                put(session.key.low)
                put(session.id.high)
                put(session.id.low)
                put(UInt64(bitPattern: session.start))
                put(UInt64(bitPattern: session.last))
                put(UInt64(bitPattern: session.seen))
            }
        }
    }

    /// Takes up what ``encoded()`` wrote; the sessioniser must be new. Returns false, and remembers nothing, when
    /// the bytes are not that.
    public func decode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let record = Sessioniser.recordWords * 8
        guard bytes.count >= 24, (bytes.count - 24) % record == 0 else { return false }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let count = (bytes.count - 24) / record
        guard word(0) == Sessioniser.version, word(16) == UInt64(count) else { return false }
        newest = Int64(bitPattern: word(8))
        table.reserve(
            forKeys: (0..<count).lazy.map { Key128(high: word(24 + $0 * record), low: word(32 + $0 * record)) })
        for index in 0..<count {
            let offset = 24 + index * record
            let session = SessionTable.Session(
                key: Key128(high: word(offset), low: word(offset + 8)),
                id: SessionID(high: word(offset + 16), low: word(offset + 24)),
                start: Int64(bitPattern: word(offset + 32)), last: Int64(bitPattern: word(offset + 40)),
                seen: Int64(bitPattern: word(offset + 48)))
            if !session.key.isNone { _ = table.insert(session) }
        }
        return true
    }
}
