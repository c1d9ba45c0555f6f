internal import JSON

/// Equality of JSON values: numbers by their exact value, objects without regard to order, repeated keys by the last.
enum JSONEquality {
    /// Objects up to this size are compared without allocation.
    private static let smallObject = 16
    /// Arrays up to this length are searched for repetitions pair by pair.
    private static let shortArray = 12

    /// Whether two values are equal; recursion is as deep as the shallower one.
    static func equal(_ a: JSONView, _ b: JSONView) -> Bool {
        switch a.kind {
        case .null: return b.isNull
        case .bool: return a.bool == b.bool
        case .integer, .unsigned, .double, .bigNumber: return b.isNumber && NumberOrder.compare(a, b) == 0
        case .string: return b.kind == .string && JSONView.equal(a.textUnchecked, b.textUnchecked)
        case .array:
            guard b.kind == .array, a.count == b.count else { return false }
            var others = b.elements
            for element in a.elements {
                guard let other = others.next(), equal(element, other) else { return false }
            }
            return true
        case .object: return b.kind == .object && equalObjects(a, b)
        }
    }

    private static func equalObjects(_ a: JSONView, _ b: JSONView) -> Bool {
        if !a.containsDuplicateKey, !b.containsDuplicateKey {
            guard a.count == b.count else { return false }
            if a.count <= smallObject {
                for (key, value) in a.members {
                    guard let other = b.member(key), equal(value, other) else { return false }
                }
                return true
            }
        }
        let left = distinctMembers(of: a)
        let right = distinctMembers(of: b)
        return left.count == right.count
            && zip(left, right).allSatisfy { pair in
                JSONView.equal(pair.0.key.textUnchecked, pair.1.key.textUnchecked) && equal(pair.0.value, pair.1.value)
            }
    }

    /// An object's members sorted by key, of equal keys only the last.
    static func distinctMembers(of object: JSONView) -> [(key: JSONView, value: JSONView)] {
        var members: [(key: JSONView, value: JSONView)] = []
        members.reserveCapacity(object.count)
        var source = object.members
        while let member = source.nextViews() { members.append(member) }
        members.sort { a, b in
            let order = compare(a.key.textUnchecked, b.key.textUnchecked)
            return order != 0 ? order < 0 : a.key.offset < b.key.offset
        }
        var kept = 0
        for index in members.indices {
            let next = index + 1
            if next < members.count, JSONView.equal(members[index].key.textUnchecked, members[next].key.textUnchecked) {
                continue
            }
            members[kept] = members[index]
            kept += 1
        }
        members.removeLast(members.count - kept)
        return members
    }

    private static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        for index in 0..<min(a.count, b.count) where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        return a.count - b.count
    }

    /// The positions of two equal elements, or `nil` when all differ.
    static func firstRepetition(in array: JSONView) -> (Int, Int)? {
        guard array.count > 1 else { return nil }
        if array.count <= shortArray {
            var rest = array.elements
            var position = 0
            while let element = rest.next() {
                var other = position + 1
                for later in rest {
                    if equal(element, later) { return (position, other) }
                    other += 1
                }
                position += 1
            }
            return nil
        }
        // The hash is seeded at random in every process, so nobody can make up elements that collide.
        var elements = array.elements.enumerated().map {
            (hash: hash($0.element), position: $0.offset, view: $0.element)
        }
        elements.sort { $0.hash != $1.hash ? $0.hash < $1.hash : $0.position < $1.position }
        var start = 0
        for index in elements.indices.dropFirst() {
            if elements[index].hash != elements[start].hash {
                start = index
                continue
            }
            for earlier in start..<index where equal(elements[earlier].view, elements[index].view) {
                return (elements[earlier].position, elements[index].position)
            }
        }
        return nil
    }

    private static func hash(_ value: JSONView) -> Int {
        var hasher = Hasher()
        feed(value, into: &hasher)
        return hasher.finalize()
    }

    /// Feeds a value so that equal values feed the same.
    private static func feed(_ value: JSONView, into hasher: inout Hasher) {
        switch value.kind {
        case .null: hasher.combine(0 as UInt8)
        case .bool: hasher.combine(value.bool == true ? 1 : 2 as UInt8)
        case .integer, .unsigned, .double, .bigNumber:
            hasher.combine(3 as UInt8)
            if let integer = value.int64 {
                hasher.combine(integer)
            } else if let decimal = JSONDecimal(value) {
                hasher.combine(decimal.isNegative)
                hasher.combine(decimal.magnitude)
                for digit in decimal.significantDigits { hasher.combine(digit) }
            }
        case .string:
            hasher.combine(4 as UInt8)
            hasher.combine(bytes: value.textUnchecked)
            hasher.combine(value.textUnchecked.count)
        case .array:
            hasher.combine(5 as UInt8)
            hasher.combine(value.count)
            for element in value.elements { feed(element, into: &hasher) }
        case .object:
            hasher.combine(6 as UInt8)
            var combined = 0
            let members = value.containsDuplicateKey ? distinctMembers(of: value) : nil
            if let members {
                for member in members { combined ^= hash(member.key) &* 31 &+ hash(member.value) }
            } else {
                var source = value.members
                while let member = source.nextViews() { combined ^= hash(member.key) &* 31 &+ hash(member.value) }
            }
            hasher.combine(combined)
        }
    }
}
