import Cryptography
import Federation

/// Where a study stands, told at once or when it changes.
extension StudyCoordinator {
    func list(for peer: SPIFFEID) throws -> [StudyStatus] { try order.map { try status($0, for: peer) } }

    /// The status once it differs from the version seen, or when the wait is over.
    func status(
        _ hash: SHA256Digest, for peer: SPIFFEID, after seen: SHA256Digest?, wait: Duration
    ) async throws -> StudyStatus {
        var status = try status(hash, for: peer)
        let deadline = ContinuousClock.now + wait
        while let seen, status.version == seen, ContinuousClock.now < deadline, !isShuttingDown {
            await waitForChange(until: deadline)
            status = try self.status(hash, for: peer)
        }
        return status
    }

    /// As it is shown to an operator: of another lead's study only that it waits, runs or is over.
    ///
    /// What hospitals decide and refuse, how it ended, for whom it waits, and what its rounds ask (which holds the coefficients
    /// so far) are its own lead's.
    func status(_ hash: SHA256Digest, for peer: SPIFFEID) throws -> StudyStatus {
        var status = try status(hash)
        guard status.submitter != peer else { return status }
        if status.state.isOver { status.state = .over }
        status.reason = ""
        status.sites = status.sites.map { .init(name: $0.name, decision: .pending, reason: "") }
        status.session?.statements = []
        status.session?.waitingFor = []
        status.session?.holding = []
        return status
    }

    func status(_ hash: SHA256Digest) throws -> StudyStatus {
        let study = try known(hash)
        let now = try environment.trustView().time
        return StudyStatus(
            study: hash, name: study.plan.study.name, title: study.plan.study.title,
            submitter: study.submitter,
            state: study.state, reason: study.reason,
            sites: study.plan.study.sites.map { site in
                let (contact, since) = contact(of: site, in: study)
                return .init(
                    name: site, decision: study.decision(of: site, at: now),
                    reason: study.decisions[site]?.reason ?? "", contact: contact, since: since,
                    versionFault: study.state.isOver ? nil : versionFault(of: site))
            },
            session: study.session.map { session in
                .init(
                    id: session.opening.session, sites: session.opening.sites, step: session.step,
                    round: session.round,
                    waitingFor: study.state == .running ? session.waitingFor : [],
                    holding: study.state == .running ? session.holding : [], since: study.since,
                    statements: session.statements)
            })
    }
}

extension CoordinatorSession {
    var step: SessionStep {
        switch phase {
        case .gatheringKeys: .keys
        case .gatheringAcknowledgements: .roster
        case .round: .round
        case .finished, .refused, .failed: .closed
        }
    }

    var round: Int { request?.round ?? 0 }
}
