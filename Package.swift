// swift-tools-version: 6.2
import PackageDescription

/// Settings every Swift target shares: the strictest the toolchain offers, warnings as errors.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// C and C++ shims are optimised in debug builds too: the parsers behind them are unusable at -O0.
let optimised: [CXXSetting] = [.unsafeFlags(["-O2", "-std=c++17"])]

func swiftTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Numeric targets are optimised in debug builds too: a model is a thousand times slower at -Onone.
func numericTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + [.unsafeFlags(["-O"])])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "footfall",
    products: [.executable(name: "footfall", targets: ["footfall"])],
    targets: [
        // C and C++ libraries, each behind a module map or a thin shim.
        .target(
            name: "CSimdJSON", cxxSettings: optimised, linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CRE2", cxxSettings: optimised, linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CXXHash", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CJemalloc", linkerSettings: [.linkedLibrary("jemalloc")]),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O2"])]),
        .target(
            name: "CCurl", cSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("curl")]),
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CMicroHTTPD"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "COpenSSL"),
        .target(name: "COpenBLAS", cSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CNumerics", exclude: ["leastsquares.inc"], cSettings: [.unsafeFlags(["-O3"])]),

        // Swift targets; each imports only what stands above it.
        swiftTarget("JSON", ["CSimdJSON"]),
        swiftTarget("Schema", ["JSON", "CRE2"]),
        swiftTarget("Domain", ["JSON", "Schema", "CXXHash", "COpenSSL"]),
        swiftTarget("Storage", ["Domain", "JSON"]),
        swiftTarget("StorageSQLite", ["Storage", "Domain", "JSON", "CSQLite", "COpenSSL"]),
        swiftTarget("Collect", ["Storage", "Domain", "JSON", "Schema"]),
        swiftTarget("Live", ["Storage", "Domain", "JSON", "CKernels"]),
        numericTarget("Numerics", ["COpenBLAS", "CNumerics"]),
        numericTarget("Evaluation", ["Numerics", "Domain"]),
        numericTarget("Models", ["Evaluation", "Numerics"]),
        numericTarget("Training", ["Models", "Evaluation", "Numerics", "Storage", "Domain", "JSON"]),
        swiftTarget("Recommend", ["Models", "Numerics", "Live", "Domain", "JSON"]),
        swiftTarget("Search", ["Storage", "Domain", "JSON", "CSQLite"]),
        swiftTarget("HTTP", ["CMicroHTTPD", "CZlib"]),
        swiftTarget(
            "API",
            [
                "HTTP", "Search", "Recommend", "Training", "Models", "Live", "Collect", "Storage", "Domain", "Schema",
                "JSON",
                "COpenSSL",
            ]),
        swiftTarget(
            "Command",
            [
                "API", "HTTP", "Training", "Models", "Evaluation", "Numerics", "Live", "Collect", "StorageSQLite",
                "Storage",
                "Domain", "Schema", "JSON", "CCurl", "COpenSSL",
            ]),
        .executableTarget(name: "footfall", dependencies: ["Command", "CJemalloc"], swiftSettings: strict),

        .executableTarget(
            name: "footfall-bench",
            dependencies: ["Recommend", "Models", "Numerics", "Live", "Storage", "Domain", "CJemalloc"],
            path: "Benchmarks/footfall-bench",
            swiftSettings: strict),

        tests("ArchitectureTests", []),
        tests("JSONTests", ["JSON"]),
        tests("SchemaTests", ["Schema", "JSON"]),
        tests("DomainTests", ["Domain", "Schema", "JSON"]),
        tests("StorageTests", ["StorageSQLite", "Storage", "Domain", "JSON", "CSQLite"]),
        tests("CollectTests", ["Collect", "StorageSQLite", "Storage", "Domain", "Schema", "JSON"]),
        tests("LiveTests", ["Live", "Storage", "Domain", "JSON", "CKernels"]),
        tests("NumericsTests", ["Numerics"]),
        tests("EvaluationTests", ["Evaluation", "Numerics"]),
        tests("ModelsTests", ["Models", "Evaluation", "Numerics"]),
        tests(
            "TrainingTests",
            ["Training", "Models", "Evaluation", "Numerics", "StorageSQLite", "Storage", "Domain", "JSON"]),
        tests("RecommendTests", ["Recommend", "Models", "Numerics", "Live", "Domain"]),
        tests("SearchTests", ["Search", "StorageSQLite", "Storage", "Domain", "JSON", "CSQLite"]),
        tests("HTTPTests", ["HTTP"]),
        tests(
            "APITests",
            ["API", "HTTP", "Search", "Live", "Collect", "StorageSQLite", "Storage", "Domain", "JSON", "CSQLite"]),
        tests("CommandTests", ["Command", "API", "Training", "HTTP", "StorageSQLite", "Storage", "Domain", "JSON"]),
        // Talks to the program from outside. Optimised, because it recomputes everything the slow way.
        .testTarget(
            name: "EndToEndTests", dependencies: ["CSQLite", "CZlib"],
            swiftSettings: strict + [.unsafeFlags(["-O"])]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
