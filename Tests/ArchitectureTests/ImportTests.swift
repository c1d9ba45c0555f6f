import Foundation
import Testing

/// Data flows one way: a target imports only what stands above it. SwiftPM does not always refuse an import that was not
/// declared, so this does.
@Suite("The structure of the sources")
struct ImportTests {
    static let allowed: [String: Set<String>] = [
        "JSON": ["CSimdJSON"],
        "Schema": ["JSON", "CRE2"],
        "Domain": ["JSON", "Schema", "CXXHash"],
        "Storage": ["Domain", "JSON"],
        "StorageSQLite": ["Storage", "Domain", "JSON", "CSQLite", "COpenSSL"],
        "Collect": ["Storage", "Domain", "JSON", "Schema"],
        "Live": ["Storage", "Domain", "CKernels"],
        "Numerics": ["COpenBLAS", "CNumerics"],
        "Evaluation": ["Numerics", "Domain"],
        "Models": ["Evaluation", "Numerics"],
        "Training": ["Models", "Evaluation", "Numerics", "Storage", "Domain", "JSON"],
        "Recommend": ["Models", "Numerics", "Live", "Domain", "JSON"],
        "Search": ["Storage", "Domain", "JSON", "CSQLite"],
        "HTTP": ["CMicroHTTPD", "CZlib"],
        "API": [
            "HTTP", "Search", "Recommend", "Training", "Models", "Live", "Collect", "Storage", "Domain", "JSON",
            "COpenSSL",
        ],
        "Command": [
            "API", "HTTP", "Training", "Models", "Evaluation", "Numerics", "Live", "Collect", "StorageSQLite",
            "Storage",
            "Domain", "Schema", "JSON", "CCurl",
        ],
        "footfall": ["Command"],
    ]
    /// What comes with the toolchain and the system.
    static let system: Set<String> = ["Swift", "Foundation", "Glibc", "Dispatch", "Synchronization"]

    static var sources: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
    }

    static func files(of target: String) throws -> [(name: String, text: String)] {
        let folder = sources.appendingPathComponent(target)
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        return try names.map { ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)) }
    }

    @Test("A target imports only what stands above it", arguments: allowed.keys.sorted())
    func imports(target: String) throws {
        let allowed = try #require(ImportTests.allowed[target])
        let files = try ImportTests.files(of: target)
        #expect(!files.isEmpty)
        for (name, text) in files {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ").map(String.init)
                guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                    words[..<place].allSatisfy({ ["public", "internal", "package", "@preconcurrency"].contains($0) })
                else { continue }
                let module = words[place + 1]
                #expect(
                    allowed.contains(module) || ImportTests.system.contains(module),
                    "\(target)/\(name) imports \(module)")
            }
        }
    }

    @Test("Every target has its row in the table of allowed imports")
    func complete() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: ImportTests.sources.path)
            .filter { !($0.hasPrefix("C") && $0 != "Collect" && $0 != "Command") }
        #expect(Set(folders) == Set(ImportTests.allowed.keys))
    }

    @Test("Sources have no forced unwraps of errors or casts, and no traps", arguments: allowed.keys.sorted())
    func traps(target: String) throws {
        for (name, text) in try ImportTests.files(of: target) {
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
                for trap in ["try!", "as!", "fatalError(", "preconditionFailure("] {
                    #expect(!code.contains(trap), "\(target)/\(name):\(number + 1) has \(trap)")
                }
            }
        }
    }
}
