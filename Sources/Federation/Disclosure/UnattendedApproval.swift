/// Which studies a hospital approves without a person, and until when: those of named operators that meet stricter rules.
package struct UnattendedApproval: Hashable, Sendable, Codable {
    package var operators: [String]
    /// The end of the last day, in seconds since 1970.
    package var until: Int
    package var peopleMin: Int
    package var eventsMin: Int
    package var levelPeopleMin: Int
    package var eventsPerParameterMin: Double

    package init(
        operators: [String], until: Int, peopleMin: Int, eventsMin: Int, levelPeopleMin: Int,
        eventsPerParameterMin: Double
    ) {
        (self.operators, self.until, self.peopleMin) = (operators, until, peopleMin)
        (self.eventsMin, self.levelPeopleMin) = (eventsMin, levelPeopleMin)
        self.eventsPerParameterMin = eventsPerParameterMin
    }
}

extension DisclosurePolicy {
    /// The rules under which a study is answered that no person approved; nil if a person always must.
    ///
    /// Never with sums indexed by exact times or for one baseline hazard, and never with difference by missing values.
    package var withoutPerson: DisclosurePolicy? {
        guard let unattended else { return nil }
        var strict = self
        strict.operators = unattended.operators
        strict.peopleMin = unattended.peopleMin
        strict.eventsMin = unattended.eventsMin
        strict.levelPeopleMin = unattended.levelPeopleMin
        strict.eventsPerParameterMin = unattended.eventsPerParameterMin
        strict.allowsCommonBaseline = false
        strict.allowsExactTimes = false
        strict.allowsMissingDataDifference = false
        return strict
    }
}

extension DisclosurePolicy {
    /// Why a person must decide about a study, by its text; nil if only the hospital's patients could be a reason.
    ///
    /// The node and `coxswain study check --policy` ask the same.
    package func reasonForPerson(_ plan: StudyPlan, ofOperator name: String?) -> String? {
        guard let strict = withoutPerson else {
            return "the policy approves no study without one (unattended:)"
        }
        if let formula = plan.ownFormula {
            return
                "unattended: is for studies without formulas beyond comparisons of one variable with constants, and in \(formula)"
        }
        return strict.objections(to: plan, ofOperator: name).first.map { "unattended: \($0)" }
    }
}
