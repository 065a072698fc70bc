import Testing

@testable import Federation
@testable import Survival

/// A question as it is written down: it must differ if anything differs that an answer depends on.
struct QueryStatementTests {
    private static func plan() throws -> AnalysisPlan {
        let plan = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age, marker]}}]"))
        return try #require(plan.analysis("m"))
    }

    /// A question made of numbers, in the order in which they stand in the arrays; each is used once.
    private static let makers: [(kind: String, make: @Sendable ([Double]) throws -> any Question)] = [
        ("likelihood", { LikelihoodQuestion(coordinates($0), beta: Array($0[4..<6])) }),
        (
            "likelihood-with-third-derivatives",
            { LikelihoodWithThirdDerivativesQuestion(coordinates($0), beta: Array($0[4..<6])) }
        ),
        ("spread", { SpreadQuestion(coordinates($0)) }),
        ("event-sums", { EventSumsQuestion(coordinates($0)) }),
        ("risk-sums", { RiskSumsQuestion(coordinates($0), beta: Array($0[4..<6]), grid($0)) }),
        (
            "covariate-risk-sums",
            { CovariateRiskSumsQuestion(coordinates($0), beta: Array($0[4..<6]), grid($0)) }
        ),
        ("gram", { GramQuestion(coordinates($0), beta: Array($0[4..<6]), grid($0), try hazard($0)) }),
        ("event-trend", { EventTrendQuestion(coordinates($0), grid($0), factors: Array($0[18..<20])) }),
        (
            "residuals",
            { numbers in
                let means = MeanIncrements(
                    survivor: Array(numbers[18..<20]), leaver: Array(numbers[20..<22]),
                    death: Array(numbers[22..<24]))
                return ResidualsQuestion(
                    coordinates(numbers), beta: Array(numbers[4..<6]), frame(numbers),
                    .init(grid: grid(numbers), hazard: try hazard(numbers), means: means))
            }
        ),
        ("event-times", { EventTimesQuestion(TimeFunction(.identity, center: $0[0], scale: $0[1])) }),
        ("event-times", { EventTimesQuestion(steps($0)) }),
        ("time-trend", { TimeTrendQuestion(coordinates($0), beta: Array($0[4..<6]), steps($0, from: 6)) }),
    ]

    private static func frame(_ numbers: [Double]) -> InformationFrame {
        InformationFrame(
            SymmetricMatrix(order: 2, packedUpper: [numbers[14], numbers[17], numbers[16]]),
            holding: [false, false])
    }

    private static func coordinates(_ numbers: [Double]) -> Coordinates {
        .init(center: Array(numbers[0..<2]), scale: Array(numbers[2..<4]))
    }

    /// Two intervals: times, deaths, weights, starts.
    private static func grid(_ numbers: [Double]) -> EventGrid {
        EventGrid(strata: [
            .init(
                times: Array(numbers[6..<8]), deaths: Array(numbers[8..<10]),
                deathWeights: Array(numbers[10..<12]),
                starts: Array(numbers[12..<14]))
        ])
    }

    /// Risk sums with and without those who leave.
    private static func hazard(_ numbers: [Double]) throws -> HazardIncrements {
        try HazardIncrements(grid: grid(numbers), riskSums: Array(numbers[14..<18]), ties: .efron)
    }

    private static func steps(_ numbers: [Double], from start: Int = 0) -> TimeFunction {
        TimeFunction(
            .steps(
                times: Array(numbers[start..<(start + 2)]), values: Array(numbers[(start + 2)..<(start + 5)])),
            center: numbers[start + 5], scale: numbers[start + 6])
    }

    /// Any numbers that make a sensible grid: deaths are more than one, and leave some at risk.
    private static let numbers: [Double] = [
        60, 1, 10, 2, 0.5, -0.25, 3, 7, 2, 3, 2.5, 3.5, 0, 4, 40, 20, 30, 10, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6,
    ]

    @Test(arguments: makers.indices)
    func `a statement changes with every number that the answer depends on`(_ index: Int) throws {
        let (kind, make) = Self.makers[index]
        let plan = try Self.plan()
        let query = Query(analysis: "m", try make(Self.numbers))
        #expect(query.kind == kind)
        let honest = QueryStatement(query, in: plan)
        var changed = 0
        for place in Self.numbers.indices {
            var numbers = Self.numbers
            numbers[place] += numbers[place] == 0 ? 0.5 : numbers[place] / 64
            let other = Query(analysis: "m", try make(numbers))
            #expect((other == query) == (QueryStatement(other, in: plan) == honest), "number \(place)")
            changed += other == query ? 0 : 1
        }
        #expect(changed > 1)
    }

    /// Two deaths of weight 2 with denominators a and b: survivors' hazard 1/a + 1/b, leavers' 1/a + 1/(2b).
    @Test func `increments for those who stay and for those who leave are both in the statement`() throws {
        let plan = try Self.plan()
        let grid = EventGrid(strata: [.init(times: [5], deaths: [2], deathWeights: [2])])
        func hazard(_ a: Double, _ b: Double) throws -> HazardIncrements {
            try HazardIncrements(grid: grid, riskSums: [a, 2 * b - a], ties: .efron)
        }
        func statement(_ hazard: HazardIncrements) -> QueryStatement {
            let coordinates = Self.coordinates(Self.numbers)
            return QueryStatement(
                Query(analysis: "m", GramQuestion(coordinates, beta: [0, 0], grid, hazard)), in: plan)
        }
        let (staying, otherStaying) = (try hazard(2, 1), try hazard(1.25, 2.5))
        #expect(staying.leaver == otherStaying.leaver && staying.survivor != otherStaying.survivor)
        #expect(statement(staying) != statement(otherStaying))
        let (leaving, otherLeaving) = (try hazard(2, 2), try hazard(1.25, 5))
        #expect(leaving.survivor == otherLeaving.survivor && leaving.leaver != otherLeaving.leaver)
        #expect(statement(leaving) != statement(otherLeaving))
    }

    @Test func `the shape of a grid and of a function of time is in the statement`() throws {
        let plan = try Self.plan()
        let coordinates = Self.coordinates(Self.numbers)
        func stratum(_ times: [Double], starts: [Double]? = nil) -> EventGrid.Stratum {
            .init(times: times, deaths: times, deathWeights: times, starts: starts)
        }
        let grids = [
            EventGrid(strata: [stratum([1, 2])]), EventGrid(strata: [stratum([1]), stratum([2])]),
            EventGrid(strata: [stratum([1, 2], starts: [0, 1])]),
            EventGrid(strata: [stratum([1, 2]), stratum([])]),
            EventGrid(strata: [stratum([]), stratum([1, 2])]), EventGrid(strata: [stratum([2, 1])]),
        ]
        let functions = [
            TimeFunction(.identity), TimeFunction(.logarithm), TimeFunction(.steps(times: [], values: [1])),
            TimeFunction(.steps(times: [1], values: [0, 1])),
        ]
        let asks: [any Question] =
            grids.map { RiskSumsQuestion(coordinates, beta: [0, 0], $0) }
            + grids.map { CovariateRiskSumsQuestion(coordinates, beta: [0, 0], $0) }
            + functions.map { EventTimesQuestion($0) }
            + functions.map { TimeTrendQuestion(coordinates, beta: [0, 0], $0) }
            + [
                CountsQuestion(), MomentsQuestion(), ExitsQuestion(), LogRankQuestion(),
            ]
            + [[false, false], [true, false]].map {
                let information = SymmetricMatrix(order: 2, packedUpper: [2, 1, 2])
                let frame = InformationFrame(information, holding: $0)
                return ResidualsQuestion(coordinates, beta: [0, 0], frame, nil)
            }
        let statements = asks.map { QueryStatement(Query(analysis: "m", $0), in: plan) }
        #expect(Set(statements).count == asks.count)
    }

    @Test func `a curve's counts and the weights of competing events are in the statement`() throws {
        let plan = try Self.plan()
        func curve(_ shape: CurveCounts.Shape, _ events: [[Double]], ends: [Int] = [0, 1]) -> CurveCounts {
            CurveCounts(
                shape: shape, ends: ends,
                counts: TransitionCounts(times: [1, 2], events: events, censored: [1, 0]), areas: [])
        }
        let curves = [
            curve(.productLimit, [[1, 1]]), curve(.exponential, [[1, 1]]), curve(.productLimit, [[1, 2]]),
            curve(.productLimit, [[1, 1]], ends: [0, 2]), curve(.incidence, [[1, 1], [0, 0]]),
            curve(.incidence, [[0, 1], [1, 0]]),
        ]
        let stratum = EventGrid.Stratum(times: [1], deaths: [1], deathWeights: [1])
        let shares: [Double?] = [nil, 0.5, 0.25]
        let grids = shares.map { share in
            EventGrid(
                strata: [stratum], censoring: share.map { CensoringCurve(times: [1], values: [$0]) })
        }
        let asks: [any Question] =
            curves.map { InfluenceQuestion([$0]) } + [InfluenceQuestion([curves[0], curves[0]])]
            + grids.map { RiskSumsQuestion(Self.coordinates(Self.numbers), beta: [0, 0], $0) }
        let statements = asks.map { QueryStatement(Query(analysis: "m", $0), in: plan) }
        #expect(Set(statements).count == asks.count)
    }
}
