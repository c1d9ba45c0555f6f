internal import Domain

/// Eight keys with a weight each. A table of weights is a run of one, two, four or eight sets, and a key has its place in
/// one of them, so that whoever adds to a weight looks at two cache lines however long the table is.
struct WeightSet: Sendable, BitwiseCopyable {
    /// Number + 1, filled from the front; 0 is free.
    var keys = SIMD8<UInt32>(repeating: 0)
    var low = SIMD4<Double>(repeating: 0)
    var high = SIMD4<Double>(repeating: 0)

    static let ways = 8

    /// Which of `count` sets (a power of two) a key belongs to.
    @inline(__always)
    static func place(_ key: UInt32, among count: Int) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9e37_79b1) >> 24) & (count - 1)
    }

    @inline(__always)
    func weight(_ way: Int) -> Double { way < 4 ? low[way] : high[way - 4] }

    @inline(__always)
    mutating func setWeight(_ way: Int, _ weight: Double) {
        if way < 4 { low[way] = weight } else { high[way - 4] = weight }
    }

    /// Adds to a key's weight, which it is given a place for if there is a free one; false when there is none.
    @inline(__always)
    mutating func add(_ key: UInt32, _ amount: Double) -> Bool {
        let wanted = key &+ 1
        for way in 0..<Self.ways {
            let held = keys[way]
            if held == wanted {
                setWeight(way, weight(way) + amount)
                return true
            }
            if held == 0 {
                keys[way] = wanted
                setWeight(way, amount)
                return true
            }
        }
        return false
    }

    /// A newcomer to a full set wears down the weakest key (the first of several) by its own weight, and takes its place
    /// once it is the stronger one. So what is met again and again stays or comes in, and no weight is ever further from
    /// 0 than all that was added to it (after Misra and Gries).
    @inline(__always)
    mutating func challenge(_ key: UInt32, _ amount: Double) {
        var weakest = 0
        var least = abs(weight(0))
        for way in 1..<Self.ways where abs(weight(way)) < least {
            weakest = way
            least = abs(weight(way))
        }
        let strength = abs(amount)
        if least > strength {
            let old = weight(weakest)
            setWeight(weakest, old < 0 ? old + strength : old - strength)
        } else {
            keys[weakest] = key &+ 1
            setWeight(weakest, amount)
        }
    }

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

extension RunPool where Element == WeightSet {
    /// Adds to the weight of a key in a table of at most ``RunPool/maximum`` sets.
    @inline(__always)
    mutating func add(_ key: UInt32, _ amount: Double, to run: inout Run) {
        if run.count == 0, !begin(&run) { return }
        while true {
            let place = run.base &+ UInt32(WeightSet.place(key, among: Int(run.count)))
            let set = writable(place)
            if set.pointee.add(key, amount) { return }
            if Int(run.count) >= maximum || !split(&run) {
                set.pointee.challenge(key, amount)
                return
            }
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
                let key = old.keys[way] - 1
                let place = fresh.base + UInt32(WeightSet.place(key, among: count))
                _ = writable(place).pointee.add(key, old.weight(way))
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
