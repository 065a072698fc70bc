import Survival

/// A Cox model's penalty, compiled: which columns it is on.
package enum CoxPenaltyPlan: Hashable, Sendable {
    case ridge(Ridge)
    case firth

    package struct Ridge: Hashable, Sendable {
        package var theta: Double
        package var isScaled: Bool
        /// The penalised columns, ascending.
        package var columns: [Int]
    }

    /// Third derivatives are a sum of p³/6 numbers.
    private static let firthColumnsMax = 30

    /// Throws if the model has no such term, or none of the sums that the penalty needs.
    init(
        _ penalty: CoxRequest.Penalty, model: ModelSpecification, baseline: CoxResult.Baseline, ties: Ties
    ) throws {
        guard ties != .exact else { throw Fault("ties: exact goes with no penalty") }
        switch penalty {
        case .firth:
            guard baseline == .site else { throw Fault("penalty: firth needs baseline: site") }
            guard model.columns.count <= Self.firthColumnsMax else {
                throw Fault("penalty: firth takes at most \(Self.firthColumnsMax) coefficients")
            }
            self = .firth
        case .ridge(let theta, let isScaled, let terms):
            self = .ridge(
                Ridge(theta: theta, isScaled: isScaled, columns: try Self.columns(of: terms, in: model)))
        }
    }

    private static func columns(of terms: [String]?, in model: ModelSpecification) throws -> [Int] {
        guard let terms else { return Array(model.columns.indices) }
        var columns: Set<Int> = []
        for text in terms {
            let names = [text, try? Expression(parsing: text).termName]  // an interaction is no expression
            guard let term = model.terms.first(where: { names.contains($0.name) }) else {
                throw Fault(
                    "the ridge's term \"\(text)\" is not in the model, whose terms are \(model.terms.map(\.name).joined(separator: ", "))"
                )
            }
            columns.formUnion(term.columns)
        }
        return columns.sorted()
    }

    /// Profile likelihoods and penalties have no robust variance, and R's check of proportional hazards no penalty.
    static func requireOneVariance(
        _ options: CoxRequest.Options, _ penalty: CoxPenaltyPlan?, isRobust: Bool
    ) throws {
        if penalty != nil, isRobust || options.check != nil {
            throw Fault("penalty: goes with none of robust:, cluster() and check:")
        }
        if options.limits == .profile, isRobust {
            throw Fault("limits: profile goes with neither robust: nor cluster()")
        }
        if options.limits == .profile, case .ridge? = penalty {
            throw Fault("limits: profile goes with no ridge")
        }
        if options.limits == .wald, penalty == .firth {
            throw Fault("under penalty: firth the limits are the profile likelihood's; drop limits:")
        }
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}

extension ModelSpecification {
    /// How far each covariate can lie from its centre, in working coordinates: by the dictionary for what is 0 or 1, and ten
    /// standard deviations at most for numbers, whose range may be much wider than their values.
    func reach(of coordinates: Coordinates) -> [Double] {
        columns.indices.map { index in
            let bounds = columns[index].bounds
            let (center, scale) = (coordinates.center[index], coordinates.scale[index])
            let farthest = max(abs(bounds.lowerBound - center), abs(bounds.upperBound - center)) / scale
            return bounds == 0...1 ? farthest : min(10, farthest)
        }
    }
}
