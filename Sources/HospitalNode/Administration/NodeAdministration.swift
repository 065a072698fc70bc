package import CohortStore
package import Ledger
import SQLiteFiles
package import Cryptography
package import Federation
import Foundation
package import Membership
import Survival
import TLSTransport

/// What a site admin does at a node: import, look, approve, decline.
///
/// All of it local; nothing here talks to the coordinator.
package struct NodeAdministration: Sendable {
    package let configuration: NodeConfiguration
    package let member: Member
    /// The rules in force: those of the policy's file as it was read last (`rereadPolicy`).
    package private(set) var policy: DisclosurePolicy
    private var policyText: String
    package let ledger: NodeLedger
    private let acts: SignedActs
    private let patients: HospitalPatients
    let clock: @Sendable () -> Int

    /// Opens a node that `create` made; fails closed without a readable policy.
    package init(_ configuration: NodeConfiguration, clock: @escaping @Sendable () -> Int) throws {
        self.configuration = configuration
        self.clock = clock
        member = try Member(files: configuration.member.identity, consortium: configuration.member.consortium)
        guard case .node = member.identity.role else {
            throw MembershipError.unusable(
                "\(configuration.member.identity.certificateChain) is not a node's certificate")
        }
        (policyText, policy) = try Self.policy(at: configuration.policy)
        do {
            ledger = try NodeLedger(path: configuration.ledger, creating: false)
        } catch .file(let path, .missing) {
            throw NodeError.ask(
                "there is no ledger \(path)",
                hint: "restore it from its backup; only for a new node, make one with \"coxswain node init\"")
        }
        patients = HospitalPatients(path: configuration.cohort, ledger: ledger)
        acts = SignedActs(ledger: ledger, signer: member.signer, clock: clock)
    }

    /// Makes the two databases of a new node; what exists is left as it is.
    package static func create(_ configuration: NodeConfiguration, clock: @escaping @Sendable () -> Int)
        throws -> NodeAdministration
    {
        if !FileManager.default.fileExists(atPath: configuration.cohort) {
            try CohortStore.create(at: configuration.cohort)
        }
        _ = try NodeLedger(path: configuration.ledger)
        return try NodeAdministration(configuration, clock: clock)
    }

    private static func policy(at path: String) throws -> (text: String, DisclosurePolicy) {
        let file = try ConfigurationFile(path: path, what: "policy")
        return (file.text, try DisclosurePolicy(yaml: file.text, file: path))
    }

    /// Puts the policy's file in force if it was changed; true if the rules are others now.
    ///
    /// Throws, and leaves the former rules, if the file cannot be used: whoever decides or answers must not go on then, since the
    /// hospital may have made its rules stricter.
    mutating func rereadPolicy() throws -> Bool {
        let file = try ConfigurationFile(path: configuration.policy, what: "policy")
        guard file.text != policyText else { return false }
        let former = policy.hash
        (policyText, policy) = try Self.policy(at: configuration.policy)
        return policy.hash != former
    }

    /// Whom to believe now: the consortium's authority, and the pinned peers if there are any.
    func trustView() throws -> TrustView {
        var trustView = try member.trustView(at: clock())
        trustView.pins = configuration.peers
        trustView.pins?[site] = member.signer.certificate.fingerprint
        return trustView
    }

    /// This hospital's name in the consortium.
    package var site: String {
        if case .node(let site) = member.identity.role { site } else { "" }
    }

    // MARK: Patients

    /// Installs the dictionary if it is new and imports a CSV file under it, all rows or none.
    ///
    /// The audit log has the import before the patients' file has its rows: none is without an entry, whenever the program is
    /// killed.
    package func importPatients(
        csv path: String, dictionary dictionaryPath: String, replacing: Bool
    ) throws -> ImportReport {
        let file = try ConfigurationFile(path: dictionaryPath, what: "dictionary")
        let dictionary = try DataDictionary(yaml: file.text, file: dictionaryPath)
        let store = try CohortStore(path: configuration.cohort, access: .importing)
        try store.install(dictionary, text: file.text)
        return try store.importCSV(
            path: path, dictionary: dictionary.identifier, replacing: replacing, at: clock()
        ) { report in
            try ledger.append(
                note(
                    "patients-imported",
                    AuditBody(
                        dictionary: report.dictionary, file: report.record.fileDigest,
                        snapshot: report.record.snapshot)))
        }
    }

    package func describe(dictionary identifier: String?) throws -> CohortDescription {
        try patients.describe(dictionary: identifier)
    }

    /// Dictionaries with patients imported under them; throws if rows are not those that were imported.
    package func dictionaries() throws -> [InstalledDictionary] { try patients.dictionaries() }

    func cohort(for plan: StudyPlan, submission: StudySubmission) throws -> LoadedCohort {
        try patients.cohort(for: plan, submission: submission)
    }

    func snapshot(of plan: StudyPlan) throws -> SHA256Digest { try patients.snapshot(of: plan) }

    func rows(of plan: StudyPlan, in loaded: LoadedCohort) throws -> StudyRows {
        try patients.rows(of: plan, in: loaded)
    }

    /// Asks the coordinator for work and leaves it there; throws if it cannot be reached or refuses this node.
    package func probeCoordinator() async throws {
        let connection = configuration.member.connection(as: member)
        do {
            let work = try await connection.get(WorkList.self, "/v1/work")
            await connection.close()
            if let fault = Versions.fault("the coordinator", work.versions, beside: site, .current) {
                throw NodeError.ask(
                    "no session can begin: \(fault)",
                    hint: "all members of a consortium run the same version of coxswain")
            }
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: Studies

    package func studies() throws -> [LocalStudy] {
        try ledger.studies().map { try LocalStudy($0) }
    }

    /// The study that a person means (`StudyReference`).
    package func study(_ reference: String) throws -> LocalStudy {
        let matches = try studies().filter {
            StudyReference(reference).means($0.plan.hash, named: $0.plan.study.name)
        }
        guard let only = matches.first else {
            throw NodeError.ask(
                "no study \"\(reference)\" has arrived here", hint: "see \"coxswain node studies\"")
        }
        guard matches.count == 1 else {
            throw NodeError.ask("\"\(reference)\" means several studies", hint: "give more of the hash")
        }
        return only
    }

    /// What the study would mean for this hospital: its own numbers, and everything the policy objects to.
    package func assess(_ study: LocalStudy) throws -> StudyAssessment { try assess(study, under: policy) }

    func assess(_ study: LocalStudy, under policy: DisclosurePolicy) throws -> StudyAssessment {
        var objections: [String] = []
        do { try policy.admit(study.plan, from: study.submission.submitter) } catch {
            objections.append("\(error)")
        }
        if !study.plan.study.sites.contains(site) {
            objections.append("the study does not name this hospital")
        }
        let loaded: LoadedCohort
        do {
            loaded = try cohort(for: study.plan, submission: study.submission)
        } catch {
            return StudyAssessment(
                study: study, analyses: [], objections: objections + ["\(error)"],
                refusal: try refusal(of: study))
        }
        var analyses: [StudyAssessment.Analysis] = []
        for analysis in study.plan.analyses {
            if let failure = loaded.cohort.failure(of: analysis.id) {
                objections.append(failure)
                continue
            }
            do { try policy.admit(analysis, on: loaded.cohort) } catch { objections.append("\(error)") }
            analyses.append(.init(plan: analysis, facts: try loaded.cohort.facts(of: analysis.id)))
        }
        let rows = try rows(of: study.plan, in: loaded)
        objections += rows.differences(of: study.plan.hash, under: policy).map { "\($0)" }
        return StudyAssessment(
            study: study, analyses: analyses, objections: objections, snapshot: loaded.snapshot,
            refusal: try refusal(of: study))
    }

    /// Why this node refused the newest session of a study, rule and numbers included; nil if it did not.
    ///
    /// For local eyes.
    package func refusal(of study: LocalStudy) throws -> String? {
        try ledger.sessions(of: study.plan.hash).last?.outcome.flatMap(SessionOutcome.refusal)
    }

    /// The certificates of hospitals that took part in a session with this one, the newest of each.
    package func knownPeers() throws -> [(site: String, certificate: Certificate)] {
        var peers: [String: Certificate] = [:]
        for study in try ledger.studies() {
            for session in try ledger.sessions(of: study.hash) {
                guard let bytes = session.roster else { continue }
                for hello in try CanonicalJSON.decode(Roster.self, from: bytes).hellos {
                    let certificate = try Certificate(pem: hello.certificate)
                    if case .node(let name)? = certificate.spiffeID?.role { peers[name] = certificate }
                }
            }
        }
        return peers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// This hospital's own answers, round by round, as they would go out if it were alone.
    ///
    /// What later rounds ask depends on the sums of all hospitals, so the coefficients asked at will differ a little. Nothing
    /// is sent.
    package func preview(_ study: LocalStudy, rounds: Int) throws -> [PreviewedRound] {
        let cohort = try cohort(for: study.plan, submission: study.submission).cohort
        var run = StudyRun(plan: study.plan, sites: [.init(name: site, policyHash: policy.hash.hex)])
        var previewed: [PreviewedRound] = []
        while !run.isFinished, previewed.count < rounds {
            let queries = run.queries
            let answers = try queries.map { try cohort.answer($0) }
            previewed.append(
                PreviewedRound(
                    round: run.round,
                    answers: zip(queries, answers).compactMap { query, numbers in
                        study.plan.analysis(query.analysis).map { PreviewedAnswer(query, numbers, in: $0) }
                    }))
            try run.receive(answers.flatMap { $0 })
        }
        return previewed
    }

    /// What the node remembers of rows that left in sums, a line for each analysis that was answered; for local eyes.
    package func answeredAnalyses() throws -> [AnsweredAnalysis] {
        let names = try studies().reduce(into: [SHA256Digest: String]()) {
            $0[$1.plan.hash] = $1.plan.study.name
        }
        return try ledger.answeredRows().flatMap { answered in
            answered.answers.map { answer in
                AnsweredAnalysis(
                    cohort: answered.record.digest, people: answered.record.people, study: answer.study,
                    name: names[answer.study] ?? "", analysis: answer.analysis, at: answer.at)
            }
        }.sorted { ($0.at, $0.analysis) < ($1.at, $1.analysis) }
    }

    // MARK: Deciding

    /// Approves a study until a time, under the policy and on the patients as they are now; refused while the policy objects,
    /// and if somebody decided about the study since it was read.
    ///
    /// With `isHeld`, each round then waits until a person releases it.
    package func approve(_ study: LocalStudy, until: Int, by person: String, isHeld: Bool = false) throws {
        try requireWords(person, "who approves")
        let now = clock()
        guard until > now else {
            throw NodeError.ask(
                "the approval would already be over: a day ends at 24:00 UTC, and it is \(now.timeInUTC) now",
                hint: "give a later day, or \"today\" for the day that it is in UTC")
        }
        guard until <= now + policy.approvalDaysMax * 86400 else {
            throw NodeError.ask(
                "the policy's approval-days-max is \(counted(policy.approvalDaysMax, "day"))",
                hint: "give an earlier date")
        }
        try requireOpen(study)
        let assessment = try assess(study)
        guard assessment.objections.isEmpty, let snapshot = assessment.snapshot else {
            throw NodeError.ask(
                "the study cannot be approved at this hospital:\n  "
                    + assessment.objections.joined(separator: "\n  "),
                hint:
                    "decline it, or leave it; what follows from the study's text may be given as the reason, and nothing that depends on your patients, not even that it does"
            )
        }
        do {
            try record(.approved, of: study, on: snapshot, until: until, by: person, isHeld: isHeld)
        } catch LedgerError.decidedMeanwhile {
            throw NodeError.ask(
                "somebody decided about the study in the meantime", hint: "see \"coxswain node studies\"")
        }
    }

    /// Approves a study for which the policy asks no person, if it is one; false if it is not.
    ///
    /// Only a study that nobody has decided about, that has no formulas of its own, and only while no stricter rule objects.
    func approveUnattended(_ study: LocalStudy) throws -> Bool {
        let now = clock()
        guard case .pending = study.entry.decision, let unattended = policy.unattended,
            unattended.until > now,
            let strict = policy.withoutPerson,
            try acts.newest(SignedActs.Kind.decisions, on: study.plan.hash) == nil
        else { return false }
        guard study.plan.ownFormula == nil else { return false }
        let assessment = try assess(study, under: strict)
        guard assessment.objections.isEmpty, let snapshot = assessment.snapshot else { return false }
        do {
            try record(
                .approvedUnattended, of: study, on: snapshot,
                until: min(unattended.until, now + policy.approvalDaysMax * 86400),
                by: Self.nobody, isHeld: false)
            return true
        } catch LedgerError.decidedMeanwhile {
            return false
        }
    }

    /// Whom the ledger names for an approval without a person.
    private static let nobody = "the policy, without a person"

    private func record(
        _ act: SignedActs.Kind, of study: LocalStudy, on snapshot: SHA256Digest, until: Int,
        by person: String,
        isHeld: Bool
    ) throws {
        let body = AuditBody(
            study: study.plan.hash, person: person, policy: policy.hash,
            snapshot: snapshot, until: until, isHeld: isHeld ? true : nil)
        try acts.record(act, body) { note throws(LedgerError) in
            try ledger.approve(
                study.plan.hash, until: until, by: person, at: note.at, policyHash: policy.hash,
                inPlaceOf: study.entry.decision, logging: note)
        }
    }

    /// Refuses a decision about a study that has its result or was cancelled, as this node has seen.
    ///
    /// It would say that something may go on which is over. A failed study may be launched again.
    private func requireOpen(_ study: LocalStudy) throws {
        let outcomes = try ledger.sessions(of: study.plan.hash).compactMap(\.outcome)
        let over = [StudyState.finished, .cancelled].first { state in
            outcomes.contains {
                $0 == state.rawValue || (state == .finished && $0.hasPrefix(SessionOutcome.unconfirmed))
            }
        }
        guard let over else { return }
        throw NodeError.ask(
            "the study is over (\(over.rawValue)), and nothing of it is left to decide",
            hint: "a new run needs a new submission by its lead")
    }

    package func decline(_ study: LocalStudy, reason: String, by person: String) throws {
        try requireWords(person, "who declines")
        try requireOpen(study)
        try decline(.declined, study, reason, person)
    }

    /// Withdraws an approval; a session under way is refused at its next step.
    package func revoke(_ study: LocalStudy, reason: String, by person: String) throws {
        try requireWords(person, "who revokes")
        try requireWords(reason, "the reason")
        guard case .approved = study.entry.decision else {
            throw NodeError.ask("the study is not approved here", hint: "see \"coxswain node studies\"")
        }
        try decline(.revoked, study, reason, person)
    }

    private func decline(_ act: SignedActs.Kind, _ study: LocalStudy, _ reason: String, _ person: String)
        throws
    {
        try requireWords(reason, "the reason")
        try acts.record(act, AuditBody(study: study.plan.hash, reason: reason, person: person)) {
            note throws(LedgerError) in
            try ledger.decline(study.plan.hash, reason: reason, by: person, at: note.at, logging: note)
        }
    }

    /// The audit log keeps names and reasons for good, and others read them: they are one line of plain text.
    func requireWords(_ text: String, _ what: String) throws {
        let hint = "give one line of text, at most 1000 bytes"
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw NodeError.ask("\(what) is not said", hint: hint)
        }
        let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain, text.utf8.count <= 1000 else {
            throw NodeError.ask("\(what) is not one line of text, or too long", hint: hint)
        }
    }

    // MARK: In force

    /// Throws, with the reason, unless the study is approved here.
    func requireApproval(of study: SHA256Digest) throws -> StudyApproval {
        let (row, decision) = try acts.decided(on: study)
        return try approval(row, decision)
    }

    private func approval(_ row: StudyEntry?, _ decision: SignedActs.Act?) throws -> StudyApproval {
        guard let entry = row, case .approved(let until, let by, let at, let hash) = entry.decision
        else { throw ProtocolError.outOfPlace("the study is not approved here") }
        let local = try LocalStudy(entry)
        guard let (act, actAt, body) = decision, act.isApproval, actAt == at,
            body.until == until, body.person == by, body.policy == hash
        else {
            throw ProtocolError.outOfPlace(
                "the approval in this hospital's ledger is not the one in its audit log; it must be given again"
            )
        }
        guard until > clock() else { throw ProtocolError.outOfPlace("the approval has expired") }
        guard hash == policy.hash else {
            throw ProtocolError.outOfPlace(
                "the approval was given under another policy; it must be given again"
            )
        }
        guard let snapshot = body.snapshot, snapshot == (try self.snapshot(of: local.plan)) else {
            throw ProtocolError.outOfPlace(
                "the patients were imported anew since the approval; it must be given again")
        }
        return try approval(entry, of: snapshot, act, body)
    }

    private func approval(
        _ entry: StudyEntry, of snapshot: SHA256Digest, _ act: SignedActs.Kind, _ body: AuditBody
    ) throws -> StudyApproval {
        let isUnattended = act == .approvedUnattended
        guard let rules = isUnattended ? policy.withoutPerson : policy,
            try !isUnattended || LocalStudy(entry).plan.ownFormula == nil
        else {
            throw ProtocolError.outOfPlace("the policy asks a person to approve; it must be given again")
        }
        return StudyApproval(
            entry: entry, snapshot: snapshot, policy: rules, isUnattended: isUnattended,
            isHeld: policy.holdsEachRound || body.isHeld == true)
    }

    /// What is decided about a study now, and why an approval is not in force; no reason if it is, or if there is none.
    package func standing(of study: SHA256Digest) throws -> (entry: StudyEntry?, lapse: String?) {
        var row: StudyEntry?
        do {
            let decision: SignedActs.Act?
            (row, decision) = try acts.decided(on: study)
            guard case .approved = row?.decision else { return (row, nil) }
            _ = try approval(row, decision)
            return (row, nil)
        } catch let error as ProtocolError {
            row = try row ?? ledger.study(study)
            guard case .approved = row?.decision else { return (row, nil) }
            return (row, "\(error)")
        }
    }

    // MARK: Held rounds

    /// The round of a study that waits for a person, and what it asks.
    package func heldRound(of study: LocalStudy) throws -> (held: HeldRound, request: RoundRequest) {
        guard let held = try ledger.heldRound(of: study.plan.hash) else {
            throw NodeError.ask(
                "no round of this study waits for a release", hint: "see \"coxswain node watch\"")
        }
        let message = try CanonicalJSON.decode(SignedMessage.self, from: held.request)
        return (held, try CanonicalJSON.decode(RoundRequest.self, fromStored: Array(message.payload.utf8)))
    }

    /// Lets a round that a person has looked at be answered; refused if it is not the one that waits any more.
    package func release(_ request: RoundRequest, of study: LocalStudy, by person: String) throws {
        try requireWords(person, "who releases")
        guard try heldRound(of: study).request == request else {
            throw NodeError.ask(
                "the round that was shown does not wait any more", hint: "look at the one that does")
        }
        let body = AuditBody(
            study: study.plan.hash, session: request.session, round: request.round, request: request.digest,
            person: person)
        try acts.record(.released, body) { note throws(LedgerError) in try ledger.append(note) }
    }

    /// Whether a person released exactly this request.
    func isReleased(_ request: RoundRequest, of study: SHA256Digest) throws -> Bool {
        guard let (_, _, body) = try acts.newest([.released], on: study) else { return false }
        return body.session == request.session && body.round == request.round
            && body.request == request.digest
    }
}

/// A study held against this hospital's rows and policy; for the admin's eyes only.
package struct StudyAssessment: Sendable {
    package var study: LocalStudy
    package var analyses: [Analysis]
    /// Sentences; none if the study can be approved.
    package var objections: [String]
    /// The digest of the rows that it was held against; nil if they could not be loaded.
    var snapshot: SHA256Digest?
    /// Why this node refused its newest session; nil if it did not.
    ///
    /// For local eyes.
    package var refusal: String?

    package struct Analysis: Sendable {
        package var plan: AnalysisPlan
        package var facts: SiteFacts
    }
}

/// A round as a preview shows it: each question with this hospital's own numbers.
package struct PreviewedRound: Sendable {
    package var round: Int
    package var answers: [PreviewedAnswer]
}

/// A question with this hospital's own numbers, each with what it is.
package struct PreviewedAnswer: Sendable {
    package var analysis: String
    package var kind: String
    package var beta: [Double]?
    package var numbers: [(label: String, value: Double)]

    /// `lanes` are the answer's, the last of which tells why there is none.
    init(_ query: Query, _ lanes: [Double], in plan: AnalysisPlan) {
        (analysis, kind, beta) = (query.analysis, query.kind, query.beta)
        let labels = query.labels(in: plan) + ["why there is no answer (0: there is one)"]
        numbers = zip(labels, lanes).map { ($0, $1) }
    }
}

extension Int {
    /// Seconds since 1970 as `2026-12-01 01:31 UTC`.
    fileprivate var timeInUTC: String {
        let text = Date(timeIntervalSince1970: TimeInterval(self)).formatted(.iso8601)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }
}
