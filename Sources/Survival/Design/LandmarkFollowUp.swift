/// Who of a cohort is at risk at a landmark, and how the follow-up goes on from there.
///
/// A row is in if its exit is after the landmark and its start, if it has one, not after it; times then count from the
/// landmark, and covariates are those of that row (Anderson et al., J Clin Oncol 1983). Where a person has several (start,
/// time] rows, the later ones only tell how long the person was followed: until the first event, a gap, or the last row.
struct LandmarkFollowUp {
    /// Whether each row of the table is in; false for rows outside the cohort.
    ///
    /// A row whose times are missing stays in, to be left out as incomplete.
    let isAtRisk: [Bool]
    /// People of the cohort none of whose rows is in.
    let excludedPeople: Int

    private let landmark: Double
    private let times: [Double]
    private let events: [Double]
    private let person: [Int32]
    /// Rows of the cohort by person and start; nil where rows have no start.
    private let followers: [Place: Follower]?

    private struct Place: Hashable {
        var person: Int32
        var start: Double
    }

    private enum Follower {
        case row(Int)
        case several
    }

    init(
        at landmark: Double, _ endpoint: EndpointSpecification, isInCohort: [Bool], table: PatientTable,
        evaluator: inout ExpressionEvaluator
    ) throws(ScopeError) {
        let times = try evaluator.numbers(of: endpoint.time)
        let starts: [Double]? =
            if let start = endpoint.start { try evaluator.numbers(of: start) } else { nil }
        let isAtRisk = isInCohort.indices.map { row in
            // Written so that a missing time leaves the row in.
            isInCohort[row] && !(times[row] <= landmark) && !(starts.map { $0[row] > landmark } ?? false)
        }
        let people = { (isCounted: (Int) -> Bool) in
            Set(isInCohort.indices.filter(isCounted).map { table.person[$0] })
        }
        excludedPeople = people { isInCohort[$0] }.subtracting(people { isAtRisk[$0] }).count
        self.followers = starts.map { starts in
            var followers: [Place: Follower] = [:]
            for row in isInCohort.indices where isInCohort[row] && times[row] > starts[row] {
                let place = Place(person: table.person[row], start: starts[row])
                followers[place] = followers[place] == nil ? .row(row) : .several
            }
            return followers
        }
        (self.isAtRisk, self.landmark, self.times) = (isAtRisk, landmark, times)
        events = try evaluator.numbers(of: endpoint.event)
        person = table.person
    }

    /// When, counted from the landmark, and how the follow-up of rows at risk ends, and the row of the table that tells it.
    func ends(of rows: [Int]) throws(ScopeError) -> (exit: [Double], event: [Bool], row: [Int]) {
        var (exit, event, lasts) = ([Double](), [Bool](), [Int]())
        for row in rows {
            let last = try last(from: row)
            exit.append(times[last] - landmark)
            event.append(events[last] == 1)
            lasts.append(last)
        }
        return (exit, event, lasts)
    }

    private func last(from row: Int) throws(ScopeError) -> Int {
        var last = row
        while events[last] == 0, let next = followers?[Place(person: person[last], start: times[last])] {
            guard case .row(let row) = next else {
                throw ScopeError(
                    .unusable(
                        "two rows of a person begin at the same time, so that it is not clear how follow-up goes on after a landmark; choose one kind of row by the cohort's filter"
                    ))
            }
            guard !events[row].isNaN else { break }
            last = row
        }
        return last
    }
}

extension ExpressionEvaluator {
    /// The values of a number or yes/no expression, NaN where missing.
    mutating func numbers(of expression: Expression) throws(ScopeError) -> [Double] {
        switch try column(of: expression) {
        case .number(let values), .boolean(let values): return values
        case .category:
            throw ScopeError(
                .wrongType(found: "a category", expected: "a number"), text: expression.text, position: 1)
        }
    }
}
