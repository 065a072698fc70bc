import Survival

/// The answers to the queries.
extension SiteAnalysis {
    func answer(_ ask: Query.Ask) throws -> [Double] {
        switch ask {
        case .counts: return counts()
        case .times(let cells): return cells.sums(of: cases.exit)
        case .exits: return exits()
        case .moments: return try moments()
        case .likelihood(let coordinates, let beta):
            let sums = try likelihood(coordinates).evaluate(at: beta)
            return [sums.logLikelihood] + sums.score + sums.information.packedUpper
        case .likelihoodWithThirdDerivatives(let coordinates, let beta):
            let sums = try likelihood(coordinates).evaluateWithThirdDerivatives(at: beta)
            return [sums.logLikelihood] + sums.score + sums.information.packedUpper
                + sums.thirdDerivatives.packed
        case .spread(let coordinates): return spreadSums(coordinates)
        case .eventSums(let coordinates):
            let (data, cox) = try model(coordinates)
            // Sums over events need no other site's times.
            let ownTimes = EventGrid(eventsOf: data, stratumCount: plan.groupCount)
            return try CommonBaseline(data: data, grid: ownTimes, ties: cox.ties).eventSums()
        case .riskSums(let coordinates, let beta, let grid):
            return coordinates.scaled(try baseline(coordinates, grid).riskSums(at: beta), width: 1)
        case .gram(let coordinates, let beta, let grid, let hazard):
            return try baseline(coordinates, grid).gram(at: beta, hazard: hazard)
        case .covariateRiskSums(let coordinates, let beta, let grid):
            return coordinates.scaled(
                try baseline(coordinates, grid).covariateRiskSums(at: beta), width: plan.columnCount)
        case .eventTimes(let function):
            var moments = TimeMoments()
            for (time, event) in zip(cases.exit, cases.event) where event { moments.add(function(time)) }
            return moments.vector
        case .timeTrend(let coordinates, let beta, let function):
            let (data, cox) = try model(coordinates)
            return try PartialLikelihood(data, ties: cox.ties, instructions: instructions)
                .timeTrend(at: beta, along: function).vector
        case .eventTrend(let coordinates, let grid, let factors):
            return try baseline(coordinates, grid).eventSums(weightedBy: factors)
        case .siteRanks(let coordinates, let beta):
            return SiteHeterogeneity(try likelihood(coordinates).evaluate(at: beta)).ranks
        case .siteHeterogeneity(let coordinates, let beta, let coefficients):
            return SiteHeterogeneity(try likelihood(coordinates).evaluate(at: beta)).parts(of: coefficients)
        case .cellCounts: return cells.flatMap { $0.people.map { Double($0) } }
        case .binnedResiduals(let coordinates, let beta, let bins, let common):
            return try binnedResiduals(coordinates, beta, bins, common)
        case .residuals(let coordinates, let beta, let frame, let common):
            return try residuals(coordinates, beta, frame, common)
        case .concordance(let coordinates, let beta, let options, let scale):
            return try concordance(coordinates, beta, options, scale: scale)
        case .markerPairs(let options, let scale): return try markerPairs(options, scale: scale)
        case .tallies: return try table().tallies()
        case .tableSums(let cells): return try table().sums(cells)
        case .tableSquares(let cells, let centers): return try table().squares(cells, centers: centers)
        case .histograms(let histograms): return try table().counts(histograms)
        case .influence(let curves): return influence(curves)
        }
    }

    private func table() throws -> SiteTable {
        guard let people else { throw StudyError.sums("only a table of the patients has tallies") }
        return people
    }

    private func counts() -> [Double] {
        let layout = CountsLayout(plan)
        let dropped = layout.droppedVariables.map { cases.droppedByVariable[$0] ?? 0 }
        let numbers =
            [
                cases.rows.count, cases.peopleCount, cases.event.count { $0 },
                cases.cohortRowCount - cases.rows.count - cases.overlappingRowsLeftOut,
            ]
            + dropped + levelCounts + (plan.people == .firstRow ? [cases.overlappingRowsLeftOut] : [])
            + [cases.landmarkExcludedPeople].compactMap { $0 } + spreadPeople
        return numbers.map { Double($0) } + (layout.hasTimes ? timeSums() : [])
    }

