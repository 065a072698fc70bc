import Cryptography
import Federation
import Foundation
import Survival
import Testing

/// A coordinator that asks at coefficients, hazards and times of its own choice.
///
/// Each attack takes patients' rows out of perfect sums over three trusting hospitals, and is refused by a hospital's session.
struct ChosenQuestionAttacks {
    private let scene: HostileScene
    private let hospitals: TrustingHospitals
    /// The scene's model with one baseline for all: age and frail, by month.
    private let plan: AnalysisPlan
    private let patients = Patient.random(90, seed: 41)

    private static let raw = Coordinates(center: [0, 0], scale: [1, 1])

    init() throws {
        scene = try HostileScene.shared.get()
        hospitals = TrustingHospitals(cohorts: scene.late.cohorts)
        plan = try #require(scene.late.plan.analysis("c"))
    }

    /// The question in the place of the honest one of the same analysis; everything else in the request is in order.
    private func expectRefused(_ query: Query, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var forged = scene.request
        let index = try #require(forged.statements.firstIndex { $0.analysis == query.analysis })
        forged.statements[index] = QueryStatement(query, in: plan)
        try scene.expectRefused(
            forged, .untrusted, "asks what does not follow", sourceLocation: sourceLocation)
    }

    private var positions: [Double] { (0..<(plan.axis?.count ?? 0)).map { Double($0) } }

    /// A hazard that is 1 at one month and 0 elsewhere: then Xᵀg is S₁ there.
    private func gram(at month: Int) throws -> Query {
        let deaths = positions.indices.map { $0 == month ? 1.0 : 0 }
        let grid = EventGrid(strata: [.init(times: positions, deaths: deaths, deathWeights: deaths)])
        let ones = [Double](repeating: 1, count: positions.count)
        let hazard = try HazardIncrements(grid: grid, riskSums: ones, ties: .breslow)
        return Query(analysis: "c", GramQuestion(Self.raw, beta: [0, 0], grid, hazard))
    }

    @Test func `a chosen hazard shows who leaves alone, and is refused`() throws {
        let atRisk = try positions.indices.map { Array(try hospitals.numbers(gram(at: $0)).prefix(2)) }
        let leaving = Dictionary(grouping: patients) { Int($0.months) }
        var found = 0
        for (month, patients) in leaving where patients.count == 1 {
            let next = month + 1 < atRisk.count ? atRisk[month + 1] : [0, 0]
            let row = zip(atRisk[month], next).map { ($0 - $1).rounded() }
            #expect(row == [patients[0].age, patients[0].frail], "who leaves at month \(month)")
            found += 1
        }
        #expect(found > 0, "somebody leaves alone")
        try expectRefused(gram(at: 12))
    }

    /// S₀ at a coefficient of 40 a year is all but the oldest patient's own number, however many are at risk.
    private func riskSums(_ beta: [Double]) throws -> Query {
        let exits = positions.indices.map { month in patients.count { Int($0.months) == month } }
        let merged = MergedIntervals(exits: exits, smallest: 10)
        #expect(merged.thinnest ?? 0 >= 10, "ten exits or more in every interval do not help here")
        let deaths = merged.ranges.map { Double(exits[$0].reduce(0, +)) }
        let grid = EventGrid(strata: [
            .init(
                times: merged.ranges.map { Double($0.upperBound - 1) }, deaths: deaths, deathWeights: deaths,
                starts: merged.ranges.map { Double($0.lowerBound - 1) })
        ])
        let coordinates = Coordinates(center: [85, 0], scale: [1, 1])
        return Query(analysis: "c", RiskSumsQuestion(coordinates, beta: beta, grid))
    }

    @Test func `chosen coefficients show the oldest patient, and are refused`() throws {
        let steep = try hospitals.numbers(riskSums([40, 0]))
        let tilted = try hospitals.numbers(riskSums([40, 1]))
        let count = steep.count / 2
        #expect(count > 0 && steep.count == 2 * count, "every interval has ties")
        // With and without those who leave: where the oldest changes, the one who left is known.
        for point in 0..<(count - 1) where steep[point] > 2 * steep[point + 1] {
            let age = (85 + log(steep[point]) / 40).rounded()
            let oldest = patients.filter { $0.age == age }
            #expect(!oldest.isEmpty && patients.allSatisfy { $0.age <= age || point > 0 })
            let frail = log(tilted[point] / steep[point])
            if oldest.count == 1 { #expect(abs(frail - oldest[0].frail) < 1e-9) }
        }
        let age = (85 + log(steep[0]) / 40).rounded()
        #expect(age == patients.map(\.age).max(), "the oldest of all")
        try expectRefused(riskSums([40, 0]))
    }

    /// A hospital that compared coefficients only nearly would answer: an equation more about the same rows, for nothing.
    @Test func `a coefficient that differs in its last bit is answered by the trusting, and refused`() throws
    {
        let query = try #require(scene.run.queries.first { $0.analysis == "c" })
        let forged: Query
        switch query.question {
        case let sums as RiskSumsQuestion:
            let beta = sums.point.beta.map(\.nextUp)
            forged = Query(
                analysis: "c", RiskSumsQuestion(sums.point.coordinates, beta: beta, sums.grid))
        case let gram as GramQuestion:
            let beta = gram.point.beta.map(\.nextUp)
            forged = Query(
                analysis: "c", GramQuestion(gram.point.coordinates, beta: beta, gram.grid, gram.hazard))
        default:
            Issue.record("round 4 asks \(query.kind)")
            return
        }
        #expect(try hospitals.numbers(forged).count == hospitals.numbers(query).count)
        try expectRefused(forged)
    }
}
