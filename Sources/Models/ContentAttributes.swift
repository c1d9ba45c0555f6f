internal import Numerics

/// The numeric and vector attributes of a catalogue: how numbers spread, how long vectors are.
struct ContentAttributes: Sendable {
    /// Numbers taken of an entity, and vectors.
    static let mostNumbers = 64
    static let mostVectors = 8
    /// The longest vector that is taken.
    static let longestVector = 4_096
    /// Numbers beyond this size have squares that are infinite.
    static let greatestNumber = 1e100

    /// A number of an entity, by its attribute's place.
    struct Number: Sendable, Equatable {
        var attribute: Int
        var value: Double
    }

    /// A vector of an entity, of length 1.
    struct Vector: Sendable, Equatable {
        var attribute: Int
        var values: [Float]
    }

    private var numberNames: [String: Int] = [:]
    private var spreads: [Spread] = []
    private var vectorNames: [String: Int] = [:]
    private var shapes: [(length: Int, holders: Int)] = []

    /// Takes the numbers of an entity that are numbers; the others are counted.
    mutating func takeNumbers(_ numbers: [String: Double]) -> (taken: [Number], ignored: Int) {
        var taken: [Number] = []
        for (name, value) in numbers.sorted(by: { $0.key < $1.key })
        where abs(value) <= ContentAttributes.greatestNumber && taken.count < ContentAttributes.mostNumbers {
            let attribute = numberNames[name] ?? spreads.count
            if attribute == spreads.count {
                numberNames[name] = attribute
                spreads.append(Spread())
            }
            spreads[attribute].add(value)
            taken.append(Number(attribute: attribute, value: value))
        }
        return (taken, numbers.count - taken.count)
    }

    /// Takes the vectors of an entity that have a direction and the length of the others of their name; the others are
    /// counted. The first vector of a name says how long they are.
    mutating func takeVectors(_ vectors: [String: [Float]]) -> (taken: [Vector], ignored: Int) {
        var taken: [Vector] = []
        for (name, values) in vectors.sorted(by: { $0.key < $1.key })
        where !values.isEmpty && values.count <= ContentAttributes.longestVector
            && taken.count < ContentAttributes.mostVectors
        {
            guard let direction = ContentAttributes.direction(values) else { continue }
            let attribute = vectorNames[name] ?? shapes.count
            if attribute == shapes.count {
                vectorNames[name] = attribute
                shapes.append((values.count, 0))
            }
            if shapes[attribute].holders == 0 { shapes[attribute].length = values.count }
            guard shapes[attribute].length == values.count else { continue }
            shapes[attribute].holders += 1
            taken.append(Vector(attribute: attribute, values: direction))
        }
        return (taken, vectors.count - taken.count)
    }

    /// Forgets what an entity had.
    mutating func remove(_ numbers: [Number], _ vectors: [Vector]) {
        for number in numbers { spreads[number.attribute].remove(number.value) }
        for vector in vectors { shapes[vector.attribute].holders -= 1 }
    }

    /// The vector made 1 long; `nil` when it holds something that is no number or is 0 throughout.
    static func direction(_ values: [Float]) -> [Float]? {
        let squared = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        guard squared.isFinite, squared > 0 else { return nil }
        let scale = 1 / squared.squareRoot()
        let direction = values.map { Float(Double($0) * scale) }
        return direction.contains { $0 != 0 } ? direction : nil
    }

    /// How alike two numbers of an attribute are, 0…1: e^(−z²/2), z being their distance in standard deviations.
    func likeness(_ attribute: Int, _ one: Double, _ other: Double) -> Float {
        if one == other { return 1 }
        let z = (one - other) / spreads[attribute].deviation
        return z.isNaN ? 0 : Float(max(-60, -z * z / 2)).exponential
    }

    /// Keys under which entities with like numbers and vectors meet: numbers of the same first 2, 5 and 8 binary digits, and
    /// vectors on the same side of 8 random planes, eight times over (Charikar 2002).
    static func keys(_ numbers: [Number], _ vectors: [Vector]) -> [UInt32] {
        var keys: [UInt32] = []
        for number in numbers {
            let bits = (number.value == 0 ? 0 : number.value).bitPattern
            for digits in [2, 5, 8] as [UInt64] {
                var mixer = SplitMix(seed: (bits >> (52 - digits)) ^ (UInt64(number.attribute) << 32) ^ (digits << 56))
                keys.append(UInt32(truncatingIfNeeded: mixer.next()))
            }
        }
        for vector in vectors {
            var sides = [Float](repeating: 0, count: 64)
            var random = SplitMix(seed: 0xC0_FFEE)
            for value in vector.values {
                // A byte a plane, so that short vectors of whole numbers do not lie on many planes.
                for table in 0..<8 {
                    let bytes = random.next()
                    for plane in 0..<8 {
                        let place = Int8(truncatingIfNeeded: bytes >> UInt64(8 * plane))
                        sides[8 * table + plane] += value * (Float(place) + 0.5)
                    }
                }
            }
            var pattern: UInt64 = 0
            for plane in 0..<64 where sides[plane] > 0 { pattern |= 1 << UInt64(plane) }
            for table in 0..<8 as Range<UInt64> {
                let seed = ((pattern >> (8 * table)) & 0xFF) ^ (table << 8) ^ (UInt64(vector.attribute) << 16)
                var mixer = SplitMix(seed: seed ^ (0x5A << 48))
                keys.append(UInt32(truncatingIfNeeded: mixer.next()))
            }
        }
        return keys
    }

    /// Mean and spread of numbers that come and go (Welford 1962).
    private struct Spread {
        private var count = 0.0
        private var mean = 0.0
        private var squares = 0.0

        mutating func add(_ value: Double) {
            count += 1
            let difference = value - mean
            mean += difference / count
            squares += difference * (value - mean)
        }

        mutating func remove(_ value: Double) {
            guard count > 1 else {
                self = Spread()
                return
            }
            count -= 1
            let difference = value - mean
            mean -= difference / count
            squares = max(0, squares - difference * (value - mean))
        }

        var deviation: Double { count > 1 ? (squares / (count - 1)).squareRoot() : 0 }
    }
}
