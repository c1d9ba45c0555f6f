internal import JSON

extension SchemaValidator {
    mutating func array(_ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView) -> Bool {
        let count = value.count
        if count < node.pointee.minItems { return fail("minItems", index, value, .count(count)) }
        if count > node.pointee.maxItems { return fail("maxItems", index, value, .count(count)) }
        if !node.pointee.prefixItems.isEmpty || node.pointee.items != .none {
            let prefix = node.pointee.prefixItems
            let rest = node.pointee.items
            var position = 0
            for element in value.elements {
                let schema: SchemaIndex
                if position < Int(prefix.count) {
                    schema = program.children[Int(prefix.start) &+ position]
                } else {
                    schema = rest
                    if schema == .none { break }
                }
                if !apply(schema, to: element) { return passOn(.index(position)) }
                position &+= 1
            }
        }
        if node.pointee.contains != .none, !contains(node, index, value) { return false }
        if node.pointee.hasUniqueItems, let (first, second) = JSONEquality.firstRepetition(in: value) {
            return fail("uniqueItems", index, value, .positions(first, second))
        }
        return true
    }

    private mutating func contains(
        _ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView
    ) -> Bool {
        let minimum = node.pointee.minContains
        let maximum = node.pointee.maxContains
        var fitting = 0
        for element in value.elements {
            if fitting >= minimum, maximum == .max { break }
            if test(node.pointee.contains, element) { fitting &+= 1 }
            if fitting > maximum { return fail("maxContains", index, value) }
        }
        if fitting >= minimum { return true }
        return minimum == 1 ? fail("contains", index, value) : fail("minContains", index, value, .count(fitting))
    }

    mutating func object(_ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView) -> Bool {
        let repeats = value.containsDuplicateKey
        let count = repeats ? JSONEquality.distinctMembers(of: value).count : value.count
        if count < node.pointee.minProperties { return fail("minProperties", index, value, .count(count)) }
        if count > node.pointee.maxProperties { return fail("maxProperties", index, value, .count(count)) }

        var seen: UInt64 = 0
        if repeats {
            for member in JSONEquality.distinctMembers(of: value)
            where !self.member(node, index, member.key, member.value, &seen) {
                return false
            }
        } else {
            var members = value.members
            while let (key, child) = members.nextViews() {
                if !member(node, index, key, child, &seen) { return false }
            }
        }
        if seen != node.pointee.required { return failRequired(node, index, value, seen) }
        for position in node.pointee.moreRequired.indices {
            let name = program.moreRequired[position]
            if value.member(name) == nil { return fail("required", index, value, .key(name)) }
        }
        for position in node.pointee.dependentRequired.indices {
            let dependency = program.dependencies[position]
            guard value.member(dependency.key) != nil, value.member(dependency.required) == nil else { continue }
            return fail(
                "dependentRequired", index, value, .dependency(key: dependency.key, missing: dependency.required))
        }
        return true
    }

    @inline(__always)
    private mutating func member(
        _ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ key: JSONView, _ child: JSONView,
        _ seen: inout UInt64
    ) -> Bool {
        let name = key.textUnchecked
        var isEvaluated = false
        if !node.pointee.keySlots.isEmpty, let position = find(name, node) {
            let entry = program.keys.start + position
            if entry.pointee.requiredBit >= 0 { seen |= 1 &<< UInt64(truncatingIfNeeded: entry.pointee.requiredBit) }
            if entry.pointee.schema != .none {
                isEvaluated = true
                if !apply(entry.pointee.schema, to: child) { return passOn(.key(name)) }
            }
        }
        for position in node.pointee.patternProperties.indices {
            let entry = program.patternProperties[position]
            guard program.patterns[Int(entry.pattern)].matches(name) else { continue }
            isEvaluated = true
            if !apply(entry.schema, to: child) { return passOn(.key(name)) }
        }
        if !isEvaluated, node.pointee.additionalProperties != .none {
            if nodes[Int(node.pointee.additionalProperties)].constant == .allowsNothing {
                _ = fail("additionalProperties", index, child)
                return passOn(.key(name))
            }
            if !apply(node.pointee.additionalProperties, to: child) { return passOn(.key(name)) }
        }
        if node.pointee.propertyNames != .none, !test(node.pointee.propertyNames, key) {
            return fail("propertyNames", index, child, .key(name))
        }
        return true
    }

    @inline(__always)
    private func find(_ name: UnsafeRawBufferPointer, _ node: UnsafeMutablePointer<SchemaNode>) -> Int? {
        let hash = hashKey(name)
        let slots = node.pointee.keySlots
        let mask = Int(slots.count) &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        // At most half of the slots are taken, so the search ends.
        while true {
            let position = program.keySlots[Int(slots.start) &+ slot]
            if position < 0 { return nil }
            let entry = program.keys.start + Int(position)
            if entry.pointee.hash == hash, JSONView.equal(entry.pointee.text, name) { return Int(position) }
            slot = (slot &+ 1) & mask
        }
    }

    private mutating func failRequired(
        _ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView, _ seen: UInt64
    ) -> Bool {
        let missing = node.pointee.required & ~seen
        for position in node.pointee.keys.indices {
            let entry = program.keys[position]
            guard entry.requiredBit >= 0, missing >> UInt64(entry.requiredBit) & 1 == 1 else { continue }
            return fail("required", index, value, .key(entry.text))
        }
        return fail("required", index, value)
    }
}
