import Testing

@testable import Survival

struct SurvivalDataTests {
    private func data(
        entry: [Double]? = nil, exit: [Double] = [1, 2], weight: [Double]? = nil, stratum: [Int32]? = nil,
        columns: [[Double]] = [[0, 1]]
    ) throws -> SurvivalData {
        try SurvivalData(
            entry: entry, exit: exit, event: [true, false], weight: weight, offset: nil, stratum: stratum,
            columns: columns)
    }

    @Test func `rows that cannot be analysed are refused in words without a value`() {
        #expect(throws: SurvivalDataError.lengthsDiffer) { try data(columns: [[1]]) }
        #expect(throws: SurvivalDataError.notFinite(what: "a time")) { try data(exit: [1, .nan]) }
        #expect(throws: SurvivalDataError.notFinite(what: "a value of covariate 1")) {
            try data(columns: [[1, .infinity]])
        }
        #expect(throws: SurvivalDataError.entryNotBeforeExit) { try data(entry: [0, 2]) }
        #expect(throws: SurvivalDataError.stratumNegative) { try data(stratum: [0, -1]) }
        // R refuses weights of 0 and below as well (cases nasty-weight-zero, nasty-weight-negative).
        #expect(throws: SurvivalDataError.weightNotPositive) { try data(weight: [0, 1]) }
        #expect(throws: SurvivalDataError.weightNotPositive) { try data(weight: [-1, 1]) }
        #expect(throws: SurvivalDataError.intervalWithinRounding) {
            try data(entry: [1 - 1e-9, 0], exit: [1, 2])
        }
    }

    @Test func `columns are centred and scaled, a constant column is only centred`() throws {
        let rescaled = try data(columns: [[2, 6], [3, 3]]).rescaled(center: [4, 3], scale: [2, 0])
        #expect(rescaled.columns == [[-1, 1], [0, 0]])
    }

    @Test func `times that differ by rounding merge in chains to the smallest`() throws {
        // Steps of 1e-8 are within 1.49e-8; the third is 2e-8 from the first, but in the chain.
        let tied = TiedTimes(merging: [1, 1 + 1e-8, 1 + 2e-8, 1.1])
        #expect([1, 1 + 1e-8, 1 + 2e-8, 1.1].map(tied.callAsFunction) == [1, 1, 1, 1.1])
        let merged = try data(exit: [0.1 + 0.2, 0.3])
        #expect(merged.exit == [0.3, 0.3])
        let kept = try SurvivalData(
            entry: nil, exit: [0.1 + 0.2, 0.3], event: [true, true], weight: nil, offset: nil, stratum: nil,
            columns: [], mergesNearTies: false)
        #expect(kept.exit != [0.3, 0.3])
    }

    @Test func `large times merge relative to their mean`() {
        // 2e-8 of 1.5e9 is 30: R merges 1.5e9 and 1.5e9 + 20, but not 1.5e9 and 1.5e9 + 40.
        let tied = TiedTimes(merging: [1.5e9, 1.5e9 + 20, 1.5e9 + 60])
        #expect(tied(1.5e9 + 20) == 1.5e9)
        #expect(tied(1.5e9 + 60) == 1.5e9 + 60)
    }
}
