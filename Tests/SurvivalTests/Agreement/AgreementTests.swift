import Testing

@testable import Survival

/// Every reference case as a whole study, beside R 4.2.2, survival 3.5-3: see Reference/README.md and Tests/Agreement.md.
struct AgreementTests {
    /// Cases whose every question a study can ask.
    static let cases = ReferenceCase.all.filter { reference in
        guard reference.json["data"]["file"].string != "cohort.csv" else { return false }
        switch reference.kind {
        case "cox": return reference.model["ridge"].isNull
        case "km":
            return reference.model["stype"].double == 1 && reference.model["weights"].isNull
                && reference.model["cluster"].isNull
        case "logrank": return true
        default: return false
        }
    }

    @Test(arguments: cases, AgreementStudy.Way.allCases)
    func `a whole study says what R says`(reference: ReferenceCase, way: AgreementStudy.Way) throws {
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
    private func isRefusable(_ reference: ReferenceCase, _ way: AgreementStudy.Way) -> Bool {
        reference.isRefusedByR || way != .oneSite && reference.id == "nasty-offset-300"
    }
}

extension ReferenceCase {
    var isRefusedByR: Bool { !json["error"].isNull }

    /// The largest relative difference from R; the reference loosens it where digits are lost in the data.
    func tolerance(of statistic: Statistic) -> Double {
        if statistic.tolerance == 0 { return 0 }
        let own = compare["tolerance"].isNull ? 0 : compare["tolerance"].double
        // R stops somewhere on the way to an infinite coefficient.
        return max(statistic.tolerance, own, compare["skip"].isNull ? 0 : 1e-6)
    }
}
