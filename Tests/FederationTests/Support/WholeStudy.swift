import Cryptography
import Federation
import ReferenceStudies
import Survival
import TestConsortia

/// A whole study in one process, with the rows of each hospital; randomness from a fixed seed.
func result(
    of study: String, _ hospitals: [[Patient]], dictionary: DataDictionary = Ward.dictionary,
    order: [Int]? = nil
) throws -> StudyResult {
    let names = Ward.names(hospitals.count)
    let tables = (order ?? Array(names.indices)).map {
        (site: names[$0], table: PatientTable(hospitals[$0]))
    }
    let federation = try InProcessFederation(
        plan: Ward.plan(study, dictionary: dictionary), tables: tables, time: Consortium.now)
    var random = SeededGenerator(7)
    return try federation.run { random.bytes(32) }
}

extension StudyResult {
    subscript(_ id: String) -> AnalysisResult? { analyses.first { $0.id == id } }

    func cox(_ id: String) throws -> CoxResult {
        guard case .cox(let cox) = self[id] else {
            throw Missing(what: "\(id): \(String(describing: self[id]))")
        }
        return cox
    }

    func survival(_ id: String) throws -> SurvivalResult {
        guard case .survival(let survival) = self[id] else {
            throw Missing(what: "\(id): \(String(describing: self[id]))")
        }
        return survival
    }

    /// Why an analysis failed; nil if it did not.
    func failure(_ id: String) -> String? {
        if case .failed(_, _, let reason) = self[id] { reason } else { nil }
    }

    struct Missing: Error { var what: String }
}

extension CoxResult {
    var coefficients: [Double] { terms.map { $0.coef.value ?? .nan } }
    var standardErrors: [Double] { terms.map { $0.se.value ?? .nan } }

    /// Every number that a reader sees, NaN for NA.
    var numbers: [Double] {
        let tests = [likelihoodRatio, wald, score].flatMap { [$0.statistic, $0.logP] }
        let table = terms.flatMap { [$0.coef, $0.se, $0.z, $0.logP, $0.hr, $0.lower, $0.upper] }
        return [logLikelihoodNull, logLikelihood] + (tests + table + covariance).map { $0.value ?? .nan }
    }
}
