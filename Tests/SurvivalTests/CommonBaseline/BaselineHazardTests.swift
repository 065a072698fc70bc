import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// Baseline hazards and predicted curves against R 4.2.2, survival 3.5-3 (`survfit(coxph(...), newdata)`): see
/// Reference/README.md.
struct BaselineHazardTests {
    /// Under a robust variance the reference has the model's in some cases and R's curves the robust one.
    static let cases = ReferenceCase.of(kind: "cox").filter {
        $0.isWellPosed && $0.ties != .exact && !$0.expected["baseline"].isNull
            && $0.expected["robust_se"].isNull && $0.compare["tolerance"].isNull
    }

    @Test(arguments: cases)
    func `curves from sums over three sites are R's`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        var split = Array(repeating: [Int](), count: 3)
        for row in 0..<frame.rowCount { split[row % 3].append(row) }
        let sites = try CommonSites(frame, split: split, ties: reference.ties)
        let curves = try Curves(frame, try sites.hazard())
        for (index, label) in Set(frame.stratum).sorted().enumerated() {
            let key = Self.label(of: label, reference)
            try checkBaseline(curves, index, reference.expected["baseline"][key])
            for profile in reference.expected["predicted_survival"].elements {
                let x = try Self.columns(of: profile, reference)
                let offset = profile["offset"].isNull ? 0 : profile["offset"].double
                try check(curves.points(index, x, offset: offset), profile["curves"][key])
            }
        }
    }

    private func checkBaseline(_ curves: Curves, _ stratum: Int, _ expected: JSONValue) throws {
        let points = curves.points(stratum, curves.center.map { _ in 0 }, offset: 0)
        for (time, want) in zip(expected["time"].doubles, expected["cumhaz_at_zero"].doubles) {
            let got = points.last { $0.time <= time }?.hazard ?? 0
            expectClose(got, want, relative: 1e-8, "baseline hazard at \(time)")
        }
    }

    private func check(_ points: [BaselineHazard.Point], _ expected: JSONValue) throws {
        for (row, time) in expected["time"].doubles.enumerated() {
            let point = points.last { $0.time <= time } ?? .init(time: time, hazard: 0, se: 0)
            expectClose(point.hazard, expected["cumhaz"].doubles[row], relative: 1e-8, "H at \(time)")
            expectClose(point.se, expected["se_cumhaz"].doubles[row], relative: 1e-8, "se at \(time)")
            for limits in ConfidenceLimits.allCases {
                let name = limits == .logLog ? "loglog" : limits.rawValue
                let got = point.survival(limits: limits, level: 0.95)
                expectClose(got.estimate, expected["surv"].doubles[row], relative: 1e-8, "S at \(time)")
                for (value, column) in [(got.lower, "lower_\(name)"), (got.upper, "upper_\(name)")] {
                    let want = expected[column].doubles[row]
                    expectClose(value, want, relative: 1e-7, absolute: 1e-15, "\(column) at \(time)")
                }
            }
        }
    }

    /// R's label of a stratum.
    private static func label(of stratum: String, _ reference: ReferenceCase) -> String {
        let names = reference.model["strata"].strings
        guard !names.isEmpty else { return "all" }
        guard case .object(let labels) = reference.expected["strata_labels"] else { return stratum }
        return labels.first { _, values in
            names.map { values[$0].string ?? "" }.joined(separator: ", ") == stratum
        }?.key ?? stratum
    }

    private static func columns(of profile: JSONValue, _ reference: ReferenceCase) throws -> [Double] {
        try reference.model["terms"].elements.flatMap { try columns(of: $0, profile["profile"]) }
    }

    private static func columns(of term: JSONValue, _ profile: JSONValue) throws -> [Double] {
        let value = profile[term["col"].string ?? ""]
        switch term["type"].string {
        case "num":
            var number = value.double
            if !term["mul"].isNull { number *= term["mul"].double }
            if !term["add"].isNull { number += term["add"].double }
            switch term["fn"].string {
            case "log": number = log(number)
            case "log1p": number = log1p(number)
            case "sqrt": number = number.squareRoot()
            case "square": number *= number
            default: break
            }
            return [number]
        case "fac":
            return term["levels"].elements.dropFirst().map { $0.equals(field: value.string ?? "") ? 1 : 0 }
        default:
            return try term["of"].elements.reduce([1.0]) { products, part in
                try columns(of: part, profile).flatMap { value in products.map { $0 * value } }
            }
        }
    }
}

/// Curves of a fit in the units of its covariates.
private struct Curves {
    let center: [Double]
    private let scale: [Double]
    private let offsetCenter: Double
    private let hazard: BaselineHazard

    init(_ frame: ModelFrame, _ hazard: BaselineHazard) throws {
        (center, scale) = frame.moments
        offsetCenter = (frame.offset ?? []).reduce(0, +) / Double(max(frame.rowCount, 1))
        self.hazard = hazard
    }

    func points(_ stratum: Int, _ x: [Double], offset: Double) -> [BaselineHazard.Point] {
        let standardised = x.indices.map { (x[$0] - center[$0]) / (scale[$0] == 0 ? 1 : scale[$0]) }
        return hazard.points(stratum: stratum, covariates: standardised, offset: offset - offsetCenter)
    }
}

extension CommonSites {
    /// The baseline hazard of the fit, with the model's variance.
    fileprivate func hazard() throws -> BaselineHazard {
        let fit = try fit()
        let hazard = try HazardIncrements(
            grid: grid, riskSums: total { try $0.riskSums(at: fit.beta) }, ties: ties)
        let means = hazard.meanIncrements(
            covariateRiskSums: try total { try $0.covariateRiskSums(at: fit.beta) },
            parameterCount: fit.beta.count)
        return BaselineHazard(
            grid: grid, hazard: hazard, means: means, beta: fit.beta, covariance: CoefficientCovariance(fit))
    }
}
