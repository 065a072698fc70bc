import Foundation
import Glibc
import Synchronization

/// A program that a test has started. It can be signalled and waited for; nothing else is ever signalled.
final class ChildProcess: Sendable {
    let name: String
    let identifier: Int32
    private let ending: Ending

    /// Starts a program; its output goes to files, so that no full pipe can stop it.
    ///
    /// - Parameters:
    ///   - executable: A path, or a name that is looked for in the usual places.
    ///   - input: Where standard input comes from; nothing, unless it is given.
    init(
        _ executable: String, _ arguments: [String], name: String, in folder: Folder,
        environment: [String: String] = [:], output: String, log: String, input: FileHandle? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.find(executable))
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ["PATH": Self.searchPath, "TZ": "UTC", "LC_ALL": "C.UTF-8"].merging(environment)
        { $1 }
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardOutput = try Self.appending(to: folder(output))
        process.standardError = output == log ? process.standardOutput : try Self.appending(to: folder(log))
        let ending = Ending()
        process.terminationHandler = { ended in
            ending.occur(
                ended.terminationReason == .exit ? ended.terminationStatus : -ended.terminationStatus)
        }
        try process.run()
        (self.name, self.ending, identifier) = (name, ending, process.processIdentifier)
    }

    private static let searchPath = "/usr/local/bin:/usr/bin:/bin"

    private static func find(_ executable: String) throws -> String {
        if executable.hasPrefix("/") { return executable }
        let places = searchPath.split(separator: ":").map { "\($0)/\(executable)" }
        guard let found = places.first(where: FileManager.default.isExecutableFile) else {
            throw Failure("\(executable) is not installed; Deploy/test installs what the tests need")
        }
        return found
    }

    private static func appending(to path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("\(path) cannot be written") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// The exit status, or the negative number of the signal that ended it; nil while it runs.
    var status: Int32? { ending.status }

    func signal(_ number: Int32) {
        if status == nil { Glibc.kill(identifier, number) }
    }

    /// Waits for the end; a program that does not come to it in time is killed, which its status then tells.
    func waitForEnd(within limit: Duration = .seconds(90)) async -> Int32 {
        let watchdog = Task {
            try await Task.sleep(for: limit)
            signal(SIGKILL)
        }
        defer { watchdog.cancel() }
        return await ending.wait()
    }

    /// Kills it, as a power cut would.
    func kill() async {
        signal(SIGKILL)
        _ = await ending.wait()
    }

    /// Asks it to stop and sees that it does.
    func stop() async -> Int32 {
        signal(SIGCONT)
        signal(SIGTERM)
        return await waitForEnd(within: .seconds(30))
    }

    /// The end of a process, which may come before anybody waits for it.
    private final class Ending: Sendable {
        private struct State {
            var status: Int32?
            var waiters: [CheckedContinuation<Int32, Never>] = []
        }
        private let state = Mutex(State())

        var status: Int32? { state.withLock { $0.status } }

        func occur(_ status: Int32) {
            let waiters = state.withLock { state in
                state.status = status
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume(returning: status) }
        }

        func wait() async -> Int32 {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Int32? in
                    if state.status == nil { state.waiters.append(continuation) }
                    return state.status
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}

/// What a command said and how it ended.
struct Outcome: Sendable, CustomStringConvertible {
    var command: String
    var status: Int32
    var output: String
    var error: String

    /// Its output; throws what it complained of if it failed.
    @discardableResult
    func succeeded() throws -> String {
        guard status == 0 else { throw Failure(description) }
        return output
    }

    var description: String { "\(command): status \(status)\n\(output)\(error)" }
}

/// Runs a command to its end.
func run(
    _ executable: String, _ arguments: [String], in folder: Folder, environment: [String: String] = [:],
    input: String? = nil
) async throws -> Outcome {
    let stem = "command-\(UUID().uuidString)"
    let names = (output: "\(stem).out", error: "\(stem).err", input: "\(stem).in")
    defer { for name in [names.output, names.error, names.input] { unlink(folder(name)) } }
    var handle: FileHandle?
    if let input {
        try folder.write(input, to: names.input)
        handle = FileHandle(forReadingAtPath: folder(names.input))
    }
    let command = ([URL(fileURLWithPath: executable).lastPathComponent] + arguments).joined(separator: " ")
    let process = try ChildProcess(
        executable, arguments, name: command, in: folder, environment: environment, output: names.output,
        log: names.error, input: handle)
    let status = await process.waitForEnd()
    return Outcome(
        command: command, status: status, output: folder.text(names.output), error: folder.text(names.error))
}
