import Foundation

extension DisclosurePolicy {
    /// Parses `policy.yaml`; every key is required, so that a policy says in full what it allows.
    ///
    /// Throws a `DocumentError` for a missing or unknown key and for a rule looser than its built-in floor.
    package init(yaml text: String, file: String) throws(DocumentError) {
        let root = try YAMLDocument(text: text, file: file).root
        peopleMin = try root.atLeast("people-min", floor: 10)
        eventsMin = try root.atLeast("events-min", floor: 5)
        levelPeopleMin = try root.atLeast("level-people-min", floor: 5)
        eventsPerParameterMin = try root.atLeast("events-per-parameter-min", floor: 1.0)
        linearPredictorMax = try root.atMost("linear-predictor-max", ceiling: 30.0)
        sitesMin = try root.atLeast("sites-min", floor: StudyFile.sitesFloor)
        evaluationsMax = try root.atMost("evaluations-max", ceiling: 120)
        allowsCommonBaseline = try root.isAllowed("baseline-common")
        allowsExactTimes = try root.isAllowed("times-exact")
        timeGridDaysMin = try root.atLeast("time-grid-days-min", floor: 1.0)
        intervalExitsMin = try root.atLeast("interval-exits-min", floor: 5)
        tableCellMin = try root.atLeast("table-cell-min", floor: 5)
        allowsValueCounts = try root.isAllowed("value-counts")
        operators = try root.strings("operators")
        approvalDaysMax = try root.atMost("approval-days-max", ceiling: 366)
        weightRatioMax = try root.atMost("weight-ratio-max", ceiling: 1000.0)
        cohortDifferenceMin = try root.atLeast("cohort-difference-min", floor: 5)
        allowsMissingDataDifference = try root.isAllowed("missing-data-difference")
        holdsEachRound = try root.isHeld("hold")
        unattended = nil
        for name in operators where !name.isSafeName {
            throw root.error(at: "operators", "\"\(name)\" cannot be an operator's name")
        }
        unattended = try unattended(in: root)
        try root.finish()
    }

    /// Reads `unattended: none`, or a mapping whose rules are no looser than the policy's own.
    private func unattended(in root: YAMLMapping) throws(DocumentError) -> UnattendedApproval? {
        guard root.isMapping("unattended") else {
            guard try root.string("unattended") == "none" else {
                throw root.error(at: "unattended", "unattended is either none or a mapping of stricter rules")
            }
            return nil
        }
        let body = try root.mapping("unattended")
        let names = try body.strings("operators")
        guard !names.isEmpty,
            names.allSatisfy({ $0.isSafeName && (operators.isEmpty || operators.contains($0)) })
        else {
            throw body.error(
                at: "operators", "unattended names the operators it is for, each of those considered here")
        }
        let approval = UnattendedApproval(
            operators: names, until: try body.endOfDay("until"),
            peopleMin: try body.atLeast("people-min", floor: peopleMin),
            eventsMin: try body.atLeast("events-min", floor: eventsMin),
            levelPeopleMin: try body.atLeast("level-people-min", floor: levelPeopleMin),
            eventsPerParameterMin: try body.atLeast("events-per-parameter-min", floor: eventsPerParameterMin))
        try body.finish()
        return approval
    }
}

extension YAMLMapping {
    fileprivate func atLeast(_ key: String, floor: Int) throws(DocumentError) -> Int {
        let value = try int(key)
        guard value >= floor else { throw error(at: key, "\(key) may not be below \(floor)") }
        return value
    }

    fileprivate func atLeast(_ key: String, floor: Double) throws(DocumentError) -> Double {
        let value = try number(key)
        guard value >= floor, value.isFinite else { throw error(at: key, "\(key) may not be below \(floor)") }
        return value
    }

    fileprivate func atMost(_ key: String, ceiling: Int) throws(DocumentError) -> Int {
        let value = try int(key)
        guard (1...ceiling).contains(value) else {
            throw error(at: key, "\(key) must be from 1 to \(ceiling)")
        }
        return value
    }

    fileprivate func atMost(_ key: String, ceiling: Double) throws(DocumentError) -> Double {
        let value = try number(key)
        guard value > 0, value <= ceiling else {
            throw error(at: key, "\(key) must be above 0, at most \(ceiling)")
        }
        return value
    }

    fileprivate func isAllowed(_ key: String) throws(DocumentError) -> Bool {
        switch try string(key) {
        case "allow": return true
        case "refuse": return false
        default: throw error(at: key, "\(key) is either allow or refuse")
        }
    }

    fileprivate func isHeld(_ key: String) throws(DocumentError) -> Bool {
        switch try string(key) {
        case "each-round": return true
        case "never": return false
        default: throw error(at: key, "\(key) is either never or each-round")
        }
    }

    /// The last second of a day such as 2027-03-31, in UTC, since 1970.
    fileprivate func endOfDay(_ key: String) throws(DocumentError) -> Int {
        let text = try string(key)
        let style = Date.ISO8601FormatStyle().year().month().day()
        // The parser takes 2027-02-30 for a day in March.
        guard let day = try? style.parse(text), day.formatted(style) == text else {
            throw error(at: key, "\(key) is a day, for instance 2027-03-31")
        }
        return Int(day.timeIntervalSince1970) + 86_399
    }
}

extension DisclosurePolicy {
    /// Every rule with its value, as the file writes it, in the file's order.
    package var rules: [(rule: String, value: String)] {
        [
            ("people-min", "\(peopleMin)"), ("events-min", "\(eventsMin)"),
            ("level-people-min", "\(levelPeopleMin)"),
            ("events-per-parameter-min", "\(eventsPerParameterMin)"),
            ("linear-predictor-max", "\(linearPredictorMax)"), ("sites-min", "\(sitesMin)"),
            ("evaluations-max", "\(evaluationsMax)"),
            ("baseline-common", allowsCommonBaseline ? "allow" : "refuse"),
            ("times-exact", allowsExactTimes ? "allow" : "refuse"),
            ("time-grid-days-min", "\(timeGridDaysMin)"), ("interval-exits-min", "\(intervalExitsMin)"),
            ("table-cell-min", "\(tableCellMin)"),
            ("value-counts", allowsValueCounts ? "allow" : "refuse"),
            ("operators", "[\(operators.joined(separator: ", "))]"),
            ("approval-days-max", "\(approvalDaysMax)"), ("weight-ratio-max", "\(weightRatioMax)"),
            ("cohort-difference-min", "\(cohortDifferenceMin)"),
            ("missing-data-difference", allowsMissingDataDifference ? "allow" : "refuse"),
            ("hold", holdsEachRound ? "each-round" : "never"), ("unattended", unattended?.rule ?? "none"),
        ]
    }
}

extension UnattendedApproval {
    /// As the file writes it, in one line.
    fileprivate var rule: String {
        let day = Date(timeIntervalSince1970: TimeInterval(until)).formatted(.iso8601.year().month().day())
        return "{operators: [\(operators.joined(separator: ", "))], until: \(day), people-min: \(peopleMin), "
            + "events-min: \(eventsMin), level-people-min: \(levelPeopleMin), "
            + "events-per-parameter-min: \(eventsPerParameterMin)}"
    }
}
