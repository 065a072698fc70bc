import Foundation
import Survival

@testable import Federation

/// Hospitals with every check of a session switched off: each answers whatever it is asked, and the answers are added.
///
/// It stands here and not in the product: an attack that succeeds on them, and is refused by a `SiteSession`, shows that
/// the check, and not the attacker's clumsiness, is what protects the patients.
struct TrustingHospitals {
    let cohorts: [SiteCohort]

    /// What secure aggregation would show: the total alone, its last number being the trouble lane's.
    func sum(_ query: Query) throws -> [Double] {
        let answers = try cohorts.map { try $0.answer(query) }
        return (answers.first ?? []).indices.map { lane in answers.reduce(0) { $0 + $1[lane] } }
    }

    /// The numbers of the total; throws if a hospital could not answer.
    func numbers(_ query: Query) throws -> [Double] {
        let lanes = try sum(query)
        guard lanes.last == 0 else { throw Unanswered(trouble: Trouble(summedLane: lanes.last ?? .nan)) }
        return Array(lanes.dropLast())
    }

    struct Unanswered: Error { var trouble: Trouble }
}

extension DisclosurePolicy {
    /// The policy that is handed out with the program: `Config/policy.yaml`.
    static func ofTheExamples() throws -> DisclosurePolicy {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Config/policy.yaml").standardized
        return try DisclosurePolicy(yaml: String(contentsOf: file, encoding: .utf8), file: "policy.yaml")
    }
}
