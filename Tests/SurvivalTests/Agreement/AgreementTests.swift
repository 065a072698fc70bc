import ReferenceStudies
import Testing

@testable import Survival

/// Every reference case as a whole study, beside R 4.2.2, survival 3.5-3: see Reference/README.md and Tests/Agreement.md.
struct AgreementTests {
    static let cases = ReferenceCase.all

    @Test(arguments: cases, CaseStudy.Way.allCases)
    func `a whole study says what R says`(reference: ReferenceCase, way: CaseStudy.Way) throws {
        switch try Agreement.outcome(of: reference, way) {
        case nil: return
        case .refused(let reason): #expect(isRefusable(reference, way), "refused: \(reason)")
        case .compared(let deviations):
            #expect(
                !reference.isRefusedByR || reference.id == "nasty-offset-800",
                "R refused, and the study was answered")
            for (statistic, largest) in deviations.largest {
                #expect(
                    largest.size <= reference.tolerance(of: statistic),
                    "\(statistic.rawValue), \(largest.place): relative difference \(largest.size)")
            }
        }
    }

    /// R refused too, or offsets near 300, whose exponentials cannot be summed over hospitals.
    private func isRefusable(_ reference: ReferenceCase, _ way: CaseStudy.Way) -> Bool {
        reference.isRefusedByR || way != .oneSite && reference.id == "nasty-offset-300"
    }
}

extension ReferenceCase {
    var isPenalised: Bool { !model["ridge"].isNull }

    /// The largest relative difference from R; the reference loosens it where digits are lost in the data.
    func tolerance(of statistic: Statistic) -> Double {
        // Sums of weights are rounded.
        if statistic == .curveCounts, !model["weights"].isNull { return 1e-13 }
        if statistic.tolerance == 0 { return 0 }
        // Squares of the lightest rows' influence are rounded to 2^-72 in a sum over hospitals.
        if model["weights"].string == "w_wild", [.survivalError, .survivalLimits].contains(statistic) {
            return 1e-8
        }
        let own = compare["tolerance"].isNull ? 0 : compare["tolerance"].double
        // R stops somewhere on the way to an infinite coefficient.
        return max(statistic.tolerance, own, compare["skip"].isNull ? 0 : 1e-6)
    }
}
