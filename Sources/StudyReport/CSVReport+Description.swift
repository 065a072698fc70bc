import Survival

extension CSVReport {
    mutating func add(_ table: DescriptionResult) {
        let place = Place(analysis: table.id, kind: "describe")
        addWarnings(table.warnings, at: place)
        add(table.counts, at: place)
        add(place, "by", .text(table.by ?? ""))
        add(place, "smallest_cell", .integer(table.smallestCell))
        let columns = [""] + table.groups
        for (column, people) in zip(columns, table.people) {
            add(Place(analysis: table.id, kind: "describe", group: column), "column_people", .integer(people))
        }
        for variable in table.variables { add(variable, columns, at: place) }
    }

    private mutating func add(
        _ variable: DescriptionResult.Variable, _ columns: [String], at place: Place
    ) {
        for (index, column) in columns.enumerated() {
            var place = place
            (place.group, place.term) = (column, variable.name)
            add(place, "known", .integer(variable.known[index]))
            add(place, "missing", .integer(variable.missing[index]))
            switch variable.summary {
            case .number(let number): add(number, index, at: place)
            case .levels(let levels):
                for level in levels {
                    place.term = "\(variable.name)=\(level.name)"
                    add(place, "n", .number(level.counts[index]))
                    add(place, "share", .number(level.shares[index]))
                }
            }
        }
        var ofVariable = place
        ofVariable.term = variable.name
        if let difference = variable.difference { add(ofVariable, "smd", .number(difference)) }
        for comparison in variable.comparisons { add(comparison, at: ofVariable) }
    }

    private mutating func add(_ number: DescriptionResult.Number, _ column: Int, at place: Place) {
        add(place, "mean", .number(number.mean[column]))
        add(place, "sd", .number(number.sd[column]))
        guard let quartiles = number.quartiles else { return }
        add(place, "q1", .number(quartiles.lower[column]))
        add(place, "median", .number(quartiles.median[column]))
        add(place, "q3", .number(quartiles.upper[column]))
    }

    private mutating func add(_ comparison: DescriptionResult.Comparison, at place: Place) {
        let name = comparison.test.rawValue
        add(place, name, .number(comparison.statistic))
        for (index, degrees) in comparison.degreesOfFreedom.enumerated() {
            let number = comparison.degreesOfFreedom.count > 1 ? "\(index + 1)" : ""
            add(place, "\(name)_df\(number)", .number(degrees))
        }
        add(place, "\(name)_p", .number(comparison.p))
        add(place, "\(name)_log_p", .number(comparison.logP))
    }
}
