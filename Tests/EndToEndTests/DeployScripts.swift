import Foundation
import Testing

/// The scripts that people start first refuse what they cannot do before they build anything.
struct DeployScripts {
    private static let scripts = ["demo", "test", "build", "runs-without-swift"]

    private func start(
        _ script: String, _ arguments: [String], in folder: Folder, shell: String = "exec \"$@\""
    ) async throws -> Outcome {
        // Without Swift in the path: nothing that is built or downloaded can be the answer.
        try await run(
            "bash", ["-c", shell, "bash", "\(Repository.root)/Deploy/\(script)"] + arguments, in: folder)
    }

    @Test(arguments: scripts, ["-h", "--help"])
    func `a script explains itself`(script: String, option: String) async throws {
        let folder = try Folder.temporary()
        defer { folder.remove() }
        #expect(try await start(script, [option], in: folder).succeeded().hasPrefix("Deploy/\(script)"))
        #expect(folder.names().allSatisfy { $0.hasPrefix("command-") })
    }

    @Test(arguments: scripts)
    func `a wrong option is refused before anything is built`(script: String) async throws {
        let folder = try Folder.temporary()
        defer { folder.remove() }
        let outcome = try await start(script, ["--fast"], in: folder)
        #expect(outcome.status == 64 && outcome.output.isEmpty && !outcome.error.isEmpty, "\(outcome)")
    }

    @Test func `a demo takes a folder that it may replace, and one at a time`() async throws {
        let folder = try Folder.temporary()
        defer { folder.remove() }
        try folder.write("", to: "mine/thesis.txt")
        let foreign = try await start("demo", ["mine"], in: folder)
        #expect(
            foreign.status == 1
                && foreign.error.contains("mine is not empty, and not an earlier demo's folder"))
        #expect(folder.has("mine/thesis.txt"))
        #expect(try await start("demo", ["one", "two"], in: folder).status == 64)
        // The folder is relative to where the demo was started.
        let second = try await start(
            "demo", ["runs/new"], in: folder,
            shell: "mkdir -p runs/new; exec 9<runs/new; flock -n 9; \"$@\" 9<&-")
        #expect(
            second.status == 1 && second.error.hasPrefix("another demo runs in \(folder.path)/runs/new"),
            "\(second)")
    }

    @Test func `the tests of a folder run once at a time`() async throws {
        let folder = try Folder.temporary()
        defer { folder.remove() }
        let lock = "exec 9<\"$1\"; flock -n 9 || true; exec \"$@\" 9<&-"
        let outcome = try await start(
            "test", [], in: folder, shell: lock.replacing("exec \"$@\"", with: "\"$@\""))
        #expect(outcome.status == 1 && outcome.error.contains("run already"), "\(outcome)")
    }
}
