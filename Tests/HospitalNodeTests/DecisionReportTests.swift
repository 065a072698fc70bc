import CohortStore
import Cryptography
import Federation
import Survival
import TestConsortia
import Testing

@testable import Ledger
@testable import HospitalNode

/// What the coordinator is told of decisions, and when a node asks for work; both without a network.
final class DecisionReportTests {
    private var node: MemoryNode
    private let study: SHA256Digest
    private var reports = DecisionReports()

    init() throws {
        let consortium = try Consortium()
        node = MemoryNode(
            site: "north", signer: try consortium.signer(.node("north")),
            trustView: try consortium.trustView(), patients: [])
        let message = try SignedMessage(
            StudySubmission(study: "", dictionary: "", submitter: consortium.id(.operator("lead"))),
            by: node.signer)
        study = message.payloadDigest
        try node.write(.received(study, message, from: consortium.id(.operator("lead"))))
    }

    private func item(knownAs known: SiteDecision) -> WorkList.Item {
        WorkList.Item(
            study: study, state: .submitted, decision: known, session: nil, step: nil, round: 0,
            isWaitingForYou: false)
    }

    private func told(knownAs known: SiteDecision) throws -> Decision? {
        guard let report = try reports.report(on: item(knownAs: known), node) else { return nil }
        reports.said(report)
        reports.told(report)
        return report.decision
    }

    private var approved: StudyEntry.Decision {
        .approved(until: node.time + 60, by: "Dr. Kim", at: node.time, policyHash: node.policy.hash)
    }

    @Test func `a decision is told until the coordinator knows it`() throws {
        #expect(try told(knownAs: .pending) == nil)
        node.decide(approved)
        #expect(try told(knownAs: .pending)?.isApproved == true)
        #expect(try told(knownAs: .approved) == nil)
        node.decide(.declined(reason: "no", by: "Dr. Kim", at: node.time))
        #expect(try told(knownAs: .approved)?.reason == "no")
        #expect(try told(knownAs: .declined) == nil)
    }

    @Test func `an approval that lapsed is told once it was known, and said once`() throws {
        node.decide(approved)
        node.lapse = "the policy is another one"
        let report = try #require(try reports.report(on: item(knownAs: .pending), node))
        #expect(report.decision == nil && report.newLapse == node.lapse, "one that was never told is none")
        reports.said(report)
        #expect(try reports.report(on: item(knownAs: .pending), node)?.newLapse == nil)
        let decision = try told(knownAs: .approved)
        #expect(decision?.isLapsed == true && decision?.isApproved == false)
        #expect(try told(knownAs: .lapsed) == nil)
        node.lapse = nil
        #expect(try told(knownAs: .lapsed)?.isApproved == true, "given anew")
    }

    @Test func `an approval that is known is looked at again when the policy or the log changes`()
        throws
    {
        node.decide(approved)
        #expect(try told(knownAs: .approved) == nil)
        node.lapse = "the patients were imported anew"
        #expect(try told(knownAs: .approved) == nil, "nothing says that anything changed")
        node.policy.peopleMin = 1
        #expect(try told(knownAs: .approved)?.isLapsed == true)
    }

    @Test func `an approval whose time is over is not told`() throws {
        node.decide(approved)
        node.time += 60
        node.lapse = "the approval has expired"
        let report = try #require(try reports.report(on: item(knownAs: .expired), node))
        #expect(report.decision == nil && report.newLapse == nil)
    }

    // MARK: Polling

    @Test func `pauses grow to half a minute while the coordinator is away, and begin anew after`() {
        var polling = WorkPolling()
        let version = SHA256Digest(of: "a list".utf8)
        #expect(polling.path == "/v1/work?wait=25")
        let pauses = (0..<12).map { _ in polling.failed() }
        for (index, pause) in pauses.enumerated() {
            let longest = min(0.5 * Double(1 << index), 30)
            #expect(pause <= .milliseconds(Int(longest * 1000)))
            #expect(pause >= .milliseconds(Int(longest * 500) - 1))
        }
        let isReached = [polling.listed(version), polling.listed(version)]
        #expect(isReached == [true, false], "said once")
        _ = polling.worked(isDone: true)
        let first = polling.failed()
        #expect(first <= .milliseconds(500))
        #expect(polling.path == "/v1/work?wait=25&after=\(version.hex)")
    }

    @Test func `work that cannot be done shortens the polls, and a list without news makes nobody run`() {
        var polling = WorkPolling()
        let version = SHA256Digest(of: "a list".utf8)
        var pauses: [Duration] = []
        for (list, isDone) in [(version, true), (version, true), (SHA256Digest(of: "new".utf8), false)] {
            _ = polling.listed(list)
            pauses.append(polling.worked(isDone: isDone))
        }
        #expect(pauses == [.zero, WorkPolling.roundMin, WorkPolling.roundMin] && polling.wait == 1)
        for _ in 0..<12 { _ = polling.worked(isDone: false) }
        #expect((15...25).contains(polling.wait))
    }
}
