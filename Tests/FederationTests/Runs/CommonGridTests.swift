import Survival
import Testing

@testable import Federation

/// The event times of a common baseline, from summed counts of exits.
struct CommonGridTests {
    private static func plan(_ terms: String, _ keys: String = "") throws -> AnalysisPlan {
        let study = Ward.study(
            "analyses: [{cox: {id: m, terms: [\(terms)], baseline: common\(keys)}}]\nprivacy: {time-grid: 10}"
        )
        return try #require(try Ward.plan(study).analysis("m"))
    }

    /// A vector of exits; `fields` holds, for each stratum, counts by position.
    private static func lanes(_ plan: AnalysisPlan, _ strata: [[ExitsLayout.Field: [Int: Double]]])
        -> [Double]
    {
        let layout = ExitsLayout(plan)
        var lanes = [Double](repeating: 0, count: layout.count)
        for (group, fields) in strata.enumerated() {
            for (field, counts) in fields {
                for (position, count) in counts {
                    layout.offset(field, group: group).map { lanes[$0 + position] = count }
                }
            }
        }
        return lanes
    }

    @Test func `exact times are the positions with an event`() throws {
        let plan = try Self.plan("age", ", times: exact")
        let exits = Self.lanes(plan, [[.events: [3: 2, 7: 1, 60: 4], .otherExits: [5: 3, 7: 1]]])
        let grid = try CommonGrid(plan, exits: exits, smallestInterval: 10)
        #expect(grid.thinnestInterval == nil)
        #expect(
            grid.grid
                == EventGrid(strata: [.init(times: [3, 7, 60], deaths: [2, 1, 4], deathWeights: [2, 1, 4])]))
    }

    @Test func `weights of events stand beside their counts`() throws {
        let plan = try Self.plan("age", ", times: exact, weights: share")
        let exits = Self.lanes(plan, [[.events: [3: 2, 7: 1], .eventWeights: [3: 1.25, 7: 0.5]]])
        let grid = try CommonGrid(plan, exits: exits, smallestInterval: 10)
        #expect(
            grid.grid
                == EventGrid(strata: [.init(times: [3, 7], deaths: [2, 1], deathWeights: [1.25, 0.5])]))
    }

    /// The grid has positions 0, 10, ..., 60 months; cell k holds who leaves in (k-1, k].
    @Test func `on a grid, merged cells with an event are intervals`() throws {
        let plan = try Self.plan("age")
        let exits = Self.lanes(
            plan, [[.events: [1: 3, 2: 2, 4: 1, 5: 6], .otherExits: [1: 1, 2: 2, 3: 5, 4: 4, 6: 2]]])
        let grid = try CommonGrid(plan, exits: exits, smallestInterval: 5)
        // Merged: 0...2 with 8 exits (4 in the first cells are too few), 3 with 5 but no event, 4 with 5, 5...6 with 8.
        #expect(
            grid.grid
                == EventGrid(strata: [
                    .init(
                        times: [2, 4, 6], deaths: [5, 1, 6], deathWeights: [5, 1, 6], starts: [-1, 3, 4])
                ]))
        #expect(grid.thinnestInterval == 5)
    }

    @Test func `each stratum has its own intervals`() throws {
        let plan = try Self.plan("age, strata(frail)")
        let exits = Self.lanes(
            plan, [[.events: [1: 7, 2: 8]], [.events: [1: 4, 2: 3], .otherExits: [3: 9]]])
        let grid = try CommonGrid(plan, exits: exits, smallestInterval: 6)
        #expect(grid.grid.strata.map(\.times) == [[1, 2], [2]])
        #expect(grid.thinnestInterval == 7)
    }

    @Test func `a stratum without anyone, or without an event, thins nothing out`() throws {
        let plan = try Self.plan("age, strata(stage)")
        let exits = Self.lanes(plan, [[.events: [1: 7]], [:], [.otherExits: [2: 2]]])
        let grid = try CommonGrid(plan, exits: exits, smallestInterval: 6)
        #expect(grid.grid.strata.map(\.times) == [[1], [], []])
        #expect(grid.thinnestInterval == 7)
    }

    @Test func `a stratum with an event and too few exits is what the rule must see`() throws {
        let plan = try Self.plan("age, strata(frail)")
        let exits = Self.lanes(plan, [[.events: [1: 7]], [.events: [3: 1], .otherExits: [4: 1]]])
        #expect(try CommonGrid(plan, exits: exits, smallestInterval: 6).thinnestInterval == 2)
    }
}
