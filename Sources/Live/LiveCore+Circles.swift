/// Who had to do with an entity last, and who ordered it last: numbers of persons, each once, the latest at the end.
///
/// Memory: 16 bytes an entity, and 4 for each person of each.
struct Circle: Sendable, BitwiseCopyable {
    /// Persons with an interaction that weighs more than 0.
    var people = Run()
    /// Persons who ordered it, whatever an order weighs.
    var buyers = Run()
}

extension LiveCore {
    /// Persons kept of each circle.
    static let circleSize = 32

    /// Puts a person at the end of an entity's circles. The number may be another person's once a clean-up has dropped this
    /// one, so whoever reads it looks whether the person has to do with the entity.
    @inline(__always)
    mutating func join(_ person: UInt32, _ entity: Int, isFor: Bool, isOrder: Bool) {
        guard isFor || isOrder else { return }
        let circle = circles.writable(entity)
        if isFor { circleMembers.keepLast(person, in: &circle.pointee.people) }
        if isOrder { circleMembers.keepLast(person, in: &circle.pointee.buyers) }
    }
}

extension RunPool where Element == UInt32 {
    /// Puts a number at the end of a run, in which it stands once; the first one goes when there are too many.
    mutating func keepLast(_ number: UInt32, in run: inout Run) {
        let count = Int(run.count)
        if count > 0, address(run.base + UInt32(count - 1)).pointee == number { return }
        var place = elements(run).firstIndex(of: number) ?? count
        if place == count {
            if count < capacity(run.size) || grow(&run) {
                room(run)[count] = number
                run.count += 1
                return
            }
            guard count > 0 else { return }
            place = 0
        }
        let held = room(run)
        for later in place..<count - 1 { held[later] = held[later + 1] }
        held[count - 1] = number
    }
}
