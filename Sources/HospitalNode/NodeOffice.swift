package import CohortStore
package import Cryptography
package import Federation
import Foundation
package import Ledger
package import Membership
import SQLiteFiles
import Survival
import TLSTransport

/// What a site admin does at a node: import, look, approve, decline.
///
/// All of it local; nothing here talks to the coordinator.
package struct NodeOffice: Sendable {
    package let configuration: NodeConfiguration
    package let member: Member
    /// The rules in force: those of the policy's file as it was read last (`rereadPolicy`).
    package private(set) var policy: DisclosurePolicy
    private var policyText: String
    package let ledger: NodeLedger
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
    }

    /// Makes the two databases of a new node; what exists is left as it is.
    package static func create(_ configuration: NodeConfiguration, clock: @escaping @Sendable () -> Int)
        throws -> NodeOffice
    {
        if !FileManager.default.fileExists(atPath: configuration.cohort) {
            try CohortStore.create(at: configuration.cohort)
        }
        _ = try NodeLedger(path: configuration.ledger)
        return try NodeOffice(configuration, clock: clock)
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
    func authority() throws -> Authority {
        var authority = try member.authority(at: clock())
        authority.pins = configuration.peers
        authority.pins?[site] = member.signer.certificate.fingerprint
        return authority
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
        let store = try CohortStore(path: configuration.cohort, access: .answering)
        let installed = try store.dictionaries()
        guard let identifier = identifier ?? (installed.count == 1 ? installed[0].identifier : nil) else {
            let names = installed.map(\.identifier).joined(separator: ", ")
            throw NodeError.ask(
                installed.isEmpty
                    ? "no patients have been imported" : "several dictionaries are installed: \(names)",
                hint: installed.isEmpty ? "run \"coxswain node import\"" : "name one with --dictionary")
        }
        return try store.describe(dictionary: identifier)
    }

    /// Dictionaries with patients imported under them; throws if rows are not those that were imported.
    package func dictionaries() throws -> [InstalledDictionary] {
        let store = try CohortStore(path: configuration.cohort, access: .answering)
        let installed = try store.dictionaries()
        for dictionary in installed where dictionary.lastImport != nil {
            try requiringImportedRows { try store.verifyRows(dictionary: dictionary.identifier) }
        }
        return installed
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
            return StudyAssessment(study: study, analyses: [], objections: objections + ["\(error)"])
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
        objections += differences(of: study.plan.hash, rows, under: policy).map { "\($0)" }
        return StudyAssessment(
            study: study, analyses: analyses, objections: objections, snapshot: loaded.snapshot)
    }

    /// Refuses a session in which the policy would refuse a question; gives the rows that its analyses sum.
    func requireAdmissible(
        _ study: LocalStudy, _ loaded: LoadedCohort, under policy: DisclosurePolicy
    ) throws -> StudyRows {
        do { try policy.admit(study.plan, from: study.submission.submitter) } catch {
            throw ProtocolError.refused(error)
        }
        for analysis in study.plan.analyses where loaded.cohort.failure(of: analysis.id) == nil {
            try policy.admit(analysis, on: loaded.cohort)
        }
        let rows = try rows(of: study.plan, in: loaded)
        if let objection = differences(of: study.plan.hash, rows, under: policy).first {
            throw ProtocolError.refused(objection)
        }
        return rows
    }

    /// Loads this hospital's rows for a study; refuses if the dictionary here is not the study's to the letter.
    func cohort(for plan: StudyPlan, submission: StudySubmission) throws -> LoadedCohort {
        let store = try CohortStore(path: configuration.cohort, access: .answering)
        try requireDictionary(of: plan, submission, in: store)
        let (table, snapshot) = try requiringImportedRows {
            try store.verifiedTable(dictionary: plan.study.dictionary, variables: plan.variables)
        }
        return LoadedCohort(cohort: SiteCohort(table: table, plan: plan), snapshot: snapshot)
    }

    /// Refuses rows that somebody changed past the import, and so past the dictionary's rules and the audit log.
    private func requiringImportedRows<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch StoreError.dictionary(_, .rowsChanged) {
            throw NodeError.ask(
                "this hospital's patients are not those that were imported",
                hint: "import their file again with --replace")
        }
    }

    /// Changes when any patient's row changes.
    func snapshot(of plan: StudyPlan) throws -> SHA256Digest {
        let store = try CohortStore(path: configuration.cohort, access: .answering)
        return try store.snapshotDigest(dictionary: plan.study.dictionary)
    }

    private func requireDictionary(
        of plan: StudyPlan, _ submission: StudySubmission, in store: CohortStore
    ) throws {
        guard
            let installed = try store.dictionaries().first(where: { $0.identifier == plan.study.dictionary })
        else {
            throw NodeError.ask(
                "no patients are imported under dictionary \(plan.study.dictionary)",
                hint: "run \"coxswain node import\" with that dictionary")
        }
        guard installed.sha256 == SHA256Digest(of: submission.dictionary.utf8) else {
            throw NodeError.ask(
                "the study's dictionary \(plan.study.dictionary) differs from the one installed here",
                hint: "agree on one text with the study lead; a changed dictionary needs a new version number"
            )
        }
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
            let statements = run.statements
            let answers = try run.queries.map { try cohort.answer($0) }
            previewed.append(
                PreviewedRound(round: run.round, answers: zip(statements, answers).map { ($0, $1) }))
            try run.receive(answers.flatMap { $0 })
        }
        return previewed
    }

    /// An entry for the audit log, to be written with the change that it tells of.
    func note(_ kind: String, _ body: AuditBody) -> AuditNote {
        AuditNote(kind: kind, body: body.json, at: clock())
    }
}

/// A study as it arrived at this node, with what was decided about it.
package struct LocalStudy: Sendable {
    package let plan: StudyPlan
    package let submission: StudySubmission
    package let entry: StudyEntry

    init(_ entry: StudyEntry) throws {
        let message = try CanonicalJSON.decode(SignedMessage.self, from: entry.submission)
        guard message.payloadDigest == entry.hash else {
            throw ProtocolError.untrusted(
                "study \(entry.hash.short) in the ledger is not the text that its hash is of; restore the ledger from its backup"
            )
        }
        (submission, plan) = try Self.read(message)
        self.entry = entry
    }

    /// A submission's study, without judging its signature, which was done when it arrived.
    static func read(_ message: SignedMessage) throws -> (StudySubmission, StudyPlan) {
        let submission = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
        let plan = try StudyPlan(
            study: try StudyFile(yaml: submission.study, file: "study"),
            dictionary: try DataDictionary(yaml: submission.dictionary, file: "dictionary"),
            hash: message.payloadDigest)
        return (submission, plan)
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

    package struct Analysis: Sendable {
        package var plan: AnalysisPlan
        package var facts: SiteFacts
    }
}

/// This hospital's rows for a study, with the digest of the rows that they are.
struct LoadedCohort: Sendable {
    var cohort: SiteCohort
    var snapshot: SHA256Digest
}

/// A round as a preview shows it: each question with this hospital's own numbers.
package struct PreviewedRound: Sendable {
    package var round: Int
    package var answers: [(statement: QueryStatement, numbers: [Double])]
}

/// What a node tells its admin when it cannot do something.
package enum NodeError: Error, Hashable, Sendable, CustomStringConvertible {
    case ask(String, hint: String)

    package var description: String {
        switch self {
        case .ask(let reason, _): reason
        }
    }

    package var hint: String {
        switch self {
        case .ask(_, let hint): hint
        }
    }
}
