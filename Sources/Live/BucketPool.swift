/// Buckets of all cells, each cell's in ascending order of slots.
typealias BucketPool = RunPool<Bucket>

extension RunPool where Element == Bucket {
    /// Adds one interaction to the bucket of `slot`. Buckets before `floor` are thrown out first when room is short.
    @inline(__always)
    mutating func add(_ slot: Int32, _ decayed: Double, to run: inout Run, floor: Int32) {
        if run.count > 0 {
            let last = writable(run.base + UInt32(run.count) - 1)
            if last.pointee.slot == slot {
                last.pointee.add(decayed)
                return
            }
            if last.pointee.slot > slot {
                insert(slot, decayed, to: &run, floor: floor)
                return
            }
        }
        guard makeRoom(&run, floor: floor) else { return }
        writable(run.base + UInt32(run.count)).pointee = Bucket(slot: slot, count: 1, decayed: decayed)
        run.count += 1
    }

    /// Adds to a bucket before the newest.
    private mutating func insert(_ slot: Int32, _ decayed: Double, to run: inout Run, floor: Int32) {
        let place = self.place(of: slot, in: run)
        if place < Int(run.count), self[run.base + UInt32(place)].slot == slot {
            self[run.base + UInt32(place)].add(decayed)
            return
        }
        guard makeRoom(&run, floor: floor) else { return }
        let target = self.place(of: slot, in: run)
        let room = room(run)
        var index = Int(run.count)
        while index > target {
            room[index] = room[index - 1]
            index -= 1
        }
        room[target] = Bucket(slot: slot, count: 1, decayed: decayed)
        run.count += 1
    }

    /// The first bucket not before `slot`.
    func place(of slot: Int32, in run: Run) -> Int {
        let buckets = elements(run)
        var (low, high) = (0, buckets.count)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].slot < slot { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Room for one more.
    private mutating func makeRoom(_ run: inout Run, floor: Int32) -> Bool {
        if Int(run.count) < capacity(run.size) { return true }
        trim(&run, before: floor)
        return Int(run.count) < capacity(run.size) || grow(&run)
    }

    /// Throws out the buckets before a slot; the room is given back when none is left.
    mutating func trim(_ run: inout Run, before floor: Int32) {
        guard run.count > 0, self[run.base].slot < floor else { return }
        let first = place(of: floor, in: run)
        let count = Int(run.count)
        if first == count {
            release(&run)
            return
        }
        let room = room(run)
        for index in first..<count { room[index - first] = room[index] }
        run.count = UInt16(count - first)
    }
}

extension Bucket {
    @inline(__always)
    fileprivate mutating func add(_ decayed: Double) {
        if count < .max { count += 1 }
        self.decayed += decayed
    }
}
