import Federation
import ReferenceStudies
import Testing

/// Cells of a public time grid, merged until each interval holds enough exits.
struct MergedIntervalsTests {
    @Test(
        arguments: [
            ([5, 5, 5], 5, [0..<1, 1..<2, 2..<3], 5),
            ([5, 0, 4, 1, 9], 5, [0..<1, 1..<4, 4..<5], 5),
            ([2, 2, 2, 2, 2], 5, [0..<5], 10),  // 6 in the first three; the last four join them
            ([3, 3, 3, 3, 1], 5, [0..<2, 2..<5], 6),
            ([10, 0, 0], 5, [0..<3], 10),
            ([0, 0, 10], 5, [0..<3], 10),
            ([1, 1, 1], 5, [0..<3], 3),  // too few for one interval: one holds everything, and says how few
            ([0, 0], 5, [0..<2], 0),
            ([1, 0, 2], 1, [0..<1, 1..<3], 1),
            ([4], 1, [0..<1], 4),
        ] as [([Int], Int, [Range<Int>], Int)])
    func `cells are merged from the left`(
        _ exits: [Int], _ smallest: Int, _ ranges: [Range<Int>], _ thinnest: Int
    ) {
        let merged = MergedIntervals(exits: exits, smallest: smallest)
        #expect(merged.ranges == ranges)
        #expect(merged.thinnest == thinnest)
    }

    @Test func `without cells there is no interval`() {
        let merged = MergedIntervals(exits: [], smallest: 5)
        #expect(merged.ranges.isEmpty && merged.thinnest == nil)
    }

    @Test func `intervals tile the axis, and each holds enough unless it is alone`() {
        var random = SeededGenerator(5)
        for _ in 0..<500 {
            let exits = (0..<Int.random(in: 1...80, using: &random)).map { _ in
                max(0, Int.random(in: -3...6, using: &random))
            }
            let smallest = Int.random(in: 1...20, using: &random)
            let merged = MergedIntervals(exits: exits, smallest: smallest)
            #expect(merged.ranges.flatMap { Array($0) } == Array(exits.indices))
            let counts = merged.ranges.map { exits[$0].reduce(0, +) }
            #expect(merged.thinnest == counts.min())
            #expect(counts.count == 1 || counts.allSatisfy { $0 >= smallest })
            // No interval could be cut in two: without its last cell with an exit it holds too few.
            for (range, count) in zip(merged.ranges, counts).dropLast() {
                #expect(count - exits[range.upperBound - 1] < smallest)
            }
        }
    }
}
