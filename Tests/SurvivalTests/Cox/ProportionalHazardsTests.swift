import ReferenceStudies
import Testing

@testable import Survival

/// Score tests of proportional hazards against R 4.2.2, survival 3.5-3, `cox.zph`: see Reference/README.md.
struct ProportionalHazardsTests {
    static let cases = ReferenceCase.of(kind: "cox").filter {
        $0.isWellPosed && !$0.expected["zph"].isNull
    }
    static let bySite = cases.filter(\.isStratifiedBySite)

    @Test(arguments: cases)
    func `one site's rows give R's tests`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: [Array(0..<frame.rowCount)])
    }

    @Test(arguments: bySite)
    func `the sums of the case's sites give R's tests`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: frame.rowsBySite.map(\.rows))
    }

    @Test(arguments: bySite)
    func `strata dealt to three sites at random give R's tests`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        var generator = SeededGenerator(21)
        var split: [[Int]] = [[], [], []]
        for stratum in frame.rows(by: frame.stratum) {
            split[Int.random(in: 0..<3, using: &generator)] += stratum.rows
        }
        try check(reference, frame, split: split)
    }

    @Test(arguments: cases)
    func `one baseline for rows dealt to four sites at random gives R's tests`(reference: ReferenceCase)
        throws
    {
        let frame = ModelFrame(reference).withMergedTimes()
        var generator = SeededGenerator(22)
        var split = Array(repeating: [Int](), count: 4)
        for row in 0..<frame.rowCount { split[Int.random(in: 0..<4, using: &generator)].append(row) }
        let scaled = try CommonSites(frame, split: split, ties: reference.ties)
        let fit = try scaled.fit()
        for transform in TimeTransform.allCases {
            guard let function = try Self.function(transform, frame) else { continue }
            try compare(reference, transform, fit: fit, trend: scaled.trend(at: fit.beta, along: function))
        }
    }

    @Test func `shift and scale of the function of time do not matter`() throws {
        let frame = ModelFrame(try ReferenceCase.named("veteran-six-pooled-efron"))
        let data = try frame.data()
        let fit = try RobustVarianceTests.fit([PartialLikelihood(data, ties: .efron)], names: frame.names)
        let terms = [ModelSpecification.Term(name: "all", columns: 0..<frame.names.count)]
        let statistics = try [(0.0, 1.0), (300, 1), (0, 1e-4), (-7e4, 250)].map { center, scale in
            let trend = try PartialLikelihood(data, ties: .efron).timeTrend(
                at: fit.beta, along: TimeFunction(.identity, center: center, scale: scale))
            return ProportionalHazardsTest.tests(of: fit, trend: trend, terms: terms).global.statistic.value
                ?? .nan
        }
        expectClose(statistics, statistics.map { _ in statistics[0] }, relative: 1e-7, "statistic")
    }

    @Test func `the score is the slope of the likelihood of a covariate that changes with time`() throws {
        // Each row is cut at every event time; x·g(t) is then an ordinary covariate of (entry, exit] rows.
        let exits: [Double] = [1, 2, 2, 3, 4, 4, 5, 6]
        let events = [true, true, false, true, true, true, false, true]
        let x: [Double] = [0.3, -1, 0.5, 1.2, -0.4, 0.9, 0.1, -0.7]
        let whole = try SurvivalData(
            entry: nil, exit: exits, event: events, weight: nil, offset: nil, stratum: nil, columns: [x])
        let g = TimeFunction(.logarithm, center: 0.7)
        var (entry, exit, event, first, second) = ([Double](), [Double](), [Bool](), [Double](), [Double]())
        for row in exits.indices {
            for end in stride(from: 1, through: exits[row], by: 1) {
                entry.append(end - 1)
                exit.append(end)
                event.append(events[row] && end == exits[row])
                first.append(x[row])
                second.append(x[row] * g(end))
            }
        }
        let cut = try SurvivalData(
            entry: entry, exit: exit, event: event, weight: nil, offset: nil, stratum: nil,
            columns: [first, second])
        let extended = try PartialLikelihood(cut, ties: .efron).evaluate(at: [0.4, 0])
        let trend = try PartialLikelihood(whole, ties: .efron).timeTrend(at: [0.4], along: g)
        expectClose(trend.score[0], extended.score[1], relative: 1e-12, "Σ g(x − x̄)")
        expectClose(trend.information[0, 0], extended.information[0, 1], relative: 1e-12, "Σ gV")
        expectClose(trend.square[0, 0], extended.information[1, 1], relative: 1e-12, "Σ g²V")
    }

    @Test func `a function that is constant over the events, or undefined at one, gives no test`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [0, 2, 2, 5], event: [true, false, true, false], weight: nil, offset: nil,
            stratum: nil, columns: [[1, 2, 4, 3]])
        var moments = TimeMoments()
        for time in [0.0, 2] { moments.add(TimeFunction(.logarithm)(time)) }
        #expect(moments.undefined == 1)
        #expect(TimeFunction(.logarithm).standardized(by: moments) == nil)
        let fit = try RobustVarianceTests.fit([PartialLikelihood(data, ties: .efron)], names: ["x"])
        let constant = try PartialLikelihood(data, ties: .efron).timeTrend(
            at: fit.beta, along: TimeFunction(.steps(times: [9], values: [1, 0])))
        let tests = ProportionalHazardsTest.tests(
            of: fit, trend: constant, terms: [.init(name: "x", columns: 0..<1)])
        #expect(tests.global.statistic == .notAvailable && tests.terms[0].test.p == .notAvailable)
        #expect(tests.global.degreesOfFreedom == 1)
    }

    // MARK: - A fit and its tests from sums

    private func check(_ reference: ReferenceCase, _ frame: ModelFrame, split: [[Int]]) throws {
        let (center, scale) = frame.moments
        let sites = try split.map {
            PartialLikelihood(
                try frame.data(rows: $0).rescaled(center: center, scale: scale), ties: reference.ties)
        }
        let fit = try RobustVarianceTests.fit(sites, names: frame.names)
        for transform in TimeTransform.allCases {
            guard let function = try Self.function(transform, frame) else { continue }
            let vectors = try sites.map { try $0.timeTrend(at: fit.beta, along: function).vector }
            let total = vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map { $0 + $1 } }
            try compare(
                reference, transform, fit: fit,
                trend: TimeTrendSums(vector: total, parameterCount: frame.names.count))
        }
    }

    /// Standardised over the events; nil where it is not defined at all of them.
    private static func function(_ transform: TimeTransform, _ frame: ModelFrame) throws -> TimeFunction? {
        let data = try frame.data()
        let raw: TimeFunction =
            switch transform {
            case .km: TimeFunction(kaplanMeierOf: try counts(frame))
            case .identity: TimeFunction(.identity)
            case .log: TimeFunction(.logarithm)
            }
        var moments = TimeMoments()
        for (time, event) in zip(data.exit, data.event) where event { moments.add(raw(time)) }
        return raw.standardized(by: moments)
    }

    /// Rows count once each, whatever their weight.
    private static func counts(_ frame: ModelFrame) throws -> ExitCounts {
        var unweighted = frame
        unweighted.weight = nil
        let data = try unweighted.data()
        return try ExitCounts(data, times: ExitCounts.times(of: data))
    }

    private func compare(
        _ reference: ReferenceCase, _ transform: TimeTransform, fit: CoxFit, trend: TimeTrendSums
    ) throws {
        let expected = reference.expected["zph"][transform.rawValue]
        for (name, terms) in [
            ("by_term", Self.terms(reference.model["terms"].elements)),
            ("by_coef", fit.beta.indices.map { .init(name: "\($0)", columns: $0..<($0 + 1)) }),
        ] {
            let want = expected[name]
            // R found no such test, or every term has one coefficient.
            guard !want.isNull, want["r_error"].isNull else { continue }
            let tests = ProportionalHazardsTest.tests(of: fit, trend: trend, terms: terms)
            let all = tests.terms.map(\.test) + [tests.global]
            #expect(all.map(\.degreesOfFreedom) == want["df"].doubles, "\(transform) \(name)")
            // 1e-7 as the reference says; where R's solve() loses digits, statistics near 0 have no relative accuracy.
            expectClose(
                all.map { $0.statistic.value ?? .nan }, want["chisq"].doubles, relative: 1e-7, absolute: 1e-9,
                "\(transform) \(name)")
            expectClose(
                all.map { $0.p.value ?? .nan }, want["p"].doubles, relative: 1e-6, absolute: 1e-9,
                "p of \(transform) \(name)")
        }
    }

    /// The columns of each term, in the order of the columns.
    private static func terms(_ terms: [JSONValue]) -> [ModelSpecification.Term] {
        var result: [ModelSpecification.Term] = []
        for term in terms {
            let start = result.last?.columns.upperBound ?? 0
            result.append(.init(name: "\(result.count)", columns: start..<(start + columnCount(term))))
        }
        return result
    }

    private static func columnCount(_ term: JSONValue) -> Int {
        switch term["type"].string {
        case "num": 1
        case "fac": term["levels"].elements.count - 1
        default: term["of"].elements.map(columnCount).reduce(1, *)
        }
    }
}
