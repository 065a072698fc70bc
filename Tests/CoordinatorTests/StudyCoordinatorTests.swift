import Cryptography
import Federation
import Foundation
import SQLiteFiles
import Survival
import Testing

@testable import Coordinator

/// Studies at the coordinator, without sockets: the sites are `SiteSession` values.
struct StudyCoordinatorTests {
    private let trial: TrialConsortium

    init() throws { trial = try TrialConsortium() }

    @Test func `a study that all approved runs to the result of a local fit`() async throws {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        try await sites.finish(at: coordinator)
        let result = try CanonicalJSON.decode(
            StudyResult.self, from: try await coordinator.result(of: study, for: trial.operatorID))
        let local = try InProcessFederation(
            plan: sites.plan, tables: trial.sites.map { ($0, trial.table(of: $0)) },
            time: trial.trustView.time
        ).run { try randomBytes(32) }
        #expect(result.analyses == local.analyses)
        #expect(result.analyses.count == 3)
    }

    /// The coordinator is thrown away and read back from its file after every single message.
    @Test func `a coordinator restarted after every message ends with the same bits`() async throws {
        let undisturbed = try await result(restarting: false)
        let restarted = try await result(restarting: true)
        #expect(restarted == undisturbed)
    }

    private func result(restarting: Bool) async throws -> [AnalysisResult] {
        let trial = try TrialConsortium()
        var coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        while try await sites.step(at: coordinator) {
            if restarting { coordinator = try await trial.coordinator() }
        }
        let body = try await coordinator.result(of: study, for: trial.operatorID)
        return try CanonicalJSON.decode(StudyResult.self, from: body).analyses
    }

