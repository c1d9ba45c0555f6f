import Foundation
import JSON

/// The standard read word by word over owned values, with no thought for speed: the oracle of the random tests.
///
/// Numbers are doubles here, so the tests that use it keep to numbers that doubles hold.
struct SlowValidator {
    let root: JSONValue

    func isValid(_ value: JSONValue) -> Bool { isValid(value, root) }

    private func isValid(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        guard let object = schema.objectValue else { return schema.boolValue == true }
        return object.allSatisfy { holds($0.key, $0.value, object, value) }
    }

    private func holds(_ keyword: String, _ argument: JSONValue, _ schema: JSONObject, _ value: JSONValue) -> Bool {
        let list = argument.arrayValue ?? []
        switch keyword {
        case "type": return (argument.arrayValue ?? [argument]).contains { hasType($0.stringValue ?? "", value) }
        case "enum": return list.contains(value)
        case "const": return argument == value
        case "allOf": return list.allSatisfy { isValid(value, $0) }
        case "anyOf": return list.contains { isValid(value, $0) }
        case "oneOf": return list.filter { isValid(value, $0) }.count == 1
        case "not": return !isValid(value, argument)
        case "if":
            // Alone it decides nothing, and may refer back to itself.
            if schema["then"] == nil, schema["else"] == nil { return true }
            if isValid(value, argument) { return schema["then"].map { isValid(value, $0) } ?? true }
            return schema["else"].map { isValid(value, $0) } ?? true
        case "$ref": return reference(argument.stringValue ?? "").map { isValid(value, $0) } ?? false
        default: break
        }
        switch value {
        case .integer, .double, .number: return numberHolds(keyword, argument, value.doubleValue ?? 0)
        case .string(let text): return stringHolds(keyword, argument, text)
        case .array(let elements): return arrayHolds(keyword, argument, schema, elements)
        case .object(let members): return objectHolds(keyword, argument, schema, members)
        default: return true
        }
    }

    private func reference(_ text: String) -> JSONValue? {
        text.dropFirst().split(separator: "/").reduce(root as JSONValue?) { $0?[String($1)] }
    }

    private func hasType(_ name: String, _ value: JSONValue) -> Bool {
        switch value {
        case .null: name == "null"
        case .bool: name == "boolean"
        case .integer: name == "number" || name == "integer"
        case .double, .number:
            name == "number" || (name == "integer" && value.doubleValue == value.doubleValue?.rounded())
        case .string: name == "string"
        case .array: name == "array"
        case .object: name == "object"
        }
    }

    private func numberHolds(_ keyword: String, _ argument: JSONValue, _ number: Double) -> Bool {
        guard let bound = argument.doubleValue else { return true }
        switch keyword {
        case "minimum": return number >= bound
        case "maximum": return number <= bound
        case "exclusiveMinimum": return number > bound
        case "exclusiveMaximum": return number < bound
        case "multipleOf": return number.truncatingRemainder(dividingBy: bound) == 0
        default: return true
        }
    }

    private func stringHolds(_ keyword: String, _ argument: JSONValue, _ text: String) -> Bool {
        let length = Double(text.unicodeScalars.count)
        switch keyword {
        case "minLength": return argument.doubleValue.map { length >= $0 } ?? true
        case "maxLength": return argument.doubleValue.map { length <= $0 } ?? true
        case "pattern": return matches(argument.stringValue ?? "", text)
        default: return true
        }
    }

    private func matches(_ pattern: String, _ text: String) -> Bool {
        text.range(of: pattern, options: .regularExpression) != nil
            || (try? NSRegularExpression(pattern: pattern))?.numberOfMatches(
                in: text, range: NSRange(text.startIndex..., in: text)) ?? 0 > 0
    }

    private func arrayHolds(
        _ keyword: String, _ argument: JSONValue, _ schema: JSONObject, _ elements: [JSONValue]
    ) -> Bool {
        let count = Double(elements.count)
        let prefix = schema["prefixItems"]?.arrayValue ?? []
        switch keyword {
        case "minItems": return argument.doubleValue.map { count >= $0 } ?? true
        case "maxItems": return argument.doubleValue.map { count <= $0 } ?? true
        case "uniqueItems":
            return argument.boolValue == false
                || elements.indices.allSatisfy { index in !elements[..<index].contains(elements[index]) }
        case "prefixItems": return zip(elements, prefix).allSatisfy { isValid($0.0, $0.1) }
        case "items": return elements.dropFirst(prefix.count).allSatisfy { isValid($0, argument) }
        case "contains":
            let fitting = Double(elements.filter { isValid($0, argument) }.count)
            return fitting >= schema["minContains"]?.doubleValue ?? 1
                && fitting <= schema["maxContains"]?.doubleValue ?? .infinity
        default: return true
        }
    }

    private func objectHolds(
        _ keyword: String, _ argument: JSONValue, _ schema: JSONObject, _ members: JSONObject
    ) -> Bool {
        let count = Double(members.count)
        switch keyword {
        case "minProperties": return argument.doubleValue.map { count >= $0 } ?? true
        case "maxProperties": return argument.doubleValue.map { count <= $0 } ?? true
        case "required": return (argument.arrayValue ?? []).allSatisfy { members[$0.stringValue ?? ""] != nil }
        case "properties":
            return members.allSatisfy { member in argument[member.key].map { isValid(member.value, $0) } ?? true }
        case "patternProperties":
            return members.allSatisfy { member in
                (argument.objectValue ?? [:]).allSatisfy {
                    !matches($0.key, member.key) || isValid(member.value, $0.value)
                }
            }
        case "additionalProperties":
            return members.allSatisfy { member in
                schema["properties"]?[member.key] != nil
                    || (schema["patternProperties"]?.objectValue ?? [:]).contains { matches($0.key, member.key) }
                    || isValid(member.value, argument)
            }
        case "propertyNames": return members.allSatisfy { isValid(.string($0.key), argument) }
        case "dependentRequired":
            return (argument.objectValue ?? [:]).allSatisfy { entry in
                members[entry.key] == nil
                    || (entry.value.arrayValue ?? []).allSatisfy { members[$0.stringValue ?? ""] != nil }
            }
        default: return true
        }
    }
}
