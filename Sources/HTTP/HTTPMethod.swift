/// A request's method. Names are case-sensitive, as HTTP has them.
public enum HTTPMethod: Sendable, Equatable {
    case get, head, post, put, patch, delete, options
    /// Any other; the head's `methodName` says which.
    case other

    init(_ name: UnsafeRawBufferPointer) {
        func equals(_ literal: StaticString) -> Bool {
            name.count == literal.utf8CodeUnitCount
                && name.elementsEqual(
                    UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        }
        switch name.count {
        case 3: self = equals("GET") ? .get : equals("PUT") ? .put : .other
        case 4: self = equals("POST") ? .post : equals("HEAD") ? .head : .other
        case 5: self = equals("PATCH") ? .patch : .other
        case 6: self = equals("DELETE") ? .delete : .other
        case 7: self = equals("OPTIONS") ? .options : .other
        default: self = .other
        }
    }
}
