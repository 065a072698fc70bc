import Cryptography
import Federation
import Ledger
import Logging
import Membership
import Survival

/// Does what `StudyWork` and `DecisionReports` decide: asks and tells the coordinator, writes the ledger, keeps sessions in memory.
actor SessionAnswerer {
    private var administration: NodeAdministration
    private let connection: any CoordinatorConnection
    private let logger: Logger
    private var live: [SHA256Digest: LiveSession] = [:]
    private var work: WorkList?
    private var reports = DecisionReports()
    /// Studies for which an approval without a person was looked at under the policy in force.
    private var considered: Set<SHA256Digest> = []
    /// What was last said about the coordinator's version.
    private var versionFault: String?

    init(
        administration: NodeAdministration, connection: any CoordinatorConnection, logger: Logger
    ) {
        (self.administration, self.connection, self.logger) = (administration, connection, logger)
    }

    /// Does what a new list asks for; false if something is to be tried again soon.
    func take(_ work: WorkList) async -> Bool {
        self.work = work
        let fault = Versions.fault("the coordinator", work.versions, beside: administration.site, .current)
        if let fault, fault != versionFault { logger.error("no session can begin: \(fault)") }
        versionFault = fault
        var isDone = true
        for item in work.items where await !attempt(item) { isDone = false }
        return isDone
    }

    /// Answers the rounds that a person has released since; false if something is to be tried again.
    func answerReleased() async -> Bool {
        var isDone = true
        for item in work?.items ?? [] {
            do {
                guard try administration.hasReleasedRound(item) else { continue }
            } catch {
                logger.error("study \(item.study.short): \(sentence(of: error))")
                isDone = false
                continue
            }
            if await !attempt(item) { isDone = false }
        }
        return isDone
    }

    /// Tells each decision that the coordinator does not know yet, and each approval that it knows and that holds no longer; false
    /// if one is to be tried again.
    func reportDecisions() async -> Bool {
        guard let work else { return true }
        var isDone = true
        for item in work.items where !item.state.isOver {
            do {
                try heedPolicy()
                try await reportDecision(on: item)
            } catch {
                logger.warning("cannot report the decision on study \(item.study.short): \(error)")
                isDone = false
            }
        }
        return isDone
    }

    private func reportDecision(on item: WorkList.Item) async throws {
        guard let report = try reports.report(on: item, administration) else { return }
        if let lapse = report.newLapse {
            logger.error("study \(item.study.short): the approval does not hold: \(lapse)")
        }
        reports.said(report)
        if let decision = report.decision {
            try await connection.post(
                "/v1/studies/\(item.study.hex)/decision",
                try SignedMessage(decision, by: administration.signer))
            if let index = work?.items.firstIndex(where: { $0.study == item.study }) {
                work?.items[index].decision = SiteDecision(of: decision, at: administration.time)
            }
        }
        reports.told(report)
    }

    // MARK: Acting

    private func attempt(_ item: WorkList.Item) async -> Bool {
        var work = StudyWork(item, remembering: item.session.flatMap { live[$0] })
        var event = StudyWork.Event.begun
        while true {
            let act = work.next(event, administration)
            if case .end(let ending) = act { return log(ending, of: item.study) }
            do {
                event = try await perform(act)
            } catch {
                event = .failed(error)
            }
        }
    }

    private func log(_ ending: StudyWork.Ending, of study: SHA256Digest) -> Bool {
        guard case .tryAgain(let error) = ending else { return true }
        logger.log(level: error is MembershipError ? .warning : .error, "study \(study.short): \(error)")
        return false
    }

    /// Does one act; only those that speak to the coordinator wait for anything.
    private func perform(_ act: StudyWork.Act) async throws -> StudyWork.Event {
        switch act {
        case .heedPolicy:
            try heedPolicy()
            return .policy(administration.policy.hash)
        case .considerApproval(let study): try considerApproval(of: study)
        case .fetch(let inquiry): return .fetched(try await inquiry.reply(over: connection))
        case .journal(let entry): try administration.journal(entry)
        case .remember(let id, let session): live[id] = session
        case .send(let message, let recipient): try await connection.post(recipient.path, message)
        case .say(let level, let words): logger.log(level: level, "\(words)")
        case .end: break
        }
        return .done
    }

    /// Puts a changed policy in force, here and for what was decided by the former one; throws while its file cannot be used.
    private func heedPolicy() throws {
        guard try administration.rereadPolicy() else { return }
        considered = []
        logger.notice(
            "the policy was changed, and is in force: \(administration.policy.hash.short); approvals under the former one do not hold any more"
        )
    }

    private func considerApproval(of study: SHA256Digest) throws {
        guard administration.policy.unattended != nil, considered.insert(study).inserted,
            let entry = try administration.entry(of: study)
        else { return }
        if try administration.approveUnattended(try LocalStudy(entry)) {
            logger.notice(
                "study \(study.short): approved without a person, by the policy's rules for that")
        }
    }
}
