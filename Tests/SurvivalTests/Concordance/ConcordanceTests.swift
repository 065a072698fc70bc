import ReferenceStudies
import Testing

@testable import Survival

/// Concordance against R 4.2.2, survival 3.5-3 (see Reference/README.md), against counting by hand, and as sums over sites.
struct ConcordanceTests {
    static let markers = ReferenceCase.of(kind: "concordance")
    static let models = ReferenceCase.of(kind: "cox").filter {
        $0.isWellPosed && !$0.expected["concordance"]["c"].isNull
    }

    // MARK: - R

    @Test(arguments: markers)
    func `a marker's concordance is R's`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        let model = reference.model
        // R's marker lets expect a later event unless `reverse` is set.
        let sign = model["reverse"].isTrue ? 1.0 : -1
        let options = ConcordanceOptions(
            weight: try #require(ConcordanceWeight(rawValue: model["timewt"].string ?? "")),
            timeMax: model["ymax"].isNull ? nil : model["ymax"].double)
        let pairs = ConcordancePairs(
            try frame.data(), marker: frame.columns[0].map { sign * $0 }, options: options)
        let clusters = Set(frame.cluster).sorted()
        let index = Dictionary(uniqueKeysWithValues: clusters.enumerated().map { ($1, Int32($0)) })
        let estimate = ConcordanceEstimate(
            counts: pairs.counts, squares: pairs.squares(by: frame.cluster.map { index[$0] ?? 0 }),
            options: options)
        check(estimate, reference.expected)
        #expect(Int(reference.expected["n"].double) == frame.rowCount)
    }

    @Test(arguments: models)
    func `a model's concordance is R's, from all rows at once`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: [Array(0..<frame.rowCount)])
    }

    @Test(arguments: models.filter(\.isStratifiedBySite))
    func `with sites among the strata the sums of the sites give R's concordance`(
        reference: ReferenceCase
    ) throws {
        let frame = ModelFrame(reference)
        try check(reference, frame, split: frame.rowsBySite.map(\.rows))
    }

    private func check(_ reference: ReferenceCase, _ frame: ModelFrame, split: [[Int]]) throws {
        let beta = reference.expected["coef"].doubles.map { $0.isNaN ? 0 : $0 }
        let clusters = Set(frame.cluster).sorted()
        let index = Dictionary(uniqueKeysWithValues: clusters.enumerated().map { ($1, Int32($0)) })
        var counts = [Double](repeating: 0, count: 5)
        var sums = [Double](repeating: 0, count: 2 * clusters.count)
        for rows in split {
            let data = try frame.data(rows: rows)
            let pairs = ConcordancePairs(
                data, marker: data.linearPredictor(at: beta), options: ConcordanceOptions())
            counts = zip(counts, pairs.counts).map { $0 + $1 }
            let own = pairs.sums(
                by: rows.map { index[frame.cluster[$0]] ?? 0 }, levelCount: clusters.count)
            sums = zip(sums, own).map { $0 + $1 }
        }
        let squares = ConcordancePairs.squares(ofSums: sums)
        check(
            ConcordanceEstimate(counts: counts, squares: squares, options: ConcordanceOptions()),
            reference.expected["concordance"])
    }

    private func check(_ estimate: ConcordanceEstimate, _ expected: JSONValue) {
        expectClose(
            [
                estimate.concordant, estimate.discordant, estimate.tiedMarker, estimate.tiedTime,
                estimate.tiedBoth,
            ],
            ["concordant", "discordant", "tied_x", "tied_y", "tied_xy"].map { expected[$0].double },
            relative: 1e-10, absolute: 1e-9, "pairs")
        expectClose(estimate.estimate.value ?? .nan, expected["c"].double, relative: 1e-11, "C")
        expectClose(estimate.se.value ?? .nan, expected["se"].double, relative: 1e-9, "se")
    }

    // MARK: - By hand

    @Test(arguments: [false, true], ConcordanceWeight.allCases)
    func `the sweep finds the pairs that comparing all rows finds`(
        hasEntry: Bool, weight: ConcordanceWeight
    ) throws {
        guard !(hasEntry && weight.usesCensoring) else { return }
        for seed in 1...5 {
            let rows = try Rows(count: 60, hasEntry: hasEntry, seed: UInt64(seed))
            let options = ConcordanceOptions(weight: weight, timeMin: 3, timeMax: 9)
            let found = ConcordancePairs(rows.data, marker: rows.marker, options: options)
            let (counts, difference, total) = rows.comparedByPairs(options)
            expectClose(found.counts, counts, relative: 1e-12, absolute: 1e-12, "pairs")
            expectClose(found.difference, difference, relative: 1e-11, absolute: 1e-11, "difference")
            expectClose(found.total, total, relative: 1e-11, absolute: 1e-11, "total")
        }
    }

    /// A dictionary's order differs from process to process, and would reach the last bits.
    @Test func `events at one time are added up in the order of their markers, to the last bit`() throws {
        let rows = 0..<300
        let marker = rows.map { Double(($0 * 7) % 100) }
        let weight = rows.map { 0.1 + Double($0) / 7 }
        let data = try SurvivalData(
            entry: nil, exit: rows.map { _ in 1 }, event: rows.map { _ in true }, weight: weight, offset: nil,
            stratum: nil, columns: [])
        let expected = Set(marker).sorted().map { value in
            let own = rows.filter { marker[$0] == value }.map { weight[$0] }
            let (sum, squares) = (own.reduce(0, +), own.reduce(0) { $0 + $1 * $1 })
            return (sum * sum - squares) / 2
        }.reduce(0, +)
        #expect(ConcordancePairs(data, marker: marker, options: ConcordanceOptions()).tiedBoth == expected)
    }

    @Test func `rows without an event have no pair and no concordance`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [1, 2], event: [false, false], weight: nil, offset: nil, stratum: nil,
            columns: [])
        let pairs = ConcordancePairs(data, marker: [1, 2], options: ConcordanceOptions())
        let estimate = ConcordanceEstimate(
            counts: pairs.counts, squares: pairs.squares(by: [0, 1]), options: ConcordanceOptions())
        #expect(pairs.counts == [0, 0, 0, 0, 0])
        #expect(estimate.estimate == .notAvailable && estimate.se == .notAvailable)
    }

    /// Rows with many ties in time and marker, in two strata, with weights.
    private struct Rows {
        let data: SurvivalData
        let marker: [Double]

        init(count: Int, hasEntry: Bool, seed: UInt64) throws {
            var random = SeededGenerator(seed)
            let exit = (0..<count).map { _ in Double(Int.random(in: 2...12, using: &random)) }
            data = try SurvivalData(
                entry: hasEntry ? exit.map { Double(Int.random(in: 0..<Int($0), using: &random)) } : nil,
                exit: exit, event: exit.map { _ in Bool.random(using: &random) },
                weight: exit.map { _ in Double(Int.random(in: 1...4, using: &random)) / 2 }, offset: nil,
                stratum: exit.map { _ in Int32.random(in: 0...1, using: &random) }, columns: [])
            marker = exit.map { _ in Double(Int.random(in: 0...6, using: &random)) }
        }

        func comparedByPairs(_ options: ConcordanceOptions) -> ([Double], [Double], [Double]) {
            var counts = [Double](repeating: 0, count: 5)
            var difference = [Double](repeating: 0, count: marker.count)
            var total = difference
            let exit = data.exit.indices.map {
                data.event[$0] ? max(data.exit[$0], options.timeMin ?? 0) : data.exit[$0]
            }
            let weight = data.weight ?? []
            for first in marker.indices where data.event[first] {
                let at = timeWeight(at: exit[first], stratum: first, exit, options)
                for other in marker.indices
                where other != first && data.stratum?[other] == data.stratum?[first]
                    && data.entry?[other] ?? -1 < exit[first]
                {
                    let pair = weight[first] * weight[other] * at
                    if exit[other] == exit[first], data.event[other] {
                        // Met from both sides.
                        counts[marker[first] == marker[other] ? 4 : 3] += pair / 2
                    } else if exit[other] >= exit[first] {
                        let sign =
                            marker[first] > marker[other] ? 1.0 : marker[first] < marker[other] ? -1 : 0
                        counts[sign == 1 ? 0 : sign == -1 ? 1 : 2] += pair
                        for row in [first, other] {
                            difference[row] += sign * pair
                            total[row] += pair
                        }
                    }
                }
            }
            return (counts, difference, total)
        }

        private func timeWeight(
            at time: Double, stratum row: Int, _ exit: [Double], _ options: ConcordanceOptions
        ) -> Double {
            guard time <= options.timeMax ?? .infinity else { return 0 }
            let own = exit.indices.filter { data.stratum?[$0] == data.stratum?[row] }
            let weight = data.weight ?? []
            func sum(_ condition: (Int) -> Bool) -> Double {
                own.filter(condition).reduce(0) { $0 + weight[$1] }
            }
            func atRisk(_ time: Double) -> Double {
                sum { exit[$0] >= time && data.entry?[$0] ?? -1 < time }
            }
            var (survival, censoring) = (1.0, 1.0)
            for earlier in Set(own.map { exit[$0] }).sorted() where earlier < time {
                let died = sum { exit[$0] == earlier && data.event[$0] }
                let left = sum { exit[$0] == earlier && !data.event[$0] }
                survival *= 1 - died / atRisk(earlier)
                if left > 0 { censoring *= 1 - left / (atRisk(earlier) - died) }
            }
            return switch options.weight {
            case .pairs: 1
            case .survival: sum { _ in true } * survival / atRisk(time)
            case .survivalOverCensoring: sum { _ in true } * survival / censoring / atRisk(time)
            case .uno: 1 / censoring / censoring
            case .inverse: 1 / atRisk(time)
            }
        }
    }
}
