import Cryptography
import Federation
import Survival
import Testing

/// What the tests of a hostile coordinator begin with: a dialogue of three hospitals at rounds 1 and 4; every part is a value.
struct HostileScene {
    private static let study = Ward.study(
        """
        analyses:
          - cox: {id: m, terms: [age, marker]}
          - cox: {id: c, terms: [age, frail], baseline: common, times: exact}
        """)

    /// Made once for all tests.
    static let shared = Result { try HostileScene() }

    /// At round 1, whose request nobody has seen.
    let start: Dialogue
    /// At round 4, which asks at coefficients other than zero; the hospitals have not seen its request.
    let late: Dialogue
    /// The coordinator's run at round 4.
    let run: StudyRun
    /// Of rounds 1 to 4, each with the transcript up to it.
    let requests: [RoundRequest]
    let transcripts: [Transcript]

    init() throws {
        let patients = Patient.random(90, seed: 41)
        let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
        var dialogue = try Dialogue(Self.study, tables: tables)
        try dialogue.proceed(toRound: 1)
        start = dialogue
        var run = StudyRun(plan: dialogue.plan, sites: [])
        var requests = [try #require(dialogue.coordinator.request)]
        var transcripts = [
            Transcript(
                study: dialogue.plan.hash, roster: try #require(dialogue.coordinator.roster).hash,
                acknowledgements: requests[0].previous)
        ]
        for round in 1..<4 {
            try dialogue.answerRound()
            let next = try #require(dialogue.coordinator.request)
            let asked = requests[round - 1]
            try run.take(
                next.previous, round: round, request: asked.digest, of: dialogue.names,
                under: dialogue.trustView)
            var transcript = transcripts[round - 1]
            transcript.append(request: asked.digest, answers: next.previous)
            requests.append(next)
            transcripts.append(transcript)
        }
        (late, self.run, self.requests, self.transcripts) = (dialogue, run, requests, transcripts)
    }

    var request: RoundRequest { requests[3] }

    /// Records an issue unless site-1 refuses the forged request, and then takes and answers the honest one.
    func expectRefused(
        _ forged: RoundRequest, atStart: Bool = false, _ kind: ProtocolErrorKind, _ phrase: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let dialogue = atStart ? start : late
        var member = dialogue.members[0]
        expectRefusal(kind, phrase, sourceLocation: sourceLocation) {
            _ = try member.accept(forged, under: dialogue.trustView)
        }
        let honest = try #require(dialogue.coordinator.request)
        guard case .answer(let statements) = try member.accept(honest, under: dialogue.trustView) else {
            Issue.record("the honest request was not accepted", sourceLocation: sourceLocation)
            return
        }
        #expect(statements == honest.statements, sourceLocation: sourceLocation)
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            try member.answer(from: dialogue.cohorts[0])
        }
    }
}
