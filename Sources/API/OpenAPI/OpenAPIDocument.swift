internal import Domain
internal import HTTP
internal import JSON

/// The OpenAPI 3.1 document, made of the route table: a route without a description, or a description without a route, is
/// found by a test.
enum OpenAPIDocument {
    /// The document as it is served.
    static let text: [UInt8] = Array(document.text.utf8)

    /// Everything that is described, by method and path.
    static let operations: [String: Operation] = Routes.descriptions.reduce(into: [:]) { all, some in
        all.merge(some) { first, _ in first }
    }

    static func name(_ route: Route) -> String { "\(methodName(route)) \(route.pattern)" }

    private static func methodName(_ route: Route) -> String {
        switch route.method {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: ""
        }
    }

    private static let document: JSONValue = {
        var paths = JSONObject()
        for route in Routes.all {
            guard let operation = operations[name(route)] else { continue }
            var methods = paths[route.pattern]?.objectValue ?? [:]
            methods[methodName(route).lowercased()] = entry(operation, route)
            paths[route.pattern] = .object(methods)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Footfall", "version": "1",
                "description": .string(
                    """
                    Within /v1 the interface only grows. Interaction types, entity types and contexts are those of the preset \
                    `default` here; a tenant's own are in its tracking plan, `GET /v1/plan`.
                    """),
            ],
            "security": [],
            "paths": .object(paths),
            "components": [
                "schemas": .object(Schemas.all),
                "responses": [
                    "Problem": [
                        "description": "What went wrong (RFC 9457), with a stable code.",
                        "content": ["application/problem+json": ["schema": Schemas.value(Schemas.ref("Problem"))]],
                    ]
                ],
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer"],
                    "header": ["type": "apiKey", "in": "header", "name": "X-API-Key"],
                ],
            ],
        ]
    }()

    private static func entry(_ operation: Operation, _ route: Route) -> JSONValue {
        var entry: JSONObject = [
            "operationId": .string(identifier(route)), "summary": .string(operation.summary),
        ]
        var parameters = route.pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment -> JSONValue in
            let name = String(segment.dropFirst().dropLast())
            return [
                "name": .string(name), "in": "path", "required": true,
                "schema": Schemas.value(operation.segments[name] ?? Schemas.ref("Segment")),
            ]
        }
        parameters += operation.parameters.map { parameter in
            var value: JSONObject = [
                "name": .string(parameter.name), "in": .string(parameter.place),
                "required": .bool(parameter.isRequired),
                "schema": Schemas.value(parameter.schema),
            ]
            if let note = parameter.note { value["description"] = .string(note) }
            return .object(value)
        }
        if !parameters.isEmpty { entry["parameters"] = .array(parameters) }
        if !operation.body.isEmpty {
            entry["requestBody"] = [
                "required": .bool(operation.isBodyRequired), "content": content(operation.body),
            ]
        }
        var responses = JSONObject()
        for (status, answer) in operation.answers.sorted(by: { $0.key < $1.key }) {
            var response: JSONObject = ["description": .string(status < 300 ? "Done." : "As described.")]
            if !answer.isEmpty { response["content"] = content(answer) }
            let links = operation.links.filter { $0.status == status }.map { link -> (key: String, value: JSONValue) in
                let parameters = link.parameters.sorted { $0.key < $1.key }.map {
                    (key: $0.key, value: JSONValue.string($0.value))
                }
                let name = String(link.name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
                return (
                    key: name,
                    value: [
                        "operationId": .string(identifier(link.route)), "parameters": .object(JSONObject(parameters)),
                    ]
                )
            }
            if !links.isEmpty { response["links"] = .object(JSONObject(links)) }
            responses[String(status)] = .object(response)
        }
        responses["default"] = ["$ref": "#/components/responses/Problem"]
        entry["responses"] = .object(responses)
        switch route.access {
        case .open, .metrics: break
        case .write, .secret, .admin: entry["security"] = [["bearer": []], ["header": []]]
        }
        return .object(entry)
    }

    private static func content(_ all: [Operation.Content]) -> JSONValue {
        .object(JSONObject(all.map { ($0.media, ["schema": Schemas.value($0.schema)]) }))
    }

    private static func identifier(_ route: Route) -> String { identifier(name(route)) }

    /// Of a method and a path.
    private static func identifier(_ name: String) -> String {
        let words = name.split { !$0.isLetter && !$0.isNumber }
        return ([words.first?.lowercased() ?? ""] + words.dropFirst().map(String.init)).joined(separator: "_")
    }
}

extension Routes {
    /// The document that describes every route.
    static let description: [Route] = [
        Route(.get, "/openapi.json", .open) { (_, _) throws(Problem) in .respond(.json(OpenAPIDocument.text)) }
    ]
}
