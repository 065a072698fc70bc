package import Cryptography
package import Survival

/// One hospital's part in one session: it verifies everything the coordinator relays and answers each round once.
///
/// A value that decides; the node stores its messages before it sends them and brings it back after a restart by feeding
/// it the same messages. It answers a round only if the sums of all rounds before, which it adds up itself from the sites'
/// signed parts, lead its own `StudyRun` to the same questions.
package struct SiteSession: Sendable {
    package let hello: Hello
    private let opening: SessionOpening
    private let plan: StudyPlan
    private let policy: DisclosurePolicy
    private let key: AgreementKey
    private let versions: Versions
    private var members: [Member] = []
    private var rosterHash: SHA256Digest?
    private var masks: PairwiseMasks?
    private var transcript: Transcript?
    private var run: StudyRun?
    private var asked: Asked?
    private var evaluations: [String: Int] = [:]
    /// Why questions of the round answered last have no answer here, for this hospital's own log.
    package private(set) var troubles: [String] = []
    /// The newest checkpoint of each hospital that came with a message, by site.
    package private(set) var checkpoints: [String: SignedMessage] = [:]

    private struct Member: Sendable {
        var site: String
        var policy: SHA256Digest
    }

    /// The last round taken up.
    private struct Asked: Sendable {
        var round: Int
        var request: SHA256Digest
        var isAnswered = false
    }

    /// `secret` is 32 random bytes that live no longer than the session; `checkpoint` says where this site's audit log stands.
    package init(
        opening: SessionOpening, plan: StudyPlan, site: String, policy: DisclosurePolicy, secret: [UInt8],
        checkpoint: SignedMessage? = nil, versions: Versions = .current
    ) throws(ProtocolError) {
        if let fault = Versions.fault("the coordinator", opening.versions, beside: site, versions) {
            throw .incompatible(fault)
        }
        guard opening.study == plan.hash else { throw .outOfPlace("the session is about another study") }
        guard opening.sites.contains(site) else {
            throw .outOfPlace("the session does not ask this hospital")
        }
        guard Set(opening.sites).isSubset(of: plan.study.sites),
            Set(opening.sites).count == opening.sites.count
        else { throw .outOfPlace("the session asks hospitals that the study does not name") }
        guard opening.sites.count >= policy.sitesMin else {
            throw .refused(
                DisclosureError(
                    rule: "sites-min", "fewer than \(policy.sitesMin) hospitals in the session",
                    isOfRows: false))
        }
        do {
            key = try AgreementKey(secret: secret)
        } catch {
            throw .broken("\(error)")
        }
        self.opening = opening
        self.plan = plan
        self.policy = policy
        self.versions = versions
        hello = Hello(
            session: opening.session, study: plan.hash, site: site, key: HexBytes(key.publicKey),
            policy: policy.hash, checkpoint: checkpoint, versions: versions)
    }

    private var site: String { hello.site }

    /// Verifies the roster: every hello signed by the site it names, for this session and study, this site's own unchanged.
    ///
    /// Its opening must be the one that the session began with, and a session has one roster.
    package mutating func join(_ roster: Roster, under trustView: TrustView) throws(ProtocolError)
        -> RosterAcknowledgement
    {
        let (opening, opener) = try roster.opening.open(as: SessionOpening.self, under: trustView)
        guard opener.role == .coordinator else {
            throw .untrusted("the roster's opening is not the coordinator's")
        }
        guard opening == self.opening else {
            throw .outOfPlace("the roster belongs to another session, or to other hospitals than were asked")
        }
        guard rosterHash == nil || rosterHash == roster.hash else {
            throw .outOfPlace("this hospital has acknowledged another roster in this session")
        }
        let hellos = try verified(roster.hellos, of: opening, under: trustView)
        guard hellos.contains(hello) else {
            throw .outOfPlace("this hospital's own key is not in the roster")
        }
        guard Set(hellos.map(\.key)).count == hellos.count else {
            throw .untrusted("two hospitals have the same key")
        }
        do {
            masks = try PairwiseMasks(
                site: site, key: key, roster: hellos.map { ($0.site, $0.key.bytes) }, session: roster.hash,
                study: plan.hash)
        } catch {
            throw .untrusted("\(error)")
        }
        members = hellos.map { Member(site: $0.site, policy: $0.policy) }
        for hello in hellos { checkpoints[hello.site] = hello.checkpoint }
        rosterHash = roster.hash
        run = StudyRun(plan: plan, sites: members.map { .init(name: $0.site, policyHash: $0.policy.hex) })
        return RosterAcknowledgement(session: hello.session, site: site, roster: roster.hash)
    }

    private func verified(
        _ messages: [SignedMessage], of opening: SessionOpening, under trustView: TrustView
    ) throws(ProtocolError) -> [Hello] {
        guard messages.count == opening.sites.count else { throw .outOfPlace("the roster is not complete") }
        var hellos: [Hello] = []
        for (site, message) in zip(opening.sites, messages) {
            let (other, signer) = try message.open(as: Hello.self, under: trustView)
            guard signer.role == .node(site), other.site == site else {
                throw .untrusted("the roster's entry for \(site) is not from \(site)")
            }
            guard other.session == opening.session, other.study == opening.study else {
                throw .outOfPlace("the roster's entry for \(site) belongs to another session")
            }
            if let fault = Versions.fault(site, other.versions, beside: self.site, versions) {
                throw .incompatible(fault)
            }
            if let checkpoint = other.checkpoint { _ = try checkpoint.checkpoint(of: site, under: trustView) }
            hellos.append(other)
        }
        return hellos
    }

    /// Verifies a round's request and takes it up; says what is to be done.
    ///
    /// Throws, and changes nothing, if the request is not exactly what follows from the sums so far.
    package mutating func accept(_ request: RoundRequest, under trustView: TrustView) throws(ProtocolError)
        -> Task
    {
        guard var run, let rosterHash else { throw .outOfPlace("a round came before the roster") }
        guard asked == nil || !run.isFinished else { throw .outOfPlace("the session is over") }
        let expected = (asked?.round ?? 0) + 1
        guard request.session == hello.session, request.round == expected else {
            throw .outOfPlace("round \(request.round) does not follow round \(expected - 1)")
        }
        var transcript: Transcript
        var parts: [String: SignedMessage] = [:]
        if let last = asked {
            transcript =
                self.transcript ?? Transcript(study: plan.hash, roster: rosterHash, acknowledgements: [])
            parts = try run.take(
                request.previous, round: last.round, request: last.request, of: memberNames, under: trustView)
            transcript.append(request: last.request, answers: request.previous)
        } else {
            try verifyAcknowledgements(request.previous, roster: rosterHash, under: trustView)
            transcript = Transcript(study: plan.hash, roster: rosterHash, acknowledgements: request.previous)
        }
        guard request.transcript == transcript.digest else {
            throw .untrusted("the round's transcript is not the one that this hospital saw")
        }
        guard request.statements == run.statements else {
            throw .untrusted(
                "round \(request.round) asks what does not follow from the study and the sums so far")
        }
        self.run = run
        self.transcript = transcript
        checkpoints.merge(parts) { $1 }
        asked = Asked(round: request.round, request: request.digest)
        guard !run.isFinished else { return .finished(run.result) }
        return .answer(run.statements)
    }

    /// What a round wants of this hospital.
    package enum Task: Sendable {
        case answer([QueryStatement])
        case finished(StudyResult?)
    }

    private var memberNames: [String] { members.map(\.site) }

    private func verifyAcknowledgements(
        _ messages: [SignedMessage], roster: SHA256Digest, under trustView: TrustView
    ) throws(ProtocolError) {
        guard messages.count == members.count else {
            throw .outOfPlace("not every hospital has seen the roster")
        }
        for (member, message) in zip(members, messages) {
            let (ack, signer) = try message.open(as: RosterAcknowledgement.self, under: trustView)
            guard signer.role == .node(member.site), ack.site == member.site, ack.session == hello.session
            else {
                throw .untrusted("the acknowledgement of \(member.site) is not from \(member.site)")
            }
            guard ack.roster == roster else { throw .untrusted("\(member.site) was shown another roster") }
        }
    }

    /// Computes, clears and masks this hospital's part of the round last accepted; once, since its masks hide one vector only.
    ///
    /// `checkpoint` says where this site's audit log stands.
    package mutating func answer(
        from cohort: SiteCohort, checkpoint: SignedMessage? = nil
    ) throws(ProtocolError) -> RoundAnswer {
        guard let run, !run.isFinished, let asked, !asked.isAnswered, let masks, let transcript else {
            throw .outOfPlace("no round is waiting for an answer")
        }
        let cleared = try policy.clear(run, on: cohort, siteCount: members.count, evaluations: evaluations)
        do {
            troubles = cleared.troubles
            let masked = try masks.mask(cleared, round: transcript.maskContext(request: asked.request))
            countEvaluations()
            return RoundAnswer(
                session: hello.session, round: asked.round, site: site, request: asked.request, lanes: masked,
                checkpoint: checkpoint)
        } catch {
            throw .broken("\(error)")
        }
    }

    /// Takes up that the round last accepted has been answered; after a restart, that it was before.
    package mutating func countEvaluations() {
        asked?.isAnswered = true
        for analysis in run?.evaluations ?? [] { evaluations[analysis, default: 0] += 1 }
    }
}

