import Cryptography
import Federation
import Survival
import Testing

/// Whatever a message reads it writes as it was read, in every field: what is signed has one spelling.
struct MessageRoundTripTests {
    private static let digest = SHA256Digest(of: "x".utf8)
    private static let member = SPIFFEID(consortium: "liver", role: .operator("lead"))
    private static let signed = Result {
        try CanonicalJSON.decode(
            SignedMessage.self,
            from: Array(#"{"certificate":"PEM","payload":"{}","signature":"00ff","type":"hello"}"#.utf8))
    }

    @Test func `every message comes back from every change that it can be read with`() throws {
        let signed = try Self.signed.get()
        let statements = try Self.statements()
        var absent: Set<String> = []
        func sweep(_ value: some Codable) throws {
            let accepted = try Mutations.expectRoundTrips(of: value)
            absent.formUnion((accepted["absent"] ?? []).map { "\(type(of: value)).\($0)" })
        }
        try sweep(StudySubmission(study: "s", dictionary: "d", submitter: Self.member))
        try sweep(
            Decision(
                study: Self.digest, site: "s", isApproved: false, reason: "r", until: 0, policy: Self.digest,
                isLapsed: true))
        try sweep(SessionOpening(session: Self.digest, study: Self.digest, sites: ["s", "t"]))
        try sweep(
            Hello(
                session: Self.digest, study: Self.digest, site: "s", key: HexBytes([1]), policy: Self.digest,
                checkpoint: signed))
        try sweep(Roster(opening: signed, hellos: [signed, signed]))
        try sweep(RosterAcknowledgement(session: Self.digest, site: "s", roster: Self.digest))
        try sweep(
            RoundRequest(
                session: Self.digest, round: 2, transcript: Self.digest, statements: statements,
                previous: [signed]))
        try sweep(
            RoundAnswer(
                session: Self.digest, round: 2, site: "s", request: Self.digest,
                lanes: MaskedVector(lanes: [1, 2]), checkpoint: signed))
        try sweep(RoundHeld(session: Self.digest, round: 2, site: "s"))
        try sweep(Refusal(session: Self.digest, site: "s", reason: "r"))
        try sweep(AuditCheckpoint(site: "s", sequence: 1, head: Self.digest, at: 2))
        try sweep(signed)
        try sweep(Self.status(statements))
        try sweep(
            WorkList(
                items: [
                    .init(
                        study: Self.digest, state: .running, decision: .approved, session: Self.digest,
                        step: .round, round: 1, isWaitingForYou: true)
                ], versions: .current))
        try sweep(ErrorReply(error: "e", hint: "h"))
        try sweep(DisclosurePolicy.local)
        #expect(
            absent == [
                "Decision.isLapsed", "SessionOpening.versions", "Hello.checkpoint", "Hello.versions",
                "RoundRequest.statements.beta", "RoundAnswer.checkpoint", "StudyStatus.session",
                "StudyStatus.sites.since", "StudyStatus.sites.versionFault",
                "StudyStatus.session.statements.beta",
                "WorkList.items.session", "WorkList.items.step", "WorkList.versions", "ErrorReply.hint",
            ])
    }

    private static func statements() throws -> [QueryStatement] {
        let plan = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age]}}]"))
        let analysis = try #require(plan.analysis("m"))
        let coordinates = Coordinates(center: [60], scale: [10])
        return [
            QueryStatement(Query(analysis: "m", LikelihoodQuestion(coordinates, beta: [-0.5])), in: analysis)
        ]
    }

    private static func status(_ statements: [QueryStatement]) -> StudyStatus {
        StudyStatus(
            study: digest, name: "n", title: "t", submitter: member, state: .running, reason: "",
            sites: [
                .init(
                    name: "s", decision: .declined, reason: "r", contact: .offline, since: 3,
                    versionFault: "f")
            ],
            session: .init(
                id: digest, sites: ["s"], step: .round, round: 1, waitingFor: ["s"], holding: ["s"], since: 2,
                statements: statements))
    }
}
