import ArgumentParser
import Federation
import Foundation
import Membership
import Survival

extension CoordinatorClient {
    /// Prints a line on standard error for each change; ends with the study, or, if asked, with the hospitals' decisions, and at once
    /// where a line cannot be written.
    ///
    /// Throws `ExitStatus.studyOver` when the study failed, was cancelled, or (with `untilDecided`) was declined.
    func watch(_ reference: String, untilDecided: Bool) async throws {
        let study = try await find(reference)
        guard isOwn(study) else {
            throw MembershipError.rejected(
                status: 403, reason: "the study \"\(study.name)\" is \(study.submitter)'s",
                hint:
                    "its lead alone is told of its progress; \"coxswain study list\" says whether it is over")
        }
        var progress = Progress()
        let last = try await follow(
            reference, onTrouble: { try ProgramOutput.tell("\($0); waiting for it") }
        ) { status in
            for line in progress.lines(for: status) { try ProgramOutput.tell(line) }
            return status.state.isOver || (untilDecided && status.isDecided)
        }
        if last.state == .failed || last.state == .cancelled || (untilDecided && last.isDeclined) {
            throw ExitStatus.studyOver.code
        }
    }
}

extension StudyStatus {
    fileprivate var isDeclined: Bool { sites.contains { $0.decision == .declined } }
    fileprivate var isDecided: Bool { isDeclined || sites.allSatisfy { $0.decision == .approved } }
}

/// What has been said of a study so far, so that each change is said once.
struct Progress {
    private var states: [String: String] = [:]
    private var round: Int?
    private var waiting: [String] = []
    private var state: StudyState?

    mutating func lines(for status: StudyStatus) -> [String] {
        var lines: [String] = []
        for (name, all) in status.siteStates {
            let words = all.filter { $0 != .awaited }.map(\.sentence).joined(separator: "; ")
            // Of a study that is over nothing new is known.
            guard states[name] != words, !status.state.isOver || states[name] == nil else { continue }
            states[name] = words
            lines.append("\(name): \(words)")
        }
        if let session = status.session, status.state == .running { lines += self.lines(for: session) }
        if state != status.state {
            state = status.state
            let reason = status.reason.isEmpty ? "" : ": \(status.reason)"
            let session = status.state == .finished ? status.session : nil
            let rounds = session.map { " after \(counted($0.round - 1, "round"))" } ?? ""
            lines.append("\(status.name): \(status.state.rawValue)\(rounds)\(reason)")
        }
        return lines
    }

    /// `3 questions (counts, evaluation twice)`: how many there are, and of which kinds.
    private func questions(_ statements: [QueryStatement]) -> String {
        let kinds = Dictionary(grouping: statements, by: \.kind).map { kind, alike in
            switch alike.count {
            case 1: kind
            case 2: "\(kind) twice"
            default: "\(kind) \(alike.count) times"
            }
        }
        return "\(counted(statements.count, "question")) (\(kinds.sorted().joined(separator: ", ")))"
    }

    private mutating func lines(for session: StudyStatus.Session) -> [String] {
        var lines: [String] = []
        if session.step == .round, round != session.round {
            round = session.round
            waiting = []
            let lanes = session.statements.reduce(0) { $0 + $1.lanes }
            lines.append(
                "round \(session.round): \(questions(session.statements)); \(counted(lanes, "number")) a site"
            )
        }
        let now = Int(Date().timeIntervalSince1970)
        let names = session.waitingFor.map {
            session.holding.contains($0) ? "\($0) (held there for a person)" : $0
        }
        if now - session.since >= 5, waiting != names {
            waiting = names
            lines.append("waiting for \(names.joined(separator: ", ")) since \(now - session.since) s")
        }
        return lines
    }
}
