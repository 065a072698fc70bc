package import CohortStore
package import Cryptography
package import Federation
import Foundation
import Survival

/// Approving, declining, revoking, releasing; and what is in force.
extension NodeOffice {
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
        } catch StoreError.ledger(.decidedMeanwhile) {
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
            let strict = policy.withoutPerson, try act(Act.decisions, on: study.plan.hash) == nil
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
        } catch StoreError.ledger(.decidedMeanwhile) {
            return false
        }
    }

    /// Whom the ledger names for an approval without a person.
    private static let nobody = "the policy, without a person"

    private func record(
        _ act: Act, of study: LocalStudy, on snapshot: SHA256Digest, until: Int, by person: String,
        isHeld: Bool
    ) throws {
        let body = AuditBody(
            study: study.plan.hash, person: person, policy: policy.hash,
            snapshot: snapshot, until: until, isHeld: isHeld ? true : nil)
        try record(act, body) { note throws(StoreError) in
            try ledger.approve(
                study.plan.hash, until: until, by: person, at: note.at, policyHash: policy.hash,
                inPlaceOf: study.entry.decision, logging: note)
        }
    }

    package func decline(_ study: LocalStudy, reason: String, by person: String) throws {
        try requireWords(person, "who declines")
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

    private func decline(_ act: Act, _ study: LocalStudy, _ reason: String, _ person: String) throws {
        try requireWords(reason, "the reason")
        try record(act, AuditBody(study: study.plan.hash, reason: reason, person: person)) {
            note throws(StoreError) in
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

    /// An approval in force: given under the policy that is in force, on the patients that are there, and signed.
    struct Approval: Sendable {
        var entry: StudyEntry
        /// The rows that it is for.
        var snapshot: SHA256Digest
        /// The rules to answer under: the policy's, or the stricter ones for studies that no person approved.
        var policy: DisclosurePolicy
        var isUnattended: Bool
        /// Whether each round waits for a person.
        var isHeld: Bool
    }

    /// Throws, with the reason, unless the study is approved here.
    func requireApproval(of study: SHA256Digest) throws -> Approval {
        let (row, decision) = try decided(on: study)
        return try approval(row, decision)
    }

    private func approval(_ row: StudyEntry?, _ decision: SignedAct?) throws -> Approval {
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
        _ entry: StudyEntry, of snapshot: SHA256Digest, _ act: Act, _ body: AuditBody
    ) throws -> Approval {
        let isUnattended = act == .approvedUnattended
        guard let rules = isUnattended ? policy.withoutPerson : policy,
            try !isUnattended || LocalStudy(entry).plan.ownFormula == nil
        else {
            throw ProtocolError.outOfPlace("the policy asks a person to approve; it must be given again")
        }
        return Approval(
            entry: entry, snapshot: snapshot, policy: rules, isUnattended: isUnattended,
            isHeld: policy.holdsEachRound || body.isHeld == true)
    }

    /// What is decided about a study now, and why an approval is not in force; no reason if it is, or if there is none.
    package func standing(of study: SHA256Digest) throws -> (entry: StudyEntry?, lapse: String?) {
        var row: StudyEntry?
        do {
            let decision: SignedAct?
            (row, decision) = try decided(on: study)
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
        try record(.released, body) { note throws(StoreError) in try ledger.append(note) }
    }

    /// Whether a person released the round, as it was held.
    func isReleased(_ held: HeldRound, of study: SHA256Digest) throws -> Bool {
        let message = try CanonicalJSON.decode(SignedMessage.self, from: held.request)
        return try isReleased(
            try CanonicalJSON.decode(RoundRequest.self, fromStored: Array(message.payload.utf8)), of: study)
    }

    /// Whether a person released exactly this request.
    func isReleased(_ request: RoundRequest, of study: SHA256Digest) throws -> Bool {
        guard let (_, _, body) = try act([.released], on: study) else { return false }
        return body.session == request.session && body.round == request.round
            && body.request == request.digest
    }
}

extension Int {
    /// Seconds since 1970 as `2026-12-01 01:31 UTC`.
    fileprivate var timeInUTC: String {
        let text = Date(timeIntervalSince1970: TimeInterval(self)).formatted(.iso8601)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
    }
}
