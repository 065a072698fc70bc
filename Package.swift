// swift-tools-version: 6.2
import PackageDescription

/// Set by Tests/FuzzingTests/fuzz: our modules count which of their edges an input reaches.
let isFuzzing = Context.environment["COXSWAIN_FUZZING"] != nil
let coverage: [SwiftSetting] = [
    .unsafeFlags(["-sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table"])
]

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
        .treatAllWarnings(as: .error),
    ] + (isFuzzing ? coverage : [])

let package = Package(
    name: "coxswain",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System: OpenSSL 3 of the distribution, and a thin Swift face on its libcrypto.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "Cryptography", dependencies: ["COpenSSL"], swiftSettings: settings),

        // Pure: values in, values out. No I/O, no clock, no randomness they were not handed.
        .target(name: "JSONText", swiftSettings: settings),
        // The arithmetic of the partial likelihood, in C: compiled for several instruction sets, chosen at run time.
        .target(name: "CoxKernels"),
        .target(name: "Survival", dependencies: ["CoxKernels"], swiftSettings: settings),
        .target(
            name: "Federation",
            dependencies: [
                "Survival", "JSONText", "Cryptography", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .target(name: "StudyReport", dependencies: ["Survival", "JSONText"], swiftSettings: settings),

        // Edges: patient rows only in CohortStore, sockets and TLS only in TLSTransport, SQLite files only by SQLiteFiles.
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
        .target(
            name: "Ledger",
            dependencies: ["SQLiteFiles", "Cryptography", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),
        .target(
            name: "TLSTransport",
            dependencies: [
                "COpenSSL", "Cryptography",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // A member of the consortium: its identity files, whom it trusts, how it reaches the coordinator.
        .target(
            name: "Membership", dependencies: ["Survival", "Federation", "TLSTransport", "Cryptography"],
            swiftSettings: settings),

        // Programs.
        .target(
            name: "HospitalNode",
            dependencies: [
                "Survival", "Federation", "CohortStore", "Ledger", "SQLiteFiles", "TLSTransport",
                "Cryptography", "Membership",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "Coordinator",
            dependencies: [
                "Survival", "Federation", "SQLiteFiles", "TLSTransport", "Cryptography", "Membership",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["openapi.yaml"], swiftSettings: settings),
        .executableTarget(
            name: "coxswain",
            dependencies: [
                "Survival", "Federation", "StudyReport", "CohortStore", "Ledger", "TLSTransport",
                "Cryptography", "Membership", "HospitalNode", "Coordinator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // R's answers and the rows they are from, as studies; for tests alone.
        .target(
            name: "ReferenceStudies", dependencies: ["Federation", "Survival", "Cryptography"],
            path: "Tests/ReferenceStudies", swiftSettings: settings),

        // A consortium's certificate authority and its members, made for a test; for tests alone.
        .target(
            name: "TestConsortia", dependencies: ["Federation", "Cryptography"],
            path: "Tests/TestConsortia", swiftSettings: settings),

        // What the reference cases come to, in bits, as a process of its own: for tests on other processors' paths alone.
        .executableTarget(
            name: "same-bits", dependencies: ["ReferenceStudies", "Federation", "Survival", "Cryptography"],
            path: "Tests/SameBits", exclude: ["recorded.txt"], swiftSettings: settings),

        // How the sources lie: what the compiler does not ask.
        .testTarget(name: "SourceTests", swiftSettings: settings),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText"], swiftSettings: settings),
        .testTarget(
            name: "CryptographyTests", dependencies: ["Cryptography", "TestConsortia"],
            swiftSettings: settings),
        .testTarget(
            name: "SurvivalTests", dependencies: ["Survival", "ReferenceStudies"],
            exclude: ["Reference", "Numerics/tables.py", "Numerics/values.py", "Numerics/values.json"],
            swiftSettings: settings),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "Federation", "JSONText", "Survival", "Cryptography", "ReferenceStudies", "TestConsortia",
            ],
            exclude: ["Masking/masks.py"], swiftSettings: settings),
        .testTarget(
            name: "StudyReportTests", dependencies: ["StudyReport", "Survival"], swiftSettings: settings),
        // Folders that go with their test, and the sqlite3 program as an outsider; for tests alone.
        .target(name: "TestFiles", path: "Tests/TestFiles", swiftSettings: settings),

        .testTarget(
            name: "SQLiteFilesTests",
            dependencies: [
                "SQLiteFiles", "CohortStore", "Ledger", "Coordinator", "TestFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CohortStoreTests",
            dependencies: [
                "CohortStore", "SQLiteFiles", "Survival", "Cryptography", "TestFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "SQLiteFiles", "Cryptography", "TestFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "TLSTransportTests",
            dependencies: [
                "TLSTransport", "Cryptography", "TestConsortia",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MembershipTests",
            dependencies: ["Membership", "Federation", "TLSTransport", "Cryptography"],
            swiftSettings: settings),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: [
                "Coordinator", "Federation", "SQLiteFiles", "Survival", "Membership", "TLSTransport",
                "Cryptography", "TestConsortia", "TestFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HospitalNodeTests",
            dependencies: [
                "HospitalNode", "CohortStore", "Ledger", "SQLiteFiles", "Federation", "Membership",
                "Survival",
                "Cryptography", "TestConsortia", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "coxswain", "same-bits", "Coordinator", "Federation", "Survival", "TLSTransport",
                "Cryptography",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Data"], swiftSettings: settings),
    ]
)

// Readers of bytes from outside, on altered bytes: as tests, or with libFuzzer (Tests/FuzzingTests/fuzz).
let readers: [Target.Dependency] = [
    "CohortStore", "Coordinator", "HospitalNode", "Membership", "TLSTransport", "Federation", "Survival",
    "Cryptography",
]
if isFuzzing {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: readers, path: "Tests/FuzzingTests",
            exclude: ["Corpus", "MutationTests.swift", "Mutator.swift", "fuzz"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
} else {
    package.targets.append(
        .testTarget(
            name: "FuzzingTests", dependencies: readers, exclude: ["Corpus", "LibFuzzer.swift", "fuzz"],
            swiftSettings: settings))
}
