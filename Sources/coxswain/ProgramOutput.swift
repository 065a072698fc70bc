import Survival
import Federation
import Glibc
import StudyReport
import Synchronization

/// The program's two streams: nothing else in it writes to standard output or standard error.
///
/// What cannot be written to standard output ends the command with `ExitStatus.unwritable`. Words for people on standard error are
/// no reason to stop at once, but a command whose words were lost does not end as if all were well. Whoever closed standard error,
/// or stopped reading it, does not want them.
enum ProgramOutput {
    private struct State {
        /// Whether a reader that has gone ends the program, as it does every other, or is an error, as the caller asked.
        var isBrokenPipeDeadly = true
        /// Why words for people could not be written, the first time.
        var loss: Int32?
        /// Lines of the log that could not be written since the last one that could.
        var lostLineCount = 0
    }

    private static let state = Mutex(State())

    /// To be called before anything is opened or written.
    ///
    /// A stream that the caller closed would otherwise be the next file that is opened: results in a database.
    static func prepare() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1
        {
            // The lowest free descriptor, so this one; opened the wrong way round, so that its use fails as before.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
        var former = sigaction()
        sigaction(SIGPIPE, nil, &former)
        let isIgnored = former.__sigaction_handler.sa_handler.map { unsafeBitCast($0, to: Int.self) } == 1
        state.withLock { $0.isBrokenPipeDeadly = !isIgnored }
        // A log or a connection whose other end has gone must not end a service.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes a text to standard output as it is.
    static func write(_ text: String) throws(OutputError) {
        guard let number = failure(writing: text, to: STDOUT_FILENO) else { return }
        if number == EPIPE, state.withLock(\.isBrokenPipeDeadly) {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        throw .standardOutput(number)
    }

    /// Writes a line for people to standard error.
    static func say(_ line: String) { complain("\(line.replacing("\n", with: " ").visible)\n") }

    /// Writes a line for people, for whom the command runs at all, to standard error; throws if it could not be written, unless
    /// nobody wants it.
    static func tell(_ line: String) throws(OutputError) {
        say(line)
        if let number = state.withLock(\.loss) { throw .standardError(number) }
    }

    /// Writes a text for people to standard error, as it is.
    static func complain(_ text: String) {
        guard let number = failure(writing: text, to: STDERR_FILENO), isLoss(number) else { return }
        state.withLock { $0.loss = $0.loss ?? number }
    }

    /// Writes a line of a service's log, which goes on when it cannot: how many lines are missing is said once it can again.
    static func log(_ line: String) {
        state.withLock { state in
            if state.lostLineCount > 0 {
                let words = "(\(counted(state.lostLineCount, "line")) of this log could not be written)\n"
                guard failure(writing: words, to: STDERR_FILENO) == nil else {
                    state.lostLineCount += 1
                    return
                }
                state.lostLineCount = 0
            }
            if failure(writing: "\(line)\n", to: STDERR_FILENO) != nil { state.lostLineCount += 1 }
        }
    }

    /// Ends standard output, which may be when a file system says that it has no room; throws if anything was lost.
    static func finish() throws(OutputError) {
        if close(STDOUT_FILENO) != 0, errno != EBADF { throw .standardOutput(errno) }
        if let number = state.withLock(\.loss) { throw .standardError(number) }
    }

    private static func isLoss(_ number: Int32) -> Bool { number != EBADF && number != EPIPE }

    /// The number of the error that kept a text from being written whole; nil if there was none.
    private static func failure(writing text: String, to descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if count == 0 {
                    return EIO
                } else if errno == EAGAIN {
                    // A terminal or pipe that another program made non-blocking: wait for room.
                    var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    guard poll(&room, 1, -1) >= 0 || errno == EINTR else { return errno }
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
    }
}

/// What was to be written, and could not be.
enum OutputError: Error, Hashable, CustomStringConvertible {
    case standardOutput(Int32)
    case standardError(Int32)

    var description: String {
        switch self {
        case .standardOutput(let number): "cannot write to standard output: \(Self.words(of: number))"
        case .standardError(let number): "cannot write to standard error: \(Self.words(of: number))"
        }
    }

    var hint: String {
        switch self {
        case .standardOutput: "what has been written is not whole"
        case .standardError:
            "not all that the command had to say could be read; what it does is done up to there"
        }
    }

    private static func words(of number: Int32) -> String {
        number == EBADF ? "it is closed" : String(cString: strerror(number)).lowercased()
    }
}

/// Prints a line on standard output; text that others may have written neither acts on a terminal nor looks like something else.
func show(_ text: String) throws(OutputError) { try ProgramOutput.write("\(text.visible)\n") }

/// A value of the protocol as a line of JSON, for files that programs read; canonical but for characters that are not seen.
func jsonText(_ value: some Encodable) -> String {
    String(decoding: CanonicalJSON.bytes(value), as: UTF8.self).visibleJSON + "\n"
}

/// Prints a result in a format.
func show(_ report: StudyReport, as format: ReportFormat, roundsP: Bool = false) throws {
    let text = try report.rendered(as: format, roundsP: roundsP)
    try ProgramOutput.write(format == .json ? text.visibleJSON : text)
}
