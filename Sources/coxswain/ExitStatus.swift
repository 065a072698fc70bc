import ArgumentParser
import Glibc

/// How the program ended, for scripts: the one list of its exit statuses, which Deploy/README.md explains.
///
/// A program that a signal ends has no status of its own: a shell gives 128 and the signal's number, 141 when whoever reads its
/// output has gone.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    /// Refused or failed; the sentence on standard error says why.
    case failed = 1
    /// The study was declined, cancelled or failed.
    case studyOver = 2
    /// Some analyses have no result; all that there is was written.
    case analysesWithoutResult = 3
    /// The words of the command line make no command (`EX_USAGE`).
    case wrongUsage = 64
    /// What there was to say could not be written (`EX_IOERR`).
    case unwritable = 74

    private var words: String {
        switch self {
        case .done: "done"
        case .failed: "refused or failed"
        case .studyOver: "the study failed, was cancelled or declined"
        case .analysesWithoutResult: "some analyses have no result"
        case .wrongUsage: "wrong usage"
        case .unwritable: "the output could not be written"
        }
    }

    /// All statuses in a line, that of a signal included.
    static var summary: String {
        (allCases.map { "\($0.rawValue) \($0.words)" } + ["\(128 + SIGPIPE) whoever read the output has gone"])
            .joined(separator: ", ")
    }

    /// To be thrown where a command ends with a status and has nothing to add.
    var code: ExitCode { ExitCode(rawValue) }
}
