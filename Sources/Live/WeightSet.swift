internal import CKernels
internal import Domain

/// Eight keys with a weight each, in one cache line. A table of weights is a run of one, two, four or eight sets, and a
/// key has its place in one of them, so that whoever adds to a weight looks at one line however long the table is.
struct WeightSet: Sendable, BitwiseCopyable {
    /// Number + 1, filled from the front; 0 is free.
    var keys = SIMD8<UInt32>(repeating: 0)
    /// ``ShortWeight``s.
    var weights = SIMD8<UInt32>(repeating: 0)

    static let ways = 8

    /// Which of `count` sets (a power of two) a key belongs to.
    @inline(__always)
    static func place(_ key: UInt32, among count: Int) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9e37_79b1) >> 24) & (count - 1)
    }

    /// The weight at a place.
    func weight(_ way: Int) -> Double { ShortWeight.value(weights[way]) }

    @inline(__always)
    func forEachKey(_ body: (_ key: UInt32, _ weight: Double) -> Void) {
        for way in 0..<Self.ways where keys[way] != 0 { body(keys[way] - 1, weight(way)) }
    }

    /// Whether it could have come about as one of `count` sets: places filled from the front, each key once, finite weights.
    func isSound(at place: Int, among count: Int) -> Bool {
        for way in 0..<Self.ways {
            let key = keys[way]
            if key == 0 {
                guard way == Self.ways - 1 || keys[way + 1] == 0 else { return false }
                continue
            }
            guard Self.place(key - 1, among: count) == place, weight(way).isFinite else { return false }
            for other in 0..<way where keys[other] == key { return false }
        }
        return true
    }
}

/// A weight in 32 bits: the sign, the exponent and the first 20 bits of the significand of a `Double`.
///
/// What does not fit is rounded up or down in proportion: up when it is more than a number that is made from the bits of
/// what was added. So a sum of many small additions to a large weight comes out right, where rounding to the nearest would
/// lose every one of them; and the same additions in the same order give the same bits everywhere.
enum ShortWeight {
    @inline(__always)
    static func value(_ bits: UInt32) -> Double { Double(bitPattern: UInt64(bits) << 32) }

    /// A finite sum after the addition of `amount`.
    @inline(__always)
    static func bits(_ sum: Double, adding amount: Double) -> UInt32 {
        let mixed = (amount.bitPattern ^ amount.bitPattern >> 29) &* 0x9e37_79b9_7f4a_7c15
        let bits = sum.bitPattern
        let rounded = bits &+ (mixed >> 32)
        // Never up to infinity.
        let kept = rounded & 0x7ff0_0000_0000_0000 == 0x7ff0_0000_0000_0000 ? bits : rounded
        return UInt32(truncatingIfNeeded: kept >> 32)
    }
}

/// Where a set lies, for writing.
private struct SetPlace {
    let keys: UnsafeMutablePointer<UInt32>
    let weights: UnsafeMutablePointer<UInt32>

    @inline(__always)
    init(_ set: UnsafeMutablePointer<WeightSet>) {
        keys = UnsafeMutableRawPointer(set).assumingMemoryBound(to: UInt32.self)
        weights = keys + WeightSet.ways
    }

    /// Adds to a key's weight, which it is given a place for if there is a free one; false when there is none.
    @inline(__always)
    func add(_ key: UInt32, _ amount: Double) -> Bool {
        let wanted = key &+ 1
        let way = Int(ff_find8(keys, wanted))
        if way < WeightSet.ways {
            weights[way] = ShortWeight.bits(ShortWeight.value(weights[way]) + amount, adding: amount)
            return true
        }
        let free = Int(ff_find8(keys, 0))
        guard free < WeightSet.ways else { return false }
        set(free, wanted, ShortWeight.bits(amount, adding: amount))
        return true
    }

    /// A newcomer to a full set wears down the weakest key (the first of several) by its own weight, and takes its place
    /// once it is the stronger one. So what is met again and again stays or comes in, and no weight is ever further from
    /// 0 than all that was added to it (after Misra and Gries).
    @inline(__always)
    func challenge(_ key: UInt32, _ amount: Double) {
        let weakest = Int(ff_least8(weights))
        let old = ShortWeight.value(weights[weakest])
        let strength = abs(amount)
        if abs(old) > strength {
            weights[weakest] = ShortWeight.bits(old < 0 ? old + strength : old - strength, adding: amount)
        } else {
            set(weakest, key &+ 1, ShortWeight.bits(amount, adding: amount))
        }
    }

    @inline(__always)
    func set(_ way: Int, _ key: UInt32, _ weight: UInt32) {
        keys[way] = key
        weights[way] = weight
    }
}

extension RunPool where Element == WeightSet {
    /// Adds to the weight of a key in a table of at most ``RunPool/maximum`` sets.
    @inline(__always)
    mutating func add(_ key: UInt32, _ amount: Double, to run: inout Run) {
        if run.count == 0, !begin(&run) { return }
        let set = SetPlace(writable(run.base &+ UInt32(WeightSet.place(key, among: Int(run.count)))))
        if !set.add(key, amount) { crowd(key, amount, &run) }
    }

    /// The same when the key's set is full.
    private mutating func crowd(_ key: UInt32, _ amount: Double, _ run: inout Run) {
        while true {
            let isLongest = Int(run.count) >= maximum || !split(&run)
            let set = SetPlace(writable(run.base &+ UInt32(WeightSet.place(key, among: Int(run.count)))))
            if isLongest { return set.challenge(key, amount) }
            if set.add(key, amount) { return }
        }
    }

    private mutating func begin(_ run: inout Run) -> Bool {
        guard reserve(&run, 1) else { return false }
        self[run.base] = WeightSet()
        run.count = 1
        return true
    }

    /// Doubles the sets of a table; keys stay in order.
    private mutating func split(_ run: inout Run) -> Bool {
        let count = Int(run.count) * 2
        var fresh = Run()
        guard reserve(&fresh, count) else { return false }
        for offset in 0..<count { self[fresh.base + UInt32(offset)] = WeightSet() }
        for offset in 0..<Int(run.count) {
            let old = self[run.base + UInt32(offset)]
            for way in 0..<WeightSet.ways where old.keys[way] != 0 {
                let place = fresh.base + UInt32(WeightSet.place(old.keys[way] - 1, among: count))
                let set = SetPlace(writable(place))
                let free = Int(ff_find8(set.keys, 0))
                if free < WeightSet.ways { set.set(free, old.keys[way], old.weights[way]) }
            }
        }
        fresh.count = UInt16(count)
        release(&run)
        run = fresh
        return true
    }

    /// The keys of a table with their weights, in no particular order that matters.
    func weights(_ run: Run) -> [(key: UInt32, weight: Double)] {
        var weights: [(key: UInt32, weight: Double)] = []
        for set in elements(run) { set.forEachKey { weights.append(($0, $1)) } }
        return weights
    }
}
