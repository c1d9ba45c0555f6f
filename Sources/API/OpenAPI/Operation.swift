/// What the OpenAPI document says of a route. Schemas are JSON text, so that they read as they are served.
struct Operation: Sendable {
    /// A parameter of the query or a header.
    struct Parameter: Sendable {
        var name: String
        var place = "query"
        var schema: String
        var isRequired = false
        var note: String?

        static func query(_ name: String, _ schema: String, required: Bool = false, _ note: String? = nil) -> Parameter
        {
            Parameter(name: name, schema: schema, isRequired: required, note: note)
        }

        static func header(_ name: String, _ schema: String, required: Bool = false, _ note: String? = nil) -> Parameter
        {
            Parameter(name: name, place: "header", schema: schema, isRequired: required, note: note)
        }

        static let limit100 = query("limit", #"{"type": "integer", "minimum": 1, "maximum": 100}"#)
        static let limit1000 = query("limit", #"{"type": "integer", "minimum": 1, "maximum": 1000}"#)
        static let entityType = query("entity_type", Schemas.ref("EntityType"))
        static let category = query("category", Schemas.ref("Word"))
        static let window = query("time_window", #"{"enum": ["1h", "24h", "7d", "30d", "all"]}"#)
        static let mode = query("mode", Schemas.ref("PopularMode"))
        static let cursor = query("cursor", Schemas.ref("Cursor"), "\"next_cursor\" of the page before.")
        /// Who acts, where the body does not say.
        static let actor: [Parameter] = [
            header("X-User-Id", Schemas.ref("HeaderText")), header("X-Anonymous-Id", Schemas.ref("HeaderText")),
        ]
    }

    /// A body or an answer.
    struct Content: Sendable {
        var media: String
        var schema: String

        static func json(_ schema: String) -> Content { Content(media: "application/json", schema: schema) }
        static let problem = Content(media: "application/problem+json", schema: Schemas.ref("Problem"))
        /// Lines of JSON.
        static let lines = Content(media: "application/x-ndjson", schema: #"{"type": "string"}"#)
    }

    var summary: String
    var parameters: [Parameter] = []
    var body: [Content] = []
    var isBodyRequired = true
    /// The answers that are not problems, by status; those without content are empty.
    var answers: [Int: [Content]] = [:]
    /// Schemas of the path's segments in braces, where they are not any id.
    var segments: [String: String] = [:]
    /// Where one may go on with what an answer or its request says.
    var links: [Link] = []

    /// A way from an answer to another route.
    struct Link: Sendable {
        var status: Int
        var name: String
        /// Method and path, as in the route table.
        var route: String
        /// Runtime expressions by parameter.
        var parameters: [String: String]
    }

    init(
        _ summary: String, _ parameters: [Parameter] = [], body: [Content] = [], isBodyRequired: Bool = true,
        answers: [Int: [Content]]
    ) {
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.isBodyRequired = isBodyRequired
        self.answers = answers
    }

    init(
        _ summary: String, _ parameters: [Parameter], body: [Content] = [], isBodyRequired: Bool = true,
        _ schema: String
    ) {
        self.init(summary, parameters, body: body, isBodyRequired: isBodyRequired, answers: [200: [.json(schema)]])
    }

    /// The same with answers of an own shape to some that are refused.
    func refused(_ status: Int, _ schema: String) -> Operation {
        var copy = self
        copy.answers[status] = [.json(schema), .problem]
        return copy
    }

    /// The same with a schema of its own for each segment in braces.
    func path(_ schemas: [String: String]) -> Operation {
        var copy = self
        copy.segments = schemas
        return copy
    }

    /// The same with a way on.
    func linked(_ name: String, _ status: Int = 200, to route: String, _ parameters: [String: String]) -> Operation {
        var copy = self
        copy.links.append(Link(status: status, name: name, route: route, parameters: parameters))
        return copy
    }

    /// The same with ways on to routes whose path begins with this route's, for the same thing.
    func linked(toSame routes: [String], _ segments: [String]) -> Operation {
        let parameters = Dictionary(uniqueKeysWithValues: segments.map { ($0, "$request.path.\($0)") })
        return routes.reduce(self) { $0.linked($1, to: $1, parameters) }
    }

    init(_ summary: String, body: [Content] = [], isBodyRequired: Bool = true, _ schema: String) {
        self.init(summary, [], body: body, isBodyRequired: isBodyRequired, schema)
    }
}