    /// How many entries and exits are not at 0, and the sum of their sizes, in units of the dictionary's range.
    private func timeSums() -> [Double] {
        let times = (cases.exit + (cases.entry ?? [])).filter { $0 != 0 }
        let unit = DictionaryRange(plan.timeBounds).half
        return [Double(times.count), min(times.reduce(0) { $0 + abs($1) / unit }, CountsLayout.timeSumMax)]
    }

    private func exits() -> [Double] {
        let layout = ExitsLayout(plan)
        var lanes = [Double](repeating: 0, count: layout.count)
        guard let axis = plan.axis else { return lanes }
        let weights = weights ?? data?.weight
        for row in cases.exit.indices {
            let group = groups.map { Int($0[row]) } ?? 0
            let position = axis.position(of: cases.exit[row])
            func add(_ field: ExitsLayout.Field, _ amount: Double, at position: Int) {
                if let offset = layout.offset(field, group: group) { lanes[offset + position] += amount }
            }
            let field = exitField(of: row)
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

    private func exitField(of row: Int) -> ExitsLayout.Field {
        guard let causes else { return cases.event[row] ? .events : .otherExits }
        return causes[row] >= 0 ? .cause(causes[row]) : .otherExits
    }

    /// Squares of people's influence on the curves of the groups, one group after the other; then on those of the time to censoring.
    private func influence(_ curves: [CurveCounts]) -> [Double] {
        guard let axis = plan.axis else { return [] }
        let groupCount = curves.count { !$0.isReversed }
        return curves.enumerated().flatMap { index, curve in
            let rows = cases.exit.indices.filter { row in
                groups.map { Int($0[row]) % groupCount == index % groupCount } ?? true
            }
            let places = rows.map { row in
                CurveInfluence.Row(
                    entry: cases.entry.map { axis.entryPosition(of: $0[row]) },
                    exit: axis.position(of: cases.exit[row]),
                    cause: cause(of: row, isReversed: curve.isReversed),
                    weight: weights?[row] ?? 1, on: curve)
            }
            return CurveInfluence(curve).squares(places, by: rows.map { cases.person[$0] })
        }
    }

    private func cause(of row: Int, isReversed: Bool) -> Int? {
        guard let causes else { return cases.event[row] != isReversed ? 0 : nil }
        return causes[row] >= 0 ? causes[row] : nil
    }

    /// Rows, then Σx of every column, then Σx², on columns scaled to [-1, 1] by the dictionary's ranges; the sum of the offset.
    private func moments() throws -> [Double] {
        guard case .cox(let cox) = plan.kind, let data else {
            throw StudyError.sums("only a model has moments")
        }
        var sums: [Double] = []
        var squares: [Double] = []
        for (column, values) in zip(cox.model.columns, data.columns) {
            let range = DictionaryRange(column.bounds)
            sums.append(values.reduce(0) { $0 + range.scaled($1) })
            squares.append(values.reduce(0) { $0 + range.scaled($1) * range.scaled($1) })
        }
        let offset = plan.sumsOffset ? [data.offset?.reduce(0, +) ?? 0] : []
        return [Double(data.rowCount)] + sums + squares + offset
    }

    /// For each column under a scaled ridge its rows, Σz and Σz² in working coordinates.
    private func spreadSums(_ coordinates: Query.Coordinates) -> [Double] {
        zip(plan.spreadColumns, spread).flatMap { column, values in
            let scaled = values.map { ($0 - coordinates.center[column]) / coordinates.scale[column] }
            return [
                Double(scaled.count), scaled.reduce(0, +), scaled.reduce(0) { $0 + $1 * $1 },
            ]
        }
    }
}