    @Test func `a database that every account can open is not used`() async throws {
        _ = try await trial.coordinator()
        try #require(chmod(trial.database, 0o604) == 0)
        let refusal = await #expect(throws: FileError.self) { _ = try await trial.coordinator() }
        #expect(
            refusal?.description.hasSuffix(
                "is open to every account of this machine (mode 604); run chmod 600 on it") == true)
        try #require(chmod(trial.database, 0o640) == 0)
        _ = try await trial.coordinator()
    }

    @Test func `a study is not launched before all have approved`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        try await trial.approve(study, at: coordinator, sites: ["east", "north", "west"])
        try await coordinator.meet("south", .current)
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.launch(study, by: trial.operatorID)
        }
        #expect(error?.description == "not every hospital has approved the study: south (pending)")
    }

    @Test func `an approval that has run out does not count`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        trial.advance(seconds: 2 * 86400)
        await #expect(throws: RefusedRequest.self) {
            try await coordinator.launch(study, by: trial.operatorID)
        }
    }

    @Test func `only the operator who submitted a study can launch, cancel or read it`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        let other = SPIFFEID(consortium: "trial", role: .operator("mallory"))
        await #expect(throws: RefusedRequest.self) { try await coordinator.launch(study, by: other) }
        await #expect(throws: RefusedRequest.self) { try await coordinator.cancel(study, by: other) }
        await #expect(throws: RefusedRequest.self) { try await coordinator.result(of: study, for: other) }
        await #expect(throws: RefusedRequest.self) {
            try await coordinator.submit(trial.submission(), by: other)
        }
    }

    @Test(arguments: [("jane", SPIFFEID.Role.node("north")), ("mallory", .operator("jane"))])
    func `a study is taken from the operator whose name and signature it bears`(
        _ name: String, _ signer: SPIFFEID.Role
    ) async throws {
        let coordinator = try await trial.coordinator()
        let submission = StudySubmission(
            study: TrialConsortium.study(), dictionary: TrialConsortium.dictionary,
            submitter: SPIFFEID(consortium: "trial", role: .operator(name)))
        let message = try SignedMessage(submission, by: trial.signer(signer))
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.submit(message, by: trial.operatorID)
        }
        #expect(error?.description == "a study must be signed by the operator who submits it")
        #expect(try await coordinator.list(for: trial.operatorID).isEmpty)
    }

    /// The statements of a round hold the coefficients so far.
    @Test func `another study's lead sees that a study runs, and not what its rounds ask`() async throws {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        try await sites.join(at: coordinator)
        let other = SPIFFEID(consortium: "trial", role: .operator("mallory"))
        let listed = try #require(try await coordinator.list(for: trial.operatorID)[0].session)
        let watched = try await coordinator.status(study, for: trial.operatorID, after: nil, wait: .zero)
        #expect(listed.round == 1 && watched.session == listed && !listed.statements.isEmpty)
        #expect(try await coordinator.list(for: other)[0].session == nil)
        #expect(try await coordinator.status(study, for: other, after: nil, wait: .zero).session == nil)
    }

    @Test func `another study's lead sees nothing of what hospitals decide and refuse`() async throws {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        let refusal = Refusal(session: session, site: "west", reason: Refusal.withoutReason)
        try await coordinator.receive(
            try SignedMessage(refusal, by: trial.signer(.node("west"))), round: 0, session: session,
            from: "west")
        let other = SPIFFEID(consortium: "trial", role: .operator("mallory"))
        let own = try await coordinator.list(for: trial.operatorID)[0]
        #expect(own.state == .failed && own.reason == "west refused: \(Refusal.withoutReason)")
        #expect(own.sites.allSatisfy { $0.decision == .approved })
        for status in [
            try await coordinator.list(for: other)[0],
            try await coordinator.status(study, for: other, after: nil, wait: .zero),
        ] {
            #expect(
                status.state == .over && status.reason.isEmpty && status.session == nil
                    && status.title.isEmpty)
            #expect(status.sites.allSatisfy { $0.decision == .pending && $0.reason.isEmpty })
            let text = String(decoding: CanonicalJSON.bytes(status), as: UTF8.self)
            #expect(!text.contains("refused") && !text.contains("failed") && !text.contains("allow"))
        }
    }

    @Test func `a study that was cancelled is not submitted again as if hospitals decided about it`()
        async throws
    {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        _ = try await coordinator.submit(trial.submission(), by: trial.operatorID)
        _ = try await coordinator.cancel(study, by: trial.operatorID)
        let refusal = await #expect(throws: RefusedRequest.self) {
            _ = try await coordinator.submit(trial.submission(), by: trial.operatorID)
        }
        #expect(refusal?.description == "this very study was submitted before and is cancelled")
        #expect(try await coordinator.list(for: trial.operatorID)[0].state == .cancelled)
    }

    @Test func `a decision counts only as its own hospital's on this very study`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        let other = try await coordinator.submit(trial.submission("title: other"), by: trial.operatorID).study
        func decide(_ site: String, on decided: SHA256Digest, signer: String, sender: String) async throws {
            let decision = Decision(
                study: decided, site: site, isApproved: true, reason: "", until: trial.trustView.time + 60,
                policy: DisclosurePolicy.local.hash)
            try await coordinator.decide(
                SignedMessage(decision, by: trial.signer(.node(signer))), on: study, from: sender)
        }
        await #expect(throws: RefusedRequest.self) {
            try await decide("north", on: study, signer: "south", sender: "north")
        }
        await #expect(throws: RefusedRequest.self) {
            try await decide("north", on: study, signer: "north", sender: "south")
        }
        await #expect(throws: RefusedRequest.self) {
            try await decide("south", on: study, signer: "north", sender: "north")
        }
        await #expect(throws: RefusedRequest.self) {
            try await decide("north", on: other, signer: "north", sender: "north")
        }
        #expect(
            try await coordinator.list(for: trial.operatorID)[0].sites.allSatisfy { $0.decision == .pending })
        try await decide("north", on: study, signer: "north", sender: "north")
    }

    @Test func `the same message again is fine at any time, another is refused`() async throws {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        let sites = try TrialSites(trial, session: session, study: study)
        for site in trial.sites {
            try await coordinator.receive(try sites.hello(of: site), round: 0, session: session, from: site)
        }
        let again = try sites.hello(of: "north")
        try await coordinator.receive(again, round: 0, session: session, from: "north")
        var other = try CanonicalJSON.decode(Hello.self, from: Array(again.payload.utf8))
        other.key = HexBytes([UInt8](repeating: 9, count: 32))
        let forged = try SignedMessage(other, by: trial.signer(.node("north")))
        await #expect(throws: RefusedRequest.self) {
            try await coordinator.receive(forged, round: 0, session: session, from: "north")
        }
    }

    @Test func `where a hospital's audit log stood last is kept over a restart`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        #expect(try await coordinator.checkpoints() == [])
        let session = try await trial.launched(study, at: coordinator)
        let sites = try TrialSites(trial, session: session, study: study)
        let word = AuditCheckpoint(site: "west", sequence: 7, head: study, at: 5)
        let signed = try SignedMessage(word, by: trial.signer(.node("west")))
        var hello = try CanonicalJSON.decode(
            Hello.self, from: Array(try sites.hello(of: "west").payload.utf8))
        hello.checkpoint = signed
        try await coordinator.receive(
            SignedMessage(hello, by: trial.signer(.node("west"))), round: 0, session: session, from: "west")
        #expect(try await coordinator.checkpoints() == [signed])
        #expect(try await trial.coordinator().checkpoints() == [signed])
    }

    @Test func `a silent site is named when the patience is used up`() async throws {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running("patience: 10 minutes", at: coordinator)
        let sites = try TrialSites(trial, session: session, study: study)
        for site in ["east", "north", "west"] {
            try await coordinator.receive(try sites.hello(of: site), round: 0, session: session, from: site)
        }
        trial.advance(seconds: 599)
        try await coordinator.checkPatience()
        #expect(try await coordinator.list(for: trial.operatorID)[0].state == .running)
        trial.advance(seconds: 2)
        try await coordinator.checkPatience()
        let status = try await coordinator.list(for: trial.operatorID)[0]
        #expect(status.state == .failed)
        #expect(status.reason == "no answer from south within the study's patience")
    }

    /// South holds round 1 for a person; the others have answered, but for those in `silent`.
    private func coordinator(
        holdingWith silent: Set<String>, _ extra: String = ""
    ) async throws -> (coordinator: StudyCoordinator, study: SHA256Digest) {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running("patience: 10 minutes\n\(extra)", at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        try await sites.join(at: coordinator)
        for site in trial.sites where site != "south" && !silent.contains(site) {
            try await sites.answer(1, of: site, at: coordinator)
        }
        let held = RoundHeld(session: session, round: 1, site: "south")
        try await coordinator.receive(
            SignedMessage(held, by: trial.signer(.node("south"))), round: 1, session: session, from: "south")
        return (coordinator, study)
    }

    @Test func `a round held for a person is waited for a week, also over a restart`() async throws {
        var (coordinator, _) = try await coordinator(holdingWith: [])
        trial.advance(seconds: 601)
        try await coordinator.checkPatience()
        let waiting = try #require(try await coordinator.list(for: trial.operatorID)[0].session)
        #expect(waiting.waitingFor == ["south"] && waiting.holding == ["south"])
        coordinator = try await trial.coordinator()
        trial.advance(seconds: 7 * 86_400)
        try await coordinator.checkPatience()
        #expect(try await coordinator.list(for: trial.operatorID)[0].state == .running)
        trial.advance(seconds: 1)
        try await coordinator.checkPatience()
        let status = try await coordinator.list(for: trial.operatorID)[0]
        #expect(status.state == .failed && status.reason == "the round was held for too long at south")
    }

    @Test func `a held round does not cover for a silent hospital, nor is it taken for silence`() async throws
    {
        let (strict, _) = try await coordinator(holdingWith: ["west"])
        trial.advance(seconds: 601)
        try await strict.checkPatience()
        let status = try await strict.list(for: trial.operatorID)[0]
        #expect(status.reason == "no answer from west within the study's patience")
        let (lenient, study) = try await coordinator(holdingWith: ["west"], "missing-site: continue")
        trial.advance(seconds: 601)
        try await lenient.checkPatience()
        let session = try await lenient.list(for: trial.operatorID).first { $0.study == study }?.session
        #expect(session?.sites == ["east", "north", "south"] && session?.step == .keys)
    }

    // MARK: What cannot be read

    @Test(arguments: [
        "UPDATE study SET submission = '{'",
        "UPDATE study SET submission = replace(submission, 'study: trial', 'study: other')",
        "UPDATE decision SET message = '{}' WHERE site = 'north'",
    ])
    func `a stored study that cannot be read is left alone, and its lead told so`(_ damage: String)
        async throws
    {
        var coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        try trial.damage(damage)
        coordinator = try await trial.coordinator()
        let name = String(study.hex.prefix(12))
        let sentence = "study \(name) is in the coordinator's database but cannot be read"
        func expectTold(_ act: () async throws -> StudyStatus) async {
            let error = await #expect(throws: RefusedRequest.self) { try await act() }
            #expect(error?.description == sentence && error?.status == .conflict && error?.hint != nil)
        }
        await expectTold { try await coordinator.submit(trial.submission(), by: trial.operatorID) }
        await expectTold { try await coordinator.launch(study, by: trial.operatorID) }
        #expect(try await coordinator.list(for: trial.operatorID).isEmpty)
        let other = try await coordinator.submit(trial.submission("title: another"), by: trial.operatorID)
            .study
        #expect(try await trial.coordinator().list(for: trial.operatorID).map(\.study) == [other])
    }

    @Test func `a study may go on without a silent site, and says with whom`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.approved("patience: 10 minutes\nmissing-site: continue", at: coordinator)
        let first = try await trial.launched(study, at: coordinator)
        let sites = try TrialSites(trial, session: first, study: study)
        for site in ["east", "north", "west"] {
            try await coordinator.receive(try sites.hello(of: site), round: 0, session: first, from: site)
        }
        trial.advance(seconds: 601)
        try await coordinator.checkPatience()
        let second = try #require(try await coordinator.list(for: trial.operatorID)[0].session)
        #expect(second.id != first)
        var rest = try TrialSites(trial, session: second.id, study: study, sites: second.sites)
        try await rest.finish(at: coordinator)
        let body = try await coordinator.result(of: study, for: trial.operatorID)
        let result = try CanonicalJSON.decode(StudyResult.self, from: body)
        #expect(result.sites.map(\.name) == ["east", "north", "west"])
        #expect(result.analyses.compactMap(\.rows) == [180, 180, 180])
    }

    @Test func `a refusal ends the study and is told to its lead`() async throws {
        let coordinator = try await trial.coordinator()
        let (_, session) = try await trial.running(at: coordinator)
        let refusal = Refusal(session: session, site: "west", reason: "policy rule people-min: too few")
        try await coordinator.receive(
            try SignedMessage(refusal, by: trial.signer(.node("west"))), round: 0, session: session,
            from: "west")
        let status = try await coordinator.list(for: trial.operatorID)[0]
        #expect(status.state == .failed)
        #expect(status.reason == "west refused: policy rule people-min: too few")
    }
}

