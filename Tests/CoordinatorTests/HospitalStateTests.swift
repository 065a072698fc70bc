import Cryptography
import Federation
import Foundation
import Survival
import Testing

@testable import Coordinator

/// What a study's lead is told of each hospital: different words for different things.
struct HospitalStateTests {
    private let trial: TrialConsortium

    init() throws { trial = try TrialConsortium() }

    private func states(_ coordinator: StudyCoordinator) async throws -> [String: [SiteState]] {
        let status = try #require(try await coordinator.list(for: trial.operatorID).first)
        return Dictionary(uniqueKeysWithValues: status.siteStates.map { ($0.name, $0.states) })
    }

    private func decide(
        _ site: String, _ study: SHA256Digest, at coordinator: StudyCoordinator, approved: Bool,
        reason: String = "",
        isLapsed: Bool? = nil
    ) async throws {
        let decision = Decision(
            study: study, site: site, isApproved: approved, reason: reason,
            until: approved ? trial.trustView.time + 86_400 : 0, policy: DisclosurePolicy.local.hash,
            isLapsed: isLapsed)
        try await coordinator.decide(
            SignedMessage(decision, by: trial.signer(.node(site))), on: study, from: site)
    }

    @Test func `unknown, pending, declined, lapsed, expired and approved are told apart`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        #expect(try await states(coordinator).values.allSatisfy { $0 == [.unknown] })
        for site in ["north", "south", "west"] { try await coordinator.meet(site, .current) }
        #expect(try await states(coordinator)["north"] == [.decision(.pending, reason: "")])
        #expect(try await states(coordinator)["east"] == [.unknown])
        try await decide("north", study, at: coordinator, approved: true)
        try await decide("south", study, at: coordinator, approved: false, reason: "no ethics vote")
        try await decide("west", study, at: coordinator, approved: true)
        try await decide("west", study, at: coordinator, approved: false, isLapsed: true)
        var all = try await states(coordinator)
        #expect(all["north"] == [.decision(.approved, reason: "")])
        #expect(all["south"] == [.decision(.declined, reason: "no ethics vote")])
        #expect(all["west"] == [.decision(.lapsed, reason: "")])
        trial.advance(seconds: 86_400)
        all = try await states(coordinator)
        #expect(all["north"]?.first == .decision(.expired, reason: ""))
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.launch(study, by: trial.operatorID)
        }
        #expect(
            error?.description
                == "not every hospital has approved the study: east (unknown hospital), north (expired), south (declined), west (lapsed)"
        )
        try await decide("west", study, at: coordinator, approved: true)
        #expect(try await states(coordinator)["west"]?.first == .decision(.approved, reason: ""))
    }

    @Test func `a hospital that falls silent is offline since its last call, also after a restart`()
        async throws
    {
        var coordinator = try await trial.coordinator()
        _ = try await trial.approved(at: coordinator)
        let last = trial.trustView.time
        for site in trial.sites { try await coordinator.meet(site, .current) }
        trial.advance(seconds: 60)
        try await coordinator.meet("north", .current)
        trial.advance(seconds: 60)
        try await coordinator.checkContacts()
        #expect(try await states(coordinator)["north"] == [.decision(.approved, reason: "")])
        #expect(
            try await states(coordinator)["south"] == [
                .decision(.approved, reason: ""), .offline(since: last),
            ])
        // While the coordinator was away nobody could call; then the silence is the one that it was.
        coordinator = try await trial.coordinator()
        try await coordinator.checkContacts()
        #expect(try await states(coordinator)["south"] == [.decision(.approved, reason: "")])
        trial.advance(seconds: 100)
        try await coordinator.checkContacts()
        #expect(
            try await states(coordinator)["south"] == [
                .decision(.approved, reason: ""), .offline(since: last),
            ])
        try await coordinator.meet("south", .current)
        #expect(try await states(coordinator)["south"] == [.decision(.approved, reason: "")])
    }

    @Test func `a hospital that computes a round is not offline for a while, and one that holds it says so`()
        async throws
    {
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        try await sites.join(at: coordinator)
        for site in trial.sites { try await coordinator.meet(site, .current) }
        _ = try await coordinator.request(1, of: session, for: "north")
        let held = RoundHeld(session: session, round: 1, site: "west")
        try await coordinator.receive(
            SignedMessage(held, by: trial.signer(.node("west"))), round: 1, session: session, from: "west")
        trial.advance(seconds: 120)
        try await coordinator.meet("west", .current)
        try await coordinator.checkContacts()
        let approved = SiteState.decision(.approved, reason: "")
        #expect(try await states(coordinator)["north"] == [approved, .awaited])
        #expect(try await states(coordinator)["west"] == [approved, .held])
        #expect(try await states(coordinator)["east"]?.count == 3)
        trial.advance(seconds: 800)
        try await coordinator.checkContacts()
        #expect(try await states(coordinator)["north"]?.count == 3)
    }

    /// Long polls compare digests: what has not changed must have the same one.
    @Test func `a status does not change with every call of a hospital`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.submitted(at: coordinator)
        try await coordinator.meet("north", .current)
        let before = try await coordinator.status(study, for: trial.operatorID).version
        trial.advance(seconds: 20)
        try await coordinator.meet("north", .current)
        #expect(try await coordinator.status(study, for: trial.operatorID).version == before)
    }

    @Test func `a study of two hospitals is not taken`() async throws {
        let coordinator = try await trial.coordinator()
        let text = TrialConsortium.study().replacing("[east, north, south, west]", with: "[east, north]")
        let submission = StudySubmission(
            study: text, dictionary: TrialConsortium.dictionary, submitter: trial.operatorID)
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.submit(
                SignedMessage(submission, by: trial.signer(.operator("jane"))), by: trial.operatorID)
        }
        #expect(error?.description.hasPrefix("the study names 2 hospitals, and needs three at least") == true)
    }
}
