/// Finds a short name among a fixed set by its bytes: one hash and one comparison, no String made.
public struct ByteNameIndex: Sendable {
    private var slots: [Int32]
    private var names: [[UInt8]]
    private let mask: Int

    /// An index of names; a name's number is its place in the list.
    public init(_ names: [String]) {
        self.names = names.map { Array($0.utf8) }
        var capacity = 8
        while capacity < names.count * 4 { capacity *= 2 }
        mask = capacity - 1
        slots = Array(repeating: -1, count: capacity)
        for (number, name) in self.names.enumerated() {
            var slot = name.withUnsafeBytes { ByteNameIndex.hash($0) } & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(truncatingIfNeeded: number)
        }
    }

    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        // FNV-1a: names are a few bytes long and come from the plan, so nobody outside can make them collide.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 29)) & 0x7fff_ffff)
    }

    /// The number of a name, if it is one of the set.
    public func find(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var slot = ByteNameIndex.hash(bytes) & mask
        while true {
            let number = slots[slot]
            if number < 0 { return nil }
            let name = names[Int(number)]
            if name.count == bytes.count, name.elementsEqual(bytes) { return Int(number) }
            slot = (slot + 1) & mask
        }
    }

    /// The bytes of the name with a number.
    public func bytes(_ number: Int) -> [UInt8] { names[number] }
}
