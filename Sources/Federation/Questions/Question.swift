import Survival

/// One question that a round may put to every hospital: each answers with a vector, and the vectors add up.
///
/// A question holds all that its answer depends on besides the hospital's rows and the plan of its analysis, so that a hospital
/// answers it with a pure function. Each has a file of its own, with all that is to be known of it.
package protocol Question: Hashable, Sendable {
    /// Its word in rounds, journals, audit logs and `node show`.
    static var name: String { get }
    /// What its numbers are sums of, and over whom.
    static func summation(in plan: AnalysisPlan) -> Summation
    /// What its numbers are, in words for the person who decides about the study.
    static func words(in plan: AnalysisPlan) -> String

    /// The working coordinates of the model that is asked about; nil where none matters.
    var coordinates: Coordinates? { get }
    /// The coefficients it is asked at, on standardised columns; nil where there are none.
    var beta: [Double]? { get }
    /// Numbers in the answer.
    func numberCount(in plan: AnalysisPlan) -> Int
    /// What each number of the answer is, for the hospital's own eyes: as many as `numberCount`.
    func labels(in plan: AnalysisPlan) -> [String]
    /// Writes what the answer depends on besides coordinates and coefficients.
    func write(to bytes: inout QuestionBytes)
    /// This hospital's part of the sum.
    func answer(from site: SiteAnalysis) throws -> [Double]
}

extension Question {
    /// Whether two questions are of one type and equal.
    func isEqual(to other: any Question) -> Bool { (other as? Self) == self }
}

/// What the numbers of a question are sums of: functions of people's rows, over the people that it takes together.
package struct Summation: Hashable, Sendable {
    /// Who is taken together in one number.
    package enum People: Hashable, Sendable, CaseIterable {
        /// All of the analysis.
        case analysis
        /// All of its cohort who have the value, those included whom another missing value keeps out of the analysis.
        case cohort
        /// Those of each group or level.
        case levels
        /// Those with an event.
        case events
        /// Those of each group who leave, or enter, in each interval or at each position of the time axis.
        case exits
        /// Those at risk at each time with an event.
        case riskSets
        /// Those in each cell or bin of a covariate, and those with an event in each bin of time.
        case bins
        /// Pairs of rows at one hospital.
        case pairs

        /// Said after "over".
        package var words: String {
            switch self {
            case .analysis: "everybody in the analysis"
            case .cohort: "everybody in the cohort who has the value"
            case .levels: "those of each group or level"
            case .events: "those with an event"
            case .exits: "those of each group who leave at each time"
            case .riskSets: "those at risk at each time with an event"
            case .bins: "those in each bin"
            case .pairs: "pairs of rows at one hospital"
            }
        }
    }

    /// Functions of a row that are summed; products of them are among them.
    package struct Functions: OptionSet, Hashable, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) { self.rawValue = rawValue }

        /// 1: the number is a count.
        package static let one = Functions(rawValue: 1 << 0)
        /// Covariates, or numbers of a table.
        package static let covariates = Functions(rawValue: 1 << 1)
        /// Times of entry and exit.
        package static let times = Functions(rawValue: 1 << 2)
        /// Case weights and offsets.
        package static let weights = Functions(rawValue: 1 << 3)
        /// e^(xβ) at coefficients that are asked about, and what is made of it: scores, information, residuals.
        package static let risks = Functions(rawValue: 1 << 4)
        /// Places in the order of rows by time and by a marker or linear predictor.
        package static let ranks = Functions(rawValue: 1 << 5)
        /// A person's influence on a curve.
        package static let influences = Functions(rawValue: 1 << 6)
    }

    package var people: People
    package var functions: Functions
    /// Whether the answer has a number for each of several times.
    package var isIndexedByTime = false
    /// Whether answering it counts as one evaluation of a model.
    package var isEvaluation = false
}

/// All that a statement's digest covers, as little-endian bit patterns with lengths.
package struct QuestionBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ numbers: [Double]) {
        withUnsafeBytes(of: UInt64(numbers.count).littleEndian) { bytes.append(contentsOf: $0) }
        for number in numbers {
            withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    mutating func append(_ grid: EventGrid) {
        append([Double(grid.strata.count)])
        for stratum in grid.strata {
            append(stratum.times)
            append(stratum.deaths)
            append(stratum.deathWeights)
            append(stratum.starts ?? [])
        }
        append(grid.censoring?.times ?? [])
        append(grid.censoring?.values ?? [])
    }

    mutating func append(_ function: TimeFunction) {
        let kind: Double =
            switch function.shape {
            case .identity: 0
            case .logarithm: 1
            case .steps: 2
            }
        append([kind, function.center, function.scale])
        if case .steps(let times, let values) = function.shape {
            append(times)
            append(values)
        }
    }

    mutating func append(_ common: CommonHazard) {
        append(common.grid)
        append(common.hazard.survivor)
        append(common.hazard.leaver)
        append(common.means.survivor)
        append(common.means.leaver)
        append(common.means.death)
    }

    mutating func append(_ options: ConcordanceOptions, scale: Double) {
        append([Double(ConcordanceWeight.allCases.firstIndex(of: options.weight) ?? -1), scale])
        append([options.timeMin].compactMap { $0 })
        append([options.timeMax].compactMap { $0 })
    }
}
