extension JSONValue {
    /// Writes the value as compact JSON.
    public func write(into writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.integer(value)
        case .double(let value): writer.double(value)
        case .number(let text): writer.raw(Array(text.utf8))
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(into: &writer) }
            writer.endArray()
        case .object(let object):
            writer.beginObject()
            for member in object {
                writer.key(member.key)
                member.value.write(into: &writer)
            }
            writer.endObject()
        }
    }

    /// The value as compact JSON text.
    public var text: String {
        var writer = JSONWriter()
        write(into: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The value as JSON text for people: two spaces a level, one member or element a line, no final line break.
    public var prettyText: String {
        var text = ""
        appendPretty(to: &text, indentation: "")
        return text
    }

    private func appendPretty(to text: inout String, indentation: String) {
        let inner = indentation + "  "
        switch self {
        case .array(let elements) where !elements.isEmpty:
            text += "["
            for (index, element) in elements.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + inner
                element.appendPretty(to: &text, indentation: inner)
            }
            text += "\n" + indentation + "]"
        case .object(let object) where !object.isEmpty:
            text += "{"
            for (index, member) in object.members.enumerated() {
                text += (index == 0 ? "\n" : ",\n") + inner + JSONValue.string(member.key).text + ": "
                member.value.appendPretty(to: &text, indentation: inner)
            }
            text += "\n" + indentation + "}"
        default: text += self.text
        }
    }
}
