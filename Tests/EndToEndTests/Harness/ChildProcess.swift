import Foundation
import Glibc
import Synchronization

/// A program that a test has started.
///
/// It can be signalled and waited for; nothing else is ever signalled.
///
/// On `posix_spawn`, not on Foundation's `Process`: up to Swift 6.3.1 that reads past a directory entry while it looks for open
/// descriptors, and crashes now and then (swift-corelibs-foundation, pull request 5472).
final class ChildProcess: Sendable {
    let name: String
    let identifier: Int32
    private let ending = Ending()

    /// Starts a program; its output goes to files, so that no full pipe can stop it.
    ///
    /// - Parameters:
    ///   - executable: A path, or a name that is looked for in the usual places.
    ///   - name: What to call it in messages.
    ///   - folder: Where it works, and where relative names of files start from.
    ///   - environment: Variables besides the few that every program gets.
    ///   - output: The file that standard output is appended to.
    ///   - log: The same for standard error; may be the same file.
    ///   - input: A descriptor for standard input; nothing, unless it is given.
    /// - Throws: `Failure` if it cannot be started.
    init(
        _ executable: String, _ arguments: [String], name: String, in folder: Folder,
        environment: [String: String] = [:], output: String, log: String, input: Int32? = nil
    ) throws {
        let variables = ["PATH": Self.searchPath, "TZ": "UTC", "LC_ALL": "C.UTF-8"].merging(environment) {
            $1
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        let appending = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 1, folder(output), appending, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, folder(log), appending, 0o600)
        // Other tests of this process have pipes that wait for their last writer.
        for descriptor: Int32 in 3..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // Whoever started the tests may ignore broken pipes, which programs inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var usual = sigset_t()
        sigemptyset(&usual)
        sigaddset(&usual, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var pid = pid_t()
        // `env -C` changes into the folder and then becomes the program: the process stays the same.
        let words = ["env", "-C", folder.path, try Self.find(executable)] + arguments
        let error = withCStrings(words) { words in
            withCStrings(variables.map { "\($0)=\($1)" }) { variables in
                posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, words, variables)
            }
        }
        guard error == 0 else {
            throw Failure("\(executable) cannot be started: \(String(cString: strerror(error)))")
        }
        (self.name, identifier) = (name, pid)
        Thread.detachNewThread { [ending, identifier] in ending.await(identifier) }
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

        /// Blocks the thread until the process has ended.
        func await(_ pid: pid_t) {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            // What C's macros WIFSIGNALED, WTERMSIG and WEXITSTATUS do.
            let signal = status & 0x7f
            occur(signal == 0 ? (status >> 8) & 0xff : -signal)
        }

        private func occur(_ status: Int32) {
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
    var descriptor: Int32?
    if let input {
        try folder.write(input, to: names.input)
        descriptor = open(folder(names.input), O_RDONLY | O_CLOEXEC)
    }
    defer { if let descriptor { close(descriptor) } }
    let command = ([URL(fileURLWithPath: executable).lastPathComponent] + arguments).joined(separator: " ")
    let process = try ChildProcess(
        executable, arguments, name: command, in: folder, environment: environment, output: names.output,
        log: names.error, input: descriptor)
    let status = await process.waitForEnd()
    return Outcome(
        command: command, status: status, output: folder.text(names.output), error: folder.text(names.error))
}

/// Hands texts to C as a null-terminated array of null-terminated strings.
private func withCStrings<Value>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
) -> Value {
    let strings = texts.map { strdup($0) }
    defer { for string in strings { free(string) } }
    return body(strings + [nil])
}
