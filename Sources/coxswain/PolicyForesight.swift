import Federation
import Membership

/// What a hospital's policy would say of a study's text, before anything is sent.
struct PolicyForesight {
    let path: String
    let objections: [DisclosureError]
    private let unattended: String

    init(_ path: String, of plan: StudyPlan, by lead: String?) throws {
        let file = try ConfigurationFile(path: path, what: "policy")
        let policy = try DisclosurePolicy(yaml: file.text, file: path)
        self.path = path
        objections = policy.objections(to: plan, ofOperator: lead)
        unattended =
            policy.withoutPerson == nil
            ? "a person decides"
            : policy.reasonForPerson(plan, ofOperator: lead).map { "a person decides (\($0))" }
                ?? "it may be approved without a person (unattended:)"
    }

    var text: String {
        guard objections.isEmpty else {
            return objections.map { "\(path): would refuse: \($0)" }.joined(separator: "\n")
        }
        return
            "\(path): nothing in the study's text is against it; \(unattended), and the hospital's patients decide the rest"
    }
}

/// Policies that would refuse a study for its text alone.
struct ForeseenRefusal: Error, CustomStringConvertible {
    let policies: [String]

    var description: String { "the study would be refused under \(policies.joined(separator: ", "))" }
}
