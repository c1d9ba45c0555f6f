internal import Domain
internal import Glibc

/// The different words of an index, each with a number and with how many entities have it.
///
/// Words are bytes, as FTS5 makes and compares them: `String` takes some that FTS5 tells apart for the same. Numbers in
/// order of the words give all words with a beginning by two binary searches; what came since that order was made is
/// looked through one by one, and put in order when there is much of it.
struct Lexicon: Sendable {
    /// Words that a mistyped one may have been meant to be are looked for among so many; each costs a nanosecond or two.
    static let most = 262_144
    /// Lengths in Unicode scalars of such words; longer ones are no words.
    static let lengths = 2...40

    private var text: [UInt8] = []
    private var starts: [UInt32] = []
    private var byteCounts: [UInt32] = []
    /// In how many entities each word stands; a word with none is as good as gone.
    private var entities: [Int32] = []
    /// A bit for each letter, and the length in scalars: 0 when it is nothing to correct to.
    private var masks: [UInt64] = []
    private var sizes: [UInt8] = []
    /// Open addressing: a word's number and one, 0 for an empty slot.
    private var slots: [Int32] = []
    private var order: [Int32] = []
    private var recent: [Int32] = []
    private var free: [Int32] = []
    /// Words that some entity has.
    private(set) var count = 0

    /// One past the greatest number.
    var end: Int { starts.count }
    /// Bytes of memory.
    var bytes: Int {
        text.capacity + starts.capacity * 25 + slots.capacity * 4 + (order.capacity + recent.capacity) * 4
    }

    func entities(with word: Int32) -> Int { Int(entities[Int(word)]) }

    func string(_ word: Int32) -> String { withBytes(of: word) { String(decoding: $0, as: UTF8.self) } }

