import Cryptography
import Federation
import Ledger
import Membership

/// When this node asks the coordinator for work: a value that decides, and neither asks nor waits.
///
/// What could not be done is tried again after a pause that new work ends early: a study with which this node can do nothing must
/// not slow the others down.
struct WorkPolling: Sendable {
    /// Longest that a poll is held, in seconds.
    static let waitMax = 25
    /// Shortest time from one poll to the next where the last one brought nothing new, or nothing that could be done.
    static let roundMin = Duration.milliseconds(500)

    private var seen: SHA256Digest?
    private(set) var wait = waitMax
    private var backOff = BackOff()
    private var isCutOff = false
    private var isNew = false

    /// What to ask.
    var path: String { "/v1/work?wait=\(wait)" + (seen.map { "&after=\($0.hex)" } ?? "") }

    /// Takes up that a list came; true if the coordinator could not be reached before.
    mutating func listed(_ version: SHA256Digest) -> Bool {
        defer { isCutOff = false }
        isNew = seen != version
        seen = version
        return isCutOff
    }

    /// Takes up whether the list's work could be done; gives the shortest time from that poll to the next.
    mutating func worked(isDone: Bool) -> Duration {
        if isDone {
            backOff.reset()
            wait = Self.waitMax
        } else {
            wait = max(1, min(Int(backOff.next() / .seconds(1)), Self.waitMax))
        }
        // A coordinator that does not hold the poll must not make us run.
        return !isNew || wait < Self.waitMax ? Self.roundMin : .zero
    }

    /// Takes up that the coordinator could not be reached; gives the pause before it is tried again.
    mutating func failed() -> Duration {
        isCutOff = true
        return backOff.next()
    }
}
