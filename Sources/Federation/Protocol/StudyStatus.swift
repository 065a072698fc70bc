package import Cryptography

/// Where a study stands, for those who launched it and those who watch.
package struct StudyStatus: Hashable, Sendable, Codable {
    package var study: SHA256Digest
    package var name: String
    package var title: String
    package var submitter: SPIFFEID
    package var state: StudyState
    /// Why it failed or was cancelled; empty otherwise.
    package var reason: String
    package var sites: [Site]
    /// The latest session; nil before the first launch.
    package var session: Session?

    package struct Site: Hashable, Sendable, Codable {
        package var name: String
        package var decision: SiteDecision
        /// A site's reason for declining; empty for readers who are not the study's lead, whose studies' decisions are all pending.
        package var reason: String

        package init(name: String, decision: SiteDecision, reason: String) {
            (self.name, self.decision, self.reason) = (name, decision, reason)
        }
    }

    package struct Session: Hashable, Sendable, Codable {
        package var id: SHA256Digest
        package var sites: [String]
        package var step: SessionStep
        /// The round, from 1; 0 before the first.
        package var round: Int
        package var waitingFor: [String]
        /// Those of them that hold the round for a person there.
        package var holding: [String]
        /// When a site's last message came, in seconds since 1970.
        package var since: Int
        package var statements: [QueryStatement]

        package init(
            id: SHA256Digest, sites: [String], step: SessionStep, round: Int, waitingFor: [String],
            holding: [String] = [], since: Int, statements: [QueryStatement]
        ) {
            (self.id, self.sites, self.step, self.round) = (id, sites, step, round)
            (self.waitingFor, self.holding) = (waitingFor, holding)
            (self.since, self.statements) = (since, statements)
        }
    }

    package init(
        study: SHA256Digest, name: String, title: String, submitter: SPIFFEID, state: StudyState,
        reason: String,
        sites: [Site], session: Session?
    ) {
        (self.study, self.name, self.title, self.submitter) = (study, name, title, submitter)
        (self.state, self.reason, self.sites, self.session) = (state, reason, sites, session)
    }

    /// Changes whenever anything here changes; long polls send it back.
    package var version: SHA256Digest { SHA256Digest(of: CanonicalJSON.bytes(self)) }
}

/// The life of a study at the coordinator.
package enum StudyState: String, Hashable, Sendable, Codable {
    case submitted, running, finished, failed, cancelled
    /// One of the last three, which of them being none of the reader's business.
    case over

    package var isOver: Bool { self != .submitted && self != .running }
}

package enum SiteDecision: String, Hashable, Sendable, Codable {
    case pending, approved, declined
}

/// The steps of a session.
package enum SessionStep: String, Hashable, Sendable, Codable {
    case keys, roster, round, closed
}

/// What a node finds when it asks for work: one item for each study that names it.
package struct WorkList: Hashable, Sendable, Codable {
    /// Digest of the items; a node that sends it back is answered when they differ.
    package var version: SHA256Digest
    package var items: [Item]

    package struct Item: Hashable, Sendable, Codable {
        package var study: SHA256Digest
        package var state: StudyState
        package var decision: SiteDecision
        package var session: SHA256Digest?
        package var step: SessionStep?
        package var round: Int
        /// Whether the session waits for this node.
        package var isWaitingForYou: Bool

        package init(
            study: SHA256Digest, state: StudyState, decision: SiteDecision, session: SHA256Digest?,
            step: SessionStep?,
            round: Int, isWaitingForYou: Bool
        ) {
            (self.study, self.state, self.decision, self.session) = (study, state, decision, session)
            (self.step, self.round, self.isWaitingForYou) = (step, round, isWaitingForYou)
        }
    }

    package init(items: [Item]) {
        self.items = items
        version = SHA256Digest(of: CanonicalJSON.bytes(items))
    }
}

/// An error as the coordinator sends it: what is wrong, and what to do.
package struct ErrorReply: Hashable, Sendable, Codable {
    package var error: String
    package var hint: String?

    package init(error: String, hint: String?) { (self.error, self.hint) = (error, hint) }
}

extension SHA256Digest {
    /// The first twelve hex digits, for people.
    package var short: String { String(hex.prefix(12)) }
}

/// What a person calls a study: its name, or at least six digits with which its hash begins.
///
/// Less could be a slip, such as the value of a variable that a script did not set, and mean a study all the same.
package struct StudyReference: Sendable {
    private let text: String

    package init(_ text: String) { self.text = text }

    package func means(_ hash: SHA256Digest, named name: String) -> Bool {
        text == name || (text.count >= Self.digitsMin && hash.hex.hasPrefix(text))
    }

    private static let digitsMin = 6
}
