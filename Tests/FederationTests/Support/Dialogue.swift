import Cryptography
import Federation
import Survival
import TestConsortia

/// A session of one coordinator and several hospitals, driven message by message; honest unless a test interferes.
///
/// Everything in it is a value: a test tries a forged message on a copy and goes on with the original.
struct Dialogue {
    let consortium: Consortium
    let plan: StudyPlan
    let opening: SessionOpening
    let trustView: TrustView
    let office: Signer
    let signers: [Signer]
    let cohorts: [SiteCohort]
    var coordinator: CoordinatorSession
    var members: [SiteSession]

    var names: [String] { opening.sites }

    /// As many sites as tables, named `site-1` and so on.
    init(
        _ study: String, tables: [PatientTable], policy: DisclosurePolicy = .local,
        session: String = "a session",
        consortium: Consortium? = nil
    ) throws {
        try self.init(
            Ward.plan(study), tables: tables, policy: policy, session: session, consortium: consortium)
    }

    init(
        _ plan: StudyPlan, tables: [PatientTable], policy: DisclosurePolicy = .local,
        session: String = "a session",
        consortium: Consortium? = nil
    ) throws {
        let consortium = try consortium ?? Consortium()
        self.consortium = consortium
        let names = Ward.names(tables.count)
        self.plan = plan
        trustView = try consortium.trustView()
        office = try consortium.signer(.coordinator)
        signers = try names.map { try consortium.signer(.node($0)) }
        cohorts = tables.map { SiteCohort(table: $0, plan: plan) }
        let opening = SessionOpening(
            session: SHA256Digest(of: session.utf8), study: plan.hash, sites: names)
        self.opening = opening
        coordinator = CoordinatorSession(
            opening: opening, signed: try SignedMessage(opening, by: office), plan: plan)
        members = try names.map { name in
            try SiteSession(
                opening: opening, plan: plan, site: name, policy: policy,
                secret: SHA256Digest(of: "\(session) \(name)".utf8).bytes)
        }
    }

    func signed(_ message: some Message, by site: Int) throws -> SignedMessage {
        try SignedMessage(message, by: signers[site])
    }

    mutating func deliver(_ message: some Message, from site: Int) throws {
        try coordinator.receive(signed(message, by: site), from: names[site], under: trustView)
    }

    mutating func sayHello() throws {
        for site in members.indices { try deliver(members[site].hello, from: site) }
    }

    mutating func acknowledge() throws {
        guard let roster = coordinator.roster else { return }
        for site in members.indices {
            try deliver(try members[site].join(roster, under: trustView), from: site)
        }
    }

    /// All hospitals accept and answer the present round.
    mutating func answerRound() throws {
        guard let request = coordinator.request else { return }
        for site in members.indices {
            _ = try members[site].accept(request, under: trustView)
            try deliver(try members[site].answer(from: cohorts[site]), from: site)
        }
    }

    /// Up to the given round's request, which nobody has seen yet.
    mutating func proceed(toRound round: Int) throws {
        if coordinator.phase == .gatheringKeys { try sayHello() }
        if coordinator.phase == .gatheringAcknowledgements { try acknowledge() }
        while case .round(let present) = coordinator.phase, present < round { try answerRound() }
    }

    mutating func finish() throws -> StudyResult? {
        try proceed(toRound: .max)
        return coordinator.result
    }
}
