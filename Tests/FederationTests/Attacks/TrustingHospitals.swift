import Federation
import Foundation
import Survival

/// Hospitals with every check of a session switched off: each answers whatever it is asked, and the answers are added.
///
/// It stands here and not in the product: an attack that succeeds on them, and is refused by a `SiteSession`, shows that
/// the check, and not the attacker's clumsiness, is what protects the patients.
struct TrustingHospitals {
    let cohorts: [SiteCohort]

    /// What secure aggregation would show: the total alone.
    func sum(_ query: Query) throws -> [Double] {
        let answers = try cohorts.map { try $0.answer(query) }
        return (answers.first ?? []).indices.map { lane in answers.reduce(0) { $0 + $1[lane] } }
    }
}

extension DisclosurePolicy {
    /// The policy that is handed out with the program: `Config/policy.yaml`.
    static func ofTheExamples() throws -> DisclosurePolicy {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Config/policy.yaml").standardized
        return try DisclosurePolicy(yaml: String(contentsOf: file, encoding: .utf8), file: "policy.yaml")
    }
}
