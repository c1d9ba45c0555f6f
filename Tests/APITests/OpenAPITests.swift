import HTTP
import JSON
import Testing

@testable import API

@Suite("OpenAPI document")
struct OpenAPITests {
    @Test("It describes every route, and nothing else")
    func routes() throws {
        let routes = Set(Routes.all.map { OpenAPIDocument.name($0) })
        #expect(Set(OpenAPIDocument.operations.keys) == routes)
        let written = Routes.descriptions.reduce(0) { $0 + $1.count }
        #expect(written == routes.count, "a route is described twice")
    }

    @Test("Every schema in it is JSON, and every reference leads somewhere")
    func references() throws {
        let document = try JSONValue(parsing: OpenAPIDocument.text)
        let schemas = document["components"]?["schemas"]?.objectValue ?? [:]
        #expect(schemas.members.count > 10)
        for member in schemas.members { #expect(member.value.objectValue != nil, "schema \(member.key) is not JSON") }
        var references: Set<String> = []
        collect(document, into: &references)
        for reference in references {
            var value: JSONValue? = document
            for step in reference.split(separator: "/").dropFirst() { value = value?[String(step)] }
            #expect(value != nil, "\(reference)")
        }
        for operation in OpenAPIDocument.operations {
            let contents = operation.value.body + operation.value.answers.values.flatMap { $0 }
            for schema in contents.map(\.schema) + operation.value.parameters.map(\.schema) {
                #expect(Schemas.value(schema).objectValue != nil, "\(operation.key): \(schema)")
            }
        }
    }

    @Test("Its identifiers are unique")
    func identifiers() throws {
        let document = try JSONValue(parsing: OpenAPIDocument.text)
        var identifiers: [String] = []
        for path in document["paths"]?.objectValue?.members ?? [] {
            for method in path.value.objectValue?.members ?? [] {
                identifiers.append(method.value["operationId"]?.stringValue ?? "")
            }
        }
        #expect(identifiers.count == Routes.all.count)
        #expect(Set(identifiers).count == identifiers.count && !identifiers.contains(""))
    }

    @Test("Every link leads to a route, by parameters that it has, and from a status that is described")
    func links() throws {
        var count = 0
        for (name, operation) in OpenAPIDocument.operations {
            for link in operation.links {
                count += 1
                let target = try #require(OpenAPIDocument.operations[link.route], "\(name): \(link.route)")
                let segments = link.route.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                    String($0.dropFirst().dropLast())
                }
                let known = Set(segments + target.parameters.map(\.name))
                #expect(known.isSuperset(of: link.parameters.keys), "\(name): \(link.name)")
                #expect(operation.answers[link.status] != nil, "\(name): \(link.name)")
            }
        }
        let document = try JSONValue(parsing: OpenAPIDocument.text)
        var written = 0
        for path in document["paths"]?.objectValue?.members ?? [] {
            for method in path.value.objectValue?.members ?? [] {
                for response in method.value["responses"]?.objectValue?.members ?? [] {
                    written += response.value["links"]?.objectValue?.members.count ?? 0
                }
            }
        }
        #expect(written == count && count > 10)
    }

    private func collect(_ value: JSONValue, into references: inout Set<String>) {
        switch value {
        case .object(let object):
            for member in object.members {
                if member.key == "$ref", let target = member.value.stringValue { references.insert(target) }
                collect(member.value, into: &references)
            }
        case .array(let list): for element in list { collect(element, into: &references) }
        default: break
        }
    }
}
