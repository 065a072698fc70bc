import ReferenceStudies
import Testing

@testable import Survival

/// Robust and cluster variances against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct RobustVarianceTests {
    static let cases = ReferenceCase.of(kind: "cox").filter {
        $0.isWellPosed && !$0.expected["robust_se"].isNull
    }

    @Test(arguments: cases)
    func `one site's rows give R's robust table`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: [Array(0..<frame.rowCount)], isBySquares: true)
    }

    @Test(arguments: cases.filter(\.isStratifiedBySite))
    func `sums of residuals by level add up over sites that share the levels`(reference: ReferenceCase) throws
    {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: frame.rowsBySite.map(\.rows), isBySquares: false)
    }

    @Test(arguments: cases)
    func `one baseline for clusters dealt to four sites at random gives R's robust table`(
        reference: ReferenceCase
    ) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        var generator = SeededGenerator(31)
        var split = Array(repeating: [Int](), count: 4)
        for cluster in frame.rows(by: frame.cluster) {
            split[Int.random(in: 0..<4, using: &generator)] += cluster.rows
        }
        let sites = try CommonSites(frame, split: split, ties: reference.ties)
        let fit = try sites.fit()
        try compare(
            reference, frame, fit, squares: sites.squares(of: fit, by: split.map { clusters(frame, $0) })
        )
    }

    @Test func `residuals add up to the score, and each is a row's part of it`() throws {
        let data = try PartialLikelihoodTests.rows()
        for ties in [Ties.efron, .breslow] {
            let beta = PartialLikelihoodTests.beta
            let residuals = try ScoreResiduals(data, ties: ties, at: beta)
            let score = try PartialLikelihood(data, ties: ties).evaluate(at: beta).score
            let all = Array(repeating: Int32(0), count: data.rowCount)
            expectClose(
                residuals.sums(by: all, levelCount: 1), score, relative: 1e-9, absolute: 1e-10, "score")
        }
    }

    @Test func `without ties a residual is the derivative of the score by the row's weight`() throws {
        func data(_ weights: [Double]) throws -> SurvivalData {
            try SurvivalData(
                entry: [0, 0, 1, 0, 0, 2], exit: [3, 1, 4, 2, 6, 5],
                event: [true, true, false, true, true, false],
                weight: weights, offset: nil, stratum: nil, columns: [[0.3, -1, 0.8, 1.2, -0.4, 0.9]])
        }
        let weights = [1.0, 2, 0.5, 1, 1.5, 1]
        let residuals = try ScoreResiduals(data(weights), ties: .breslow, at: [0.7])
        for row in weights.indices {
            let scores = try [-1e-6, 1e-6].map { change in
                var moved = weights
                moved[row] += change
                return try PartialLikelihood(data(moved), ties: .breslow).evaluate(at: [0.7]).score[0]
            }
            expectClose(
                residuals.values[row], weights[row] * (scores[1] - scores[0]) / 2e-6, relative: 1e-8,
                absolute: 1e-9, "row \(row)")
        }
    }

    @Test func `offsets far beyond the range of exp change no residual`() throws {
        let plain = try PartialLikelihoodTests.rows()
        let shifted = plain.shifted(by: -900)
        let beta = PartialLikelihoodTests.beta
        let all = (0..<plain.rowCount).map { Int32($0) }
        expectClose(
            try ScoreResiduals(shifted, ties: .efron, at: beta).squares(by: all),
            try ScoreResiduals(plain, ties: .efron, at: beta).squares(by: all), relative: 1e-9, "squares")
    }

    // MARK: - A fit and its variance from sums

    private func clusters(_ frame: ModelFrame, _ rows: [Int]) -> [Int32] {
        let names = Set(frame.cluster).sorted()
        let index = Dictionary(uniqueKeysWithValues: zip(names, 0...))
        return rows.map { index[frame.cluster[$0]] ?? 0 }.map { Int32($0) }
    }

    private func check(
        _ reference: ReferenceCase, _ frame: ModelFrame, split: [[Int]], isBySquares: Bool
    ) throws {
        let (center, scale) = frame.moments
        let sites = try split.map { try frame.data(rows: $0).rescaled(center: center, scale: scale) }
        let fit = try Self.fit(sites.map { PartialLikelihood($0, ties: reference.ties) }, names: frame.names)
        let answers = try zip(sites, split).map { site, rows in
            let residuals = try ScoreResiduals(site, ties: reference.ties, at: fit.beta)
                .whitened(by: fit.frame)
            let own = clusters(frame, rows)
            return isBySquares
                ? residuals.squares(by: own) : residuals.sums(by: own, levelCount: Set(frame.cluster).count)
        }
        let total = answers.dropFirst().reduce(answers[0]) { zip($0, $1).map { $0 + $1 } }
        try compare(
            reference, frame, fit,
            squares: isBySquares
                ? SymmetricMatrix(order: fit.rank, packedUpper: total)
                : ScoreResiduals.squares(ofSums: total, parameterCount: fit.rank))
    }

    static func fit(_ sites: [PartialLikelihood], names: [String]) throws -> CoxFit {
        var iteration = NewtonIteration(parameterNames: names)
        while true {
            let sums = try sites.map { try $0.evaluate(at: iteration.beta) }
                .reduce(.zero(parameterCount: names.count), +)
            if case .finished(let fit) = try iteration.receive(sums) { return fit }
        }
    }

    private func compare(
        _ reference: ReferenceCase, _ frame: ModelFrame, _ fit: CoxFit, squares: SymmetricMatrix
    ) throws {
        let expected = reference.expected
        let robust = fit.robustCovariance(squares: squares)
        let table = CoxInference.summarize(
            fit, names: frame.names, scale: frame.moments.scale, level: 0.95, robust: robust)
        func column(_ value: (CoxResult.Term) -> Reported?) -> [Double] {
            table.terms.map { value($0)?.value ?? .nan }
        }
        // 1e-7 as the reference says; ours are mostly within 1e-10.
        let relative = 1e-8
        let size = expected["robust_se"].doubles
        expectClose(column(\.robustSE), size, relative: relative, "robust se")
        expectClose(column { $0.se }, expected["se"].doubles, relative: relative, "se")
        expectClose(column { $0.z }, expected["z"].doubles, relative: relative, absolute: relative, "z")
        expectClose(column { $0.p }, expected["p"].doubles, relative: 1e-6, absolute: 1e-13, "p")
        for (name, path) in [("hr_lower95", \CoxResult.Term.lower), ("hr_upper95", \.upper)] {
            expectClose(column { $0[keyPath: path] }, expected[name].doubles, relative: relative, name)
        }
        for (row, values) in expected["vcov"].elements.map(\.doubles).enumerated() {
            for (index, value) in values.enumerated() where !size[row].isNaN && !size[index].isNaN {
                expectClose(
                    table.covariance[row * size.count + index].value ?? .nan, value, relative: 0,
                    absolute: 2 * relative * size[row] * size[index], "vcov[\(row), \(index)]")
            }
        }
        let wald = expected["wald_test"]
        #expect(table.wald.degreesOfFreedom == wald["df"].double)
        expectClose(table.wald.statistic.value ?? .nan, wald["stat"].double, relative: 1e-7, "wald test")
    }
}
