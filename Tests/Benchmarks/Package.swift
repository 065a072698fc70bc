// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the tests need not build it. Its folders of Coxswain's modules are links: what they offer is
// visible within a package only.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "Cryptography", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "CoxKernels"),
        .target(name: "Survival", dependencies: ["CoxKernels"], swiftSettings: settings),
        .target(
            name: "SQLiteFiles",
            dependencies: ["Cryptography", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),
        .target(
            name: "CohortStore",
            dependencies: [
                "Survival", "SQLiteFiles", "Cryptography", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .target(name: "JSONText", swiftSettings: settings),
        .target(
            name: "Federation",
            dependencies: [
                "Survival", "JSONText", "Cryptography", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .target(name: "MachineLimits"),
        .target(name: "RawSteps", linkerSettings: [.linkedLibrary("sqlite3")]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Survival", "Federation", "Cryptography", "MachineLimits", "CohortStore", "RawSteps",
            ],
            swiftSettings: settings),
    ]
)
