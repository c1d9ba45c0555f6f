internal import HTTP

/// What was found out about a request from its head. While a connection sends the same head it is kept, so nothing here may
/// depend on more than the head and the keys.
final class Admission: Sendable {
    let route: Route
    let parameters: [String]
    let principal: Principal
    let caller: Caller
    let fields: SentFields
    /// That of the keys by which it was let in. What they open is not undone otherwise: a tenant in service stays so.
    let keyVersion: Int

    init(
        route: Route, parameters: [String], principal: Principal, caller: Caller, fields: SentFields, keyVersion: Int
    ) {
        self.route = route
        self.parameters = parameters
        self.principal = principal
        self.caller = caller
        self.fields = fields
        self.keyVersion = keyVersion
    }
}

/// What an answer has to know of who asks.
struct Caller: Sendable {
    /// The page's origin, when a browser says it.
    var origin: String?
    /// The request's own id, when it is a plain word.
    var id: String?

    init() {}

    init(_ head: borrowing HTTPRequestHead) {
        origin = head.header("Origin")
        id = head.header("X-Request-Id").flatMap { RequestID.isValid($0) ? $0 : nil }
    }
}

/// What the headers say of a request's body and of the persons that it speaks of, unchecked.
struct SentFields: Sendable {
    let mediaType: MediaType
    /// `X-User-Id`.
    let user: SentText?
    /// `X-Anonymous-Id`.
    let visitor: SentText?
    /// `X-User-Token`.
    let userToken: String?

    /// A header's value, `nil` when it is not UTF-8.
    typealias SentText = String?

    init(_ head: borrowing HTTPRequestHead) {
        mediaType = MediaType(head)
        user = head.withHeader("X-User-Id") { String(validating: $0, as: UTF8.self) }
        visitor = head.withHeader("X-Anonymous-Id") { String(validating: $0, as: UTF8.self) }
        userToken = head.header("X-User-Token")
    }
}
