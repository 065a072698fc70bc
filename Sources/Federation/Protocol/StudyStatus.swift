package import Cryptography
package import Survival

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
        package var contact: SiteContact
        /// When an offline site was heard of last, in seconds since 1970.
        package var since: Int?
        /// Who has to be updated before a session can begin with this site, and why; nil if nobody.
        package var versionFault: String?

        package init(
            name: String, decision: SiteDecision, reason: String, contact: SiteContact = .online,
            since: Int? = nil, versionFault: String? = nil
        ) {
            (self.name, self.decision, self.reason) = (name, decision, reason)
            (self.contact, self.since, self.versionFault) = (contact, since, versionFault)
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

package enum SiteDecision: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nobody there has decided yet.
    case pending
    case approved, declined
    /// Approved once, for a time that is over.
    case expired
    /// Approved once, but under another policy or on other patients than are in force there now.
    case lapsed

    package init(of decision: Decision, at time: Int) {
        if decision.isLapsed == true {
            self = .lapsed
        } else if !decision.isApproved {
            self = .declined
        } else {
            self = decision.until > time ? .approved : .expired
        }
    }
}

/// Whether a hospital's node talks to the coordinator.
package enum SiteContact: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nobody of that name has ever called: a slip in the study file, or a node that does not run yet.
    case unknown
    case online, offline
}

/// What a study's lead should know of a hospital, one fact each, in the order of weight.
package enum SiteState: Hashable, Sendable {
    case unknown
    case decision(SiteDecision, reason: String)
    case mustUpdate(String)
    /// Heard of last at that time, in seconds since 1970.
    case offline(since: Int)
    /// The round waits there for a person.
    case held
    /// The session waits for it.
    case awaited
}

extension StudyStatus {
    /// Every hospital of the study with its states; of a study that is over only what was decided.
    package var siteStates: [(name: String, states: [SiteState])] { sites.map { ($0.name, states(of: $0)) } }

    private func states(of site: Site) -> [SiteState] {
        let decision = SiteState.decision(site.decision, reason: site.reason)
        guard !state.isOver else { return [decision] }
        guard site.contact != .unknown else { return [.unknown] }
        var states = [decision]
        if let fault = site.versionFault { states.append(.mustUpdate(fault)) }
        if site.contact == .offline { states.append(.offline(since: site.since ?? 0)) }
        if state == .running, let session, session.waitingFor.contains(site.name) {
            states.append(session.holding.contains(site.name) ? .held : .awaited)
        }
        return states
    }
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
    /// The coordinator's, told to a node that told its own; an older node could not read a list that has them.
    package var versions: Versions?

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

    package init(items: [Item], versions: Versions? = nil) {
        (self.items, self.versions) = (items, versions)
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
