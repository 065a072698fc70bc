// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the tests need not build it. `Sources/Survival` and `Sources/CoxKernels` are links to those of
// Coxswain: what they offer is visible within a package only.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "benchmarks",
    targets: [
        .target(name: "CoxKernels"),
        .target(name: "Survival", dependencies: ["CoxKernels"], swiftSettings: settings),
        .target(name: "MachineLimits"),
        .executableTarget(
            name: "Benchmarks", dependencies: ["Survival", "MachineLimits"], swiftSettings: settings),
    ]
)
