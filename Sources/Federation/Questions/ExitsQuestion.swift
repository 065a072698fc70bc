package import Survival

/// Events and other exits (and entries) at each position of the time axis, by group or stratum.
package struct ExitsQuestion: Question {
    package static let name = "exits"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(
            people: .exits, functions: plan.weights == nil ? .one : [.one, .weights], isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let layout = ExitsLayout(plan)
        let causes = plan.causes.count
        let events = causes == 0 ? "events" : "events of \(counted(causes, "cause"))"
        let exits = plan.endpoint.hasEntry ? "\(events), censorings and entries" : "\(events) and censorings"
        let weights = layout.hasWeights ? ", and sums of their weights," : ""
        let positions =
            plan.axis.map { "\(counted($0.count, "time"))" } ?? "every time at which someone leaves"
        return "\(exits)\(weights) at \(positions) (\(counted(plan.exitGroupCount, "group")))"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { ExitsLayout(plan).count }

    package func labels(in plan: AnalysisPlan) -> [String] {
        let layout = ExitsLayout(plan)
        let groups = plan.groupNames(plan.kind.groupNames, count: layout.groups)
        return groups.flatMap { group in
            layout.fields.flatMap { field in
                (0..<layout.positions).map { position in
                    "\(group), \(field.words(plan.causes)) at \(plan.axis?.time(at: position) ?? 0)"
                }
            }
        }
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) -> [Double] {
        let (plan, cases) = (site.plan, site.cases)
        let layout = ExitsLayout(plan)
        var lanes = [Double](repeating: 0, count: layout.count)
        guard let axis = plan.axis else { return lanes }
        let weights = site.rows.weights ?? site.rows.data?.weight
        for row in cases.exit.indices {
            let group = site.rows.groups.map { Int($0[row]) } ?? 0
            let position = axis.position(of: cases.exit[row])
            func add(_ field: ExitsLayout.Field, _ amount: Double, at position: Int) {
                if let offset = layout.offset(field, group: group) { lanes[offset + position] += amount }
            }
            let field = exitField(of: row, site)
            add(field, 1, at: position)
            add(field.weighted, weights?[row] ?? 1, at: position)
            if let entry = cases.entry {
                let position = axis.entryPosition(of: entry[row])
                add(.entries, 1, at: position)
                add(.entryWeights, weights?[row] ?? 1, at: position)
            }
        }
        return lanes
    }

    private func exitField(of row: Int, _ site: SiteAnalysis) -> ExitsLayout.Field {
        guard let causes = site.causes else { return site.cases.event[row] ? .events : .otherExits }
        return causes[row] >= 0 ? .cause(causes[row]) : .otherExits
    }
}

/// Where each number of an `exits` answer stands: for each group, lanes for each position of the time axis.
package struct ExitsLayout: Sendable {
    package enum Field: Hashable, Sendable {
        case events, eventWeights, otherExits, otherWeights, entries, entryWeights
        /// Events of one of several causes.
        case cause(Int)
        case causeWeights(Int)

        func words(_ causes: [AnalysisPlan.Cause]) -> String {
            switch self {
            case .events: "events"
            case .eventWeights: "weights of events"
            case .otherExits: "censored"
            case .otherWeights: "weights of the censored"
            case .entries: "entries"
            case .entryWeights: "weights of entries"
            case .cause(let cause): "events of \(causes[cause].name)"
            case .causeWeights(let cause): "weights of events of \(causes[cause].name)"
            }
        }

        /// The field with the sums of weights of the rows that this one counts.
        var weighted: Field {
            switch self {
            case .events, .eventWeights: .eventWeights
            case .otherExits, .otherWeights: .otherWeights
            case .entries, .entryWeights: .entryWeights
            case .cause(let cause), .causeWeights(let cause): .causeWeights(cause)
            }
        }
    }

    package let positions: Int
    package let groups: Int
    package let fields: [Field]
    /// The fields that count events: one, or one for each cause.
    let eventFields: [Field]
    /// Those of them that are events of the analysis: all, or the cause of interest.
    let ownEvents: [Field]

    package init(_ plan: AnalysisPlan) {
        positions = plan.axis?.count ?? 0
        groups = plan.exitGroupCount
        eventFields = plan.causes.isEmpty ? [.events] : plan.causes.indices.map { .cause($0) }
        ownEvents = plan.causeOfInterest.map { [.cause($0)] } ?? eventFields
        var fields = eventFields + [.otherExits]
        if plan.endpoint.hasEntry { fields.append(.entries) }
        if plan.weights != nil {
            switch plan.kind.exitWeights {
            case .none: break
            case .events: fields.append(.eventWeights)
            case .all: fields += fields.map(\.weighted)
            }
        }
        self.fields = fields
    }

    package var count: Int { positions * groups * fields.count }

    /// Whether sums of weights stand beside counts.
    var hasWeights: Bool { fields.contains { $0 == $0.weighted } }

    /// Throws unless the numbers are counts of these rows and events.
    package func requireFit(_ sum: [Double], _ counts: CohortCounts) throws(StudyError) {
        func all(_ fields: [Field]) -> Double { fields.reduce(0) { $0 + (total($1, of: sum) ?? .nan) } }
        let (others, entries) = (total(.otherExits, of: sum), total(.entries, of: sum))
        guard let others, all(ownEvents) == Double(counts.events),
            all(eventFields) + others == Double(counts.rows),
            entries == nil || entries == Double(counts.rows)
        else { throw .sums("the hospitals' exits do not add up to their counts of rows and events") }
    }

    /// All of a field, over groups and positions; nil if the layout has no such field, or if one of them is no count.
    private func total(_ field: Field, of sum: [Double]) -> Double? {
        var total = 0.0
        for group in 0..<groups {
            guard let lanes = lanes(field, group: group, of: sum) else { return nil }
            guard lanes.allSatisfy({ $0 >= 0 && $0 == $0.rounded() }) else { return .nan }
            total += lanes.reduce(0, +)
        }
        return total
    }

    /// The lane of a field of a group at position 0; nil if the layout has no such field.
    package func offset(_ field: Field, group: Int) -> Int? {
        fields.firstIndex(of: field).map { (group * fields.count + $0) * positions }
    }

    /// A field of a group over all positions; nil if the layout has no such field.
    package func lanes(_ field: Field, group: Int, of sum: [Double]) -> [Double]? {
        offset(field, group: group).map { Array(sum[$0..<($0 + positions)]) }
    }
}