extension AnalysisResult {
    fileprivate var rows: Int? {
        switch self {
        case .cox(let result): result.counts.rows
        case .survival(let result): result.counts.rows
        default: nil
        }
    }
}

/// The hospitals of a trial, driven by hand.
struct TrialSites {
    let plan: StudyPlan
    private let trial: TrialConsortium
    private let session: SHA256Digest
    private let study: SHA256Digest
    private let sites: [String]
    private var members: [String: SiteSession] = [:]
    private var cohorts: [String: SiteCohort] = [:]

    init(_ trial: TrialConsortium, session: SHA256Digest, study: SHA256Digest, sites: [String]? = nil) throws
    {
        (self.trial, self.session, self.study) = (trial, session, study)
        self.sites = sites ?? trial.sites
        plan = try StudyPlan(
            study: try StudyFile(yaml: TrialConsortium.study(), file: "study"),
            dictionary: try DataDictionary(yaml: TrialConsortium.dictionary, file: "dictionary"), hash: study)
        let opening = SessionOpening(session: session, study: study, sites: self.sites)
        for site in self.sites {
            members[site] = try SiteSession(
                opening: opening, plan: plan, site: site, policy: .local, secret: try randomBytes(32))
            cohorts[site] = SiteCohort(table: trial.table(of: site), plan: plan)
        }
    }

