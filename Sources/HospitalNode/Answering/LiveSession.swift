import Cryptography
import Federation
import Ledger

/// A session in memory; rebuilt from the journal after a restart.
struct LiveSession: Sendable {
    var session: SiteSession
    var loaded: LoadedCohort
    var study: LocalStudy

    init(session: SiteSession, loaded: LoadedCohort, study: LocalStudy) {
        (self.session, self.loaded, self.study) = (session, loaded, study)
    }

    /// The session as far as it got, by taking every stored message again.
    init(restoring stored: SessionEntry, _ id: SHA256Digest, from records: some NodeRecords) throws {
        guard let entry = try records.entry(of: stored.study) else {
            throw ProtocolError.outOfPlace("an unknown study")
        }
        let local = try LocalStudy(entry)
        let start = try StoredStart(from: stored)
        let trustView = try records.trustView().forStoredMessages
        guard let secret = stored.secret else { throw ProtocolError.outOfPlace("the session is over") }
        var session = try SiteSession(
            opening: try start.openingContent, plan: local.plan, site: records.site,
            policy: try start.rules(under: records.policy), secret: secret, checkpoint: try start.checkpoint)
        try Self.requirePolicy(try start.helloContent.policy, in: session)
        if let roster = stored.roster {
            _ = try session.join(try CanonicalJSON.decode(Roster.self, from: roster), under: trustView)
        }
        for round in try records.rounds(of: id) {
            let message = try CanonicalJSON.decode(SignedMessage.self, from: round.request)
            _ = try session.accept(
                try message.open(as: RoundRequest.self, under: trustView).content, under: trustView)
            session.countEvaluations()
        }
        self.init(
            session: session, loaded: try records.cohort(for: local.plan, submission: local.submission),
            study: local)
    }

    /// Refuses to go on under other rules than the session should have: those of its beginning, or those of its approval.
    func requirePolicy(_ policy: SHA256Digest) throws { try Self.requirePolicy(policy, in: session) }

    private static func requirePolicy(_ policy: SHA256Digest, in session: SiteSession) throws {
        guard session.hello.policy == policy else {
            throw ProtocolError.outOfPlace("this hospital's policy was changed during the session")
        }
    }
}

extension LoadedCohort {
    /// Refuses rows that are not those of another moment: of the approval, of the session's beginning, or of now.
    func requireUnchanged(since snapshot: SHA256Digest) throws {
        guard self.snapshot == snapshot else {
            throw ProtocolError.broken("this hospital's patients changed during the session")
        }
    }
}

extension StoredStart {
    /// The rules that a session which began so is answered under.
    fileprivate func rules(under policy: DisclosurePolicy) throws -> DisclosurePolicy {
        guard let rules = isUnattended == true ? policy.withoutPerson : policy else {
            throw ProtocolError.outOfPlace("the policy asks a person to approve; it must be given again")
        }
        return rules
    }
}