    @inline(__always)
    private func withBytes<Result>(of word: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let (start, length) = (Int(starts[Int(word)]), Int(byteCounts[Int(word)]))
        return text.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<start + length])) }
    }

    // MARK: - Numbers

    /// The number of a word that is known.
    func number(of word: UnsafeRawBufferPointer) -> Int32? {
        guard !slots.isEmpty else { return nil }
        let found = slots[slot(of: word)]
        return found == 0 ? nil : found - 1
    }

    private func slot(of word: UnsafeRawBufferPointer) -> Int {
        var slot = Int(truncatingIfNeeded: checksum64(word) & UInt64(slots.count - 1))
        while slots[slot] != 0, !withBytes(of: slots[slot] - 1, { isSame($0, word) }) {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    /// The number of a word, which is given one when it has none; see ``arrange()``. `nil` when there is no room for more.
    mutating func intern(_ word: UnsafeRawBufferPointer) -> Int32? {
        if (starts.count + 1) * 2 > slots.count { rebuildSlots(max(1024, slots.count * 2)) }
        let slot = slot(of: word)
        if slots[slot] != 0 { return slots[slot] - 1 }
        guard text.count + word.count < Int(UInt32.max), starts.count < Int(Int32.max) - 1 else { return nil }
        let size = Lexicon.size(word)
        let number: Int32
        if let place = free.popLast() {
            number = place
        } else {
            number = Int32(starts.count)
            starts.append(0)
            byteCounts.append(0)
            entities.append(0)
            masks.append(0)
            sizes.append(0)
        }
        let index = Int(number)
        starts[index] = UInt32(text.count)
        byteCounts[index] = UInt32(word.count)
        text.append(contentsOf: word)
        let isCorrection = index < Lexicon.most && Lexicon.lengths.contains(size)
        sizes[index] = isCorrection ? UInt8(size) : 0
        masks[index] = isCorrection ? Lexicon.mask(Lexicon.scalars(word)) : 0
        slots[slot] = number + 1
        recent.append(number)
        return number
    }

    /// Adds to the number of entities with a word.
    mutating func add(_ word: Int32, _ change: Int32) {
        let before = entities[Int(word)]
        let after = max(0, before &+ change)
        entities[Int(word)] = after
        count += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
    }

    private mutating func rebuildSlots(_ count: Int) {
        slots = [Int32](repeating: 0, count: count)
        for list in [order, recent] { for word in list { slots[withBytes(of: word) { slot(of: $0) }] = word + 1 } }
    }

    // MARK: - Beginnings

    /// Appends the words that have a beginning and that some entity has.
    func begin(with prefix: UnsafeRawBufferPointer, _ words: inout [Int32]) {
        let first = place { compare($0, prefix) < 0 }
        let last = place { bytes in
            compare(UnsafeRawBufferPointer(rebasing: bytes.prefix(prefix.count)), prefix) <= 0
        }
        for word in order[first..<max(first, last)] where entities[Int(word)] > 0 { words.append(word) }
        for word in recent where entities[Int(word)] > 0 {
            let begins = withBytes(of: word) { own in
                own.count >= prefix.count && isSame(UnsafeRawBufferPointer(rebasing: own.prefix(prefix.count)), prefix)
            }
            if begins { words.append(word) }
        }
    }

    /// The first place in the order whose word is not one of those for which `isBefore` holds.
    private func place(_ isBefore: (UnsafeRawBufferPointer) -> Bool) -> Int {
        var (low, high) = (0, order.count)
        while low < high {
            let middle = (low + high) / 2
            if withBytes(of: order[middle], isBefore) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Puts the recent words into the order when there are many. When much of the order has gone, what no entity has is
    /// forgotten: so numbers hold until the next call only, unless an entity has the word.
    mutating func arrange() {
        guard recent.count > min(8192, max(512, order.count / 32)) else { return }
        let sorted = recent.sorted { left, right in
            withBytes(of: left) { left in withBytes(of: right) { compare(left, $0) } } < 0
        }
        var merged: [Int32] = []
        merged.reserveCapacity(order.count + sorted.count)
        var start = 0
        for word in sorted {
            let end = withBytes(of: word) { own in place { compare($0, own) < 0 } }
            merged += order[start..<end]
            merged.append(word)
            start = end
        }
        merged += order[start...]
        order = merged
        recent.removeAll(keepingCapacity: true)
        if order.count > 1024, count < order.count / 2 { forget() }
    }

    private mutating func forget() {
        var kept: [UInt8] = []
        for word in order {
            let index = Int(word)
            if entities[index] == 0 {
                byteCounts[index] = 0
                starts[index] = 0
                sizes[index] = 0
                free.append(word)
                continue
            }
            let start = UInt32(kept.count)
            withBytes(of: word) { kept.append(contentsOf: $0) }
            starts[index] = start
        }
        order = order.filter { entities[Int($0)] > 0 }
        text = kept
        rebuildSlots(slots.count)
    }

    // MARK: - Mistakes

    /// The words nearest to one, without itself: nearest first, then those that stand in more entities, then by their
    /// bytes. `distance` is the greatest number of mistakes.
    func nearest(to word: UnsafeRawBufferPointer, distance: Int, limit: Int) -> [(word: Int32, distance: Int)] {
        let scalars = Lexicon.scalars(word)
        let mask = Lexicon.mask(scalars)
        let least = UInt8(clamping: max(Lexicon.lengths.lowerBound, scalars.count - distance))
        let most = UInt8(clamping: scalars.count + distance)
        var measure = EditDistance(scalars)
        var found: [(word: Int32, distance: Int)] = []
        for index in sizes.indices where sizes[index] >= least && sizes[index] <= most {
            // A mistake takes one letter away and brings another at most.
            let differing = masks[index] ^ mask
            guard differing.nonzeroBitCount <= 2 * distance, (differing & mask).nonzeroBitCount <= distance,
                (differing & masks[index]).nonzeroBitCount <= distance, entities[index] > 0
            else { continue }
            let own = withBytes(of: Int32(index)) { measure.distance(to: Lexicon.scalars($0), atMost: distance) }
            if let own, own > 0 { found.append((Int32(index), own)) }
        }
        found.sort { left, right in
            if left.distance != right.distance { return left.distance < right.distance }
            let counts = (entities[Int(left.word)], entities[Int(right.word)])
            if counts.0 != counts.1 { return counts.0 > counts.1 }
            return withBytes(of: left.word) { left in withBytes(of: right.word) { compare(left, $0) } } < 0
        }
        return Array(found.prefix(limit))
    }

    /// Greatest number of mistakes forgiven in a word: 1 from 4 letters on, 2 from 8; 1 in a word of 3 that nothing has.
    static func forgiven(in word: UnsafeRawBufferPointer, isUnknown: Bool) -> Int {
        switch size(word) {
        case ..<3: 0
        case 3: isUnknown ? 1 : 0
        case ..<8: 1
        default: 2
        }
    }

    /// Unicode scalars of UTF-8.
    static func size(_ word: UnsafeRawBufferPointer) -> Int {
        var size = 0
        for byte in word where byte & 0xc0 != 0x80 { size += 1 }
        return size
    }

    private static func scalars(_ word: UnsafeRawBufferPointer) -> [UInt32] {
        if word.allSatisfy({ $0 < 0x80 }) { return word.map { UInt32($0) } }
        return String(decoding: word, as: UTF8.self).unicodeScalars.map(\.value)
    }

    /// A bit for each letter that a word has.
    private static func mask(_ scalars: [UInt32]) -> UInt64 {
        scalars.reduce(0) { $0 | 1 << UInt64(($1 &* 0x9e37_79b1) >> 26) }
    }
}

@inline(__always)
private func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    left.count == right.count && compare(left, right) == 0
}

/// Less than, equal to or more than 0, as FTS5 orders words: by bytes.
@inline(__always)
private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    guard let first = left.baseAddress, let second = right.baseAddress else { return left.count - right.count }
    let order = memcmp(first, second, min(left.count, right.count))
    return order != 0 ? Int(order) : left.count - right.count
}
