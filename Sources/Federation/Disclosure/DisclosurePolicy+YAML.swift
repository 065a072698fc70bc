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
        sitesMin = try root.atLeast("sites-min", floor: 3)
        evaluationsMax = try root.atMost("evaluations-max", ceiling: 60)
        allowsCommonBaseline = try root.isAllowed("baseline-common")
        allowsExactTimes = try root.isAllowed("times-exact")
        timeGridDaysMin = try root.atLeast("time-grid-days-min", floor: 1.0)
        intervalExitsMin = try root.atLeast("interval-exits-min", floor: 5)
        tableCellMin = try root.atLeast("table-cell-min", floor: 5)
        allowsValueCounts = try root.isAllowed("value-counts")
        operators = try root.strings("operators")
        approvalDaysMax = try root.atMost("approval-days-max", ceiling: 366)
        for name in operators where !name.isSafeName {
            throw root.error(at: "operators", "\"\(name)\" cannot be an operator's name")
        }
        try root.finish()
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
            ("approval-days-max", "\(approvalDaysMax)"),
        ]
    }
}
