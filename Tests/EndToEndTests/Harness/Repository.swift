import Foundation
import Testing

/// Where this package's files are: examples and data that the tests hand to the built program.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// The tests' own data.
    static func data(_ name: String) -> String { "\(root)/Tests/EndToEndTests/Data/\(name)" }

    static func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
    }

    /// The `coxswain` that was built with these tests.
    static let coxswain = built("coxswain")

    /// A program or folder of this build: it lies beside the test bundle.
    static func built(_ name: String) -> String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent(name).path
    }
}

/// What a test could not go on without.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Asks again and again until the condition holds; throws, naming what was waited for, once the time is up.
func poll(
    _ what: String, within limit: Duration = .seconds(90), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw Failure("waited \(limit) in vain for: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
