import Cryptography
import Federation
import Survival
import Testing

/// A coordinator that asks a study's own questions in an order of its choice.
struct OrderAttacks {
    private static let study = Ward.study(
        "analyses: [{describe: {id: t, variables: [marker], bins: {marker: 1}}}]")
    private static let patients = Patient.random(90, seed: 41)
    private static let tables = (0..<3).map { site in
        PatientTable(patients.filter { $0.person % 3 == site })
    }
    private let dialogue: Dialogue

    /// At round 2, whose request nobody has seen: the counts are known, people by bin are not.
    init() throws {
        var dialogue = try Dialogue(Self.study, tables: Self.tables)
        try dialogue.proceed(toRound: 2)
        self.dialogue = dialogue
    }

    private var bins: ValueBins? {
        guard let table = dialogue.plan.analyses[0].description,
            case .number(_, let bins) = table.variables[0].kind
        else { return nil }
        return bins
    }

    /// The request of the last round and the queries of it, had all gone its way.
    private func last() throws -> (request: RoundRequest, queries: [Query]) {
        var honest = dialogue
        var run = StudyRun(plan: dialogue.plan, sites: [])
        let hospitals = TrustingHospitals(cohorts: dialogue.cohorts)
        for _ in 1..<4 { try run.receive(run.queries.flatMap { try hospitals.sum($0) }) }
        try honest.proceed(toRound: 4)
        return (try #require(honest.coordinator.request), run.queries)
    }

    /// The first round by bins says which bins hold enough people to be counted; the one that counts them comes after it.
    @Test func `the last round of a table asked first shows who is alone in a bin, and is refused`() throws {
        let bins = try #require(bins)
        let hospitals = TrustingHospitals(cohorts: dialogue.cohorts)
        let (request, queries) = try last()
        guard let merged = (try #require(queries.last).question as? HistogramsQuestion)?.histograms else {
            Issue.record("the last round counts nobody by bin")
            return
        }
        // Nobody has told yet which bins to merge: one question for each of them.
        var early = merged[0]
        early.starts = Array(0..<bins.count)
        let query = Query(analysis: "t", HistogramsQuestion([early]))
        let people = try hospitals.numbers(query)
        let alone = people.indices.filter { people[$0] == 1 }
        #expect(!alone.isEmpty && people.reduce(0, +) == 90)
        for bin in alone {
            // Bins are 1 wide, from -10 on.
            #expect(Self.patients.count { Int(($0.marker + 10).rounded(.down)) == bin } == 1)
        }
        let together = try hospitals.numbers(Query(analysis: "t", HistogramsQuestion(merged)))
        #expect(!together.isEmpty && together.allSatisfy { $0 >= 10 })

        var forged = try #require(dialogue.coordinator.request)
        let honest = forged
        forged.statements = [QueryStatement(query, in: dialogue.plan.analyses[0])]
        try expectRefused(forged, .untrusted, "asks what does not follow")
        forged.statements = request.statements
        try expectRefused(forged, .untrusted, "asks what does not follow")
        try expectRefused(request, .outOfPlace, "round 4 does not follow round 1")
        var member = dialogue.members[0]
        _ = try member.accept(honest, under: dialogue.trustView)
        #expect(throws: Never.self) { try member.answer(from: dialogue.cohorts[0]) }
    }

    private func expectRefused(
        _ request: RoundRequest, _ kind: ProtocolErrorKind, _ phrase: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var member = dialogue.members[0]
        expectRefusal(kind, phrase, sourceLocation: sourceLocation) {
            _ = try member.accept(request, under: dialogue.trustView)
        }
    }

    /// A hospital that took rounds as they come, or was set back to an earlier one, would answer as often as it is asked.
    ///
    /// A hospital in league with the coordinator sends other parts the second time, and the honest ones' sums are had at other
    /// coefficients: as many as wanted, past `evaluations-max`.
    @Test func `a session set back answers at ever new coefficients, and one that goes on refuses`() throws {
        var start = try Dialogue(
            Ward.study("analyses: [{cox: {id: m, terms: [age]}}]"), tables: Self.tables)
        try start.proceed(toRound: 3)
        var asked: Set<[Double]> = []
        for count in [90, 80, 70] {
            // The third hospital leaves out some of its own rows each time.
            var branch = start
            let rows = Self.patients.filter { $0.person % 3 == 2 && $0.person < count }
            let cohort = SiteCohort(table: PatientTable(rows), plan: start.plan)
            let request = try #require(branch.coordinator.request)
            for site in branch.members.indices {
                _ = try branch.members[site].accept(request, under: branch.trustView)
                let own = site == 2 ? cohort : branch.cohorts[site]
                try branch.deliver(try branch.members[site].answer(from: own), from: site)
            }
            let next = try #require(branch.coordinator.request)
            guard case .answer(let statements) = try branch.members[0].accept(next, under: branch.trustView)
            else {
                Issue.record("the branch is over")
                return
            }
            asked.insert(try #require(statements.first?.beta))
            // The hospital that has gone on refuses the first branch's question, and every other's.
            expectRefusal(.outOfPlace, "round 3 does not follow round 4") {
                _ = try branch.members[0].accept(request, under: branch.trustView)
            }
        }
        #expect(asked.count == 3)
    }
}
