/// Finds a short name among a fixed set by its bytes: a hash of its ends and one comparison, no String made.
public struct ByteNameIndex: Sendable {
    private struct Slot: Sendable {
        var hash: UInt32 = 0
        /// The name's number; negative in a free slot.
        var number: Int32 = -1
        var offset: UInt32 = 0
        var length: UInt32 = 0
    }

    private var slots: [Slot]
    /// The names, one after the other.
    private var text: [UInt8] = []
    private let mask: Int

    /// An index of names; a name's number is its place in the list.
    public init(_ names: [String]) {
        var capacity = 8
        while capacity < names.count * 4 { capacity *= 2 }
        mask = capacity - 1
        slots = Array(repeating: Slot(), count: capacity)
        for (number, name) in names.enumerated() {
            let bytes = Array(name.utf8)
            let hash = bytes.withUnsafeBytes { ByteNameIndex.hash($0) }
            var slot = Int(hash) & mask
            while slots[slot].number >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Slot(
                hash: hash, number: Int32(truncatingIfNeeded: number), offset: UInt32(truncatingIfNeeded: text.count),
                length: UInt32(truncatingIfNeeded: bytes.count))
            text += bytes
        }
    }

    /// Of the length and the first and last eight bytes: names come from the plan, so nobody outside can make them collide.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var ends: UInt64
        if bytes.count >= 8 {
            let first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
            let last = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
            ends = first &+ (last << 23 | last >> 41)
        } else {
            ends = 0
            for byte in bytes { ends = ends << 8 | UInt64(byte) }
        }
        let hash = (ends ^ UInt64(truncatingIfNeeded: bytes.count)) &* 0x9e37_79b9_7f4a_7c15
        return UInt32(truncatingIfNeeded: hash >> 32)
    }

    /// The number of a name, if it is one of the set; of equal names, the first.
    public func find(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let hash = ByteNameIndex.hash(bytes)
        return slots.withUnsafeBufferPointer { slots in
            var place = Int(hash) & mask
            while true {
                let slot = slots[place]
                if slot.number < 0 { return nil }
                if slot.hash == hash, Int(slot.length) == bytes.count, isName(slot, bytes) { return Int(slot.number) }
                place = (place + 1) & mask
            }
        }
    }

    @inline(__always)
    private func isName(_ slot: Slot, _ bytes: UnsafeRawBufferPointer) -> Bool {
        text.withUnsafeBytes { text in
            let name = UnsafeRawBufferPointer(rebasing: text[Int(slot.offset)..<Int(slot.offset) + bytes.count])
            return name.elementsEqual(bytes)
        }
    }
}