extension StudyRun {
    /// Adds up the sites' signed parts of a round and takes the sum; gives the checkpoints that came with them.
    @discardableResult
    package mutating func take(
        _ answers: [SignedMessage], round: Int, request: SHA256Digest, of sites: [String],
        under trustView: TrustView
    ) throws(ProtocolError) -> [String: SignedMessage] {
        var checkpoints: [String: SignedMessage] = [:]
        guard answers.count == sites.count else { throw .outOfPlace("round \(round) lacks an answer") }
        var vectors: [MaskedVector] = []
        for (site, message) in zip(sites, answers) {
            let (answer, signer) = try message.open(as: RoundAnswer.self, under: trustView)
            guard signer.role == .node(site), answer.site == site else {
                throw .untrusted("the answer of \(site) to round \(round) is not from \(site)")
            }
            guard answer.round == round, answer.request == request else {
                throw .untrusted("\(site) answered another question than round \(round) asked")
            }
            if let checkpoint = answer.checkpoint {
                _ = try checkpoint.checkpoint(of: site, under: trustView)
            }
            checkpoints[site] = answer.checkpoint
            vectors.append(answer.lanes)
        }
        do {
            try receive(try MaskedVector.sum(vectors, count: laneCount))
        } catch {
            throw .broken("\(error)")
        }
        return checkpoints
    }
}
