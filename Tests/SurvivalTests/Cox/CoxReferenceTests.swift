import ReferenceStudies
import Testing

@testable import Survival

/// Cox models against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct CoxReferenceTests {
    static let cases = ReferenceCase.of(kind: "cox").filter(\.isWellPosed)
    static let bySite = cases.filter { $0.isStratifiedBySite }

    @Test(arguments: cases)
    func `one site's rows give R's table`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try CoxExpectation(reference).check(
            fit(frame, split: [Array(0..<frame.rowCount)], ties: reference.ties))
    }

    @Test(arguments: bySite)
    func `the sums of the case's sites give R's model stratified by site`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try CoxExpectation(reference).check(
            fit(frame, split: frame.rowsBySite.map(\.rows), ties: reference.ties))
    }

    @Test(arguments: bySite)
    func `strata dealt to three sites at random give R's model stratified by site`(reference: ReferenceCase)
        throws
    {
        let frame = ModelFrame(reference)
        var generator = SeededGenerator(20)
        var split: [[Int]] = [[], [], []]
        for stratum in frame.rows(by: frame.stratum) {
            split[Int.random(in: 0..<3, using: &generator)] += stratum.rows.shuffled(using: &generator)
        }
        try CoxExpectation(reference).check(fit(frame, split: split, ties: reference.ties))
    }

    /// A Newton fit of the sums over `split`, each part a site of its own, on standardised covariates.
    private func fit(_ frame: ModelFrame, split: [[Int]], ties: Ties) throws -> FittedTable {
        let (center, scale) = frame.moments
        let sites = try split.map {
            PartialLikelihood(try frame.data(rows: $0).rescaled(center: center, scale: scale), ties: ties)
        }
        var iteration = NewtonIteration(parameterNames: frame.names)
        while true {
            let sums = try sites.map { try $0.evaluate(at: iteration.beta) }
                .reduce(.zero(parameterCount: frame.names.count), +)
            guard case .finished(let fit) = try iteration.receive(sums) else { continue }
            return FittedTable(fit, names: frame.names, scale: scale)
        }
    }
}