    func hello(of site: String) throws -> SignedMessage {
        let member = try #require(members[site])
        return try SignedMessage(member.hello, by: trial.signer(.node(site)))
    }

    /// One message of one site that is waited for; false when the study is over.
    mutating func step(at coordinator: StudyCoordinator) async throws -> Bool {
        for site in sites {
            let work = try await coordinator.work(for: site, after: nil, wait: .zero)
            guard let item = work.items.first, item.isWaitingForYou, let step = item.step else { continue }
            try await act(step, item.round, site, coordinator)
            return true
        }
        return false
    }

    /// Hellos and acknowledgements of all.
    mutating func join(at coordinator: StudyCoordinator) async throws {
        for site in sites { try await act(.keys, 0, site, coordinator) }
        for site in sites { try await act(.roster, 0, site, coordinator) }
    }

    mutating func answer(_ round: Int, of site: String, at coordinator: StudyCoordinator) async throws {
        try await act(.round, round, site, coordinator)
    }

    mutating func finish(at coordinator: StudyCoordinator) async throws {
        while try await step(at: coordinator) {}
    }

    private mutating func act(
        _ step: SessionStep, _ round: Int, _ site: String, _ coordinator: StudyCoordinator
    )
        async throws
    {
        var member = try #require(members[site])
        let trustView = trial.trustView
        switch step {
        case .keys: try await coordinator.receive(hello(of: site), round: 0, session: session, from: site)
        case .roster:
            let ack = try member.join(try await coordinator.roster(of: session, for: site), under: trustView)
            members[site] = member
            try await send(ack, 0, site, coordinator)
        case .round:
            let message = try await coordinator.request(round, of: session, for: site)
            _ = try member.accept(
                message.open(as: RoundRequest.self, under: trustView).content, under: trustView)
            let answer = try member.answer(from: try #require(cohorts[site]))
            members[site] = member
            try await send(answer, round, site, coordinator)
        case .closed: Issue.record("a closed session waits for nobody")
        }
    }

    private func send(_ content: some Message, _ round: Int, _ site: String, _ coordinator: StudyCoordinator)
        async throws
    {
        let message = try SignedMessage(content, by: trial.signer(.node(site)))
        try await coordinator.receive(message, round: round, session: session, from: site)
    }
}
