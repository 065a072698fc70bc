import Federation
import Testing

/// Positions on a follow-up axis.
struct TimeAxisTests {
    @Test(arguments: [
        (1.0, 60.0, 61), (0.1, 6, 61), (0.25, 1, 5), (30, 100, 5), (1, 0, 1), (0.7, 0.7, 2), (7, 20.9, 4),
    ])
    func `positions go from 0 to the first at or after the largest time`(
        _ step: Double, _ upper: Double, _ count: Int
    ) throws {
        let axis = try TimeAxis(step: step, upper: upper)
        #expect(axis.count == count)
        #expect(axis.position(of: upper) == count - 1)
        #expect(axis.position(of: 0) == 0)
    }

    @Test(arguments: [0.1, 0.2, 0.25, 0.3, 0.7, 1, 2.5, 7, 30.4375, 1 / 3.0])
    func `a multiple of the step is its own position, however it was computed`(_ step: Double) throws {
        let axis = try TimeAxis(step: step, upper: 1000 * step)
        var sum = 0.0
        for position in 0...1000 {
            for time in [axis.time(at: position), Double(position) * step, sum] {
                #expect(axis.position(of: time) == position)
                #expect(axis.entryPosition(of: time) == position)
            }
            sum += step
        }
    }

    @Test func `an exit goes to the position at or after it, an entry to the one at or before it`() throws {
        let axis = try TimeAxis(step: 0.5, upper: 10)
        for (time, exit, entry) in [(0.01, 1, 0), (0.49, 1, 0), (0.5, 1, 1), (0.51, 2, 1), (9.9, 20, 19)] {
            #expect(axis.position(of: time) == exit)
            #expect(axis.entryPosition(of: time) == entry)
        }
    }

    @Test(arguments: [-1.0, -1e300, 1e300, .infinity, -.infinity])
    func `times beyond the axis take its ends`(_ time: Double) throws {
        let axis = try TimeAxis(step: 1, upper: 12)
        #expect(axis.position(of: time) == (time < 0 ? 0 : 12))
        #expect(axis.entryPosition(of: time) == (time < 0 ? 0 : 12))
    }

    @Test(arguments: [
        (0.1, 3, 0.3), (0.1, 7, 0.7), (0.3, 3, 0.9), (0.2, 3, 0.6), (0.25, 3, 0.75), (0.7, 3, 2.1),
        (7.0, 3, 21),
    ])
    func `a position's time is the decimal number that people write`(
        _ step: Double, _ position: Int, _ time: Double
    ) throws {
        #expect(try TimeAxis(step: step, upper: 100).time(at: position) == time)
    }

    @Test(arguments: [(0.0, 10.0), (-1, 10), (1, .infinity), (1e-9, 1), (0.001, 200), (.nan, 1)])
    func `an axis without a step or with too many is refused`(_ step: Double, _ upper: Double) {
        #expect(throws: StudyError.self) { try TimeAxis(step: step, upper: upper) }
    }

    @Test func `the longest axis has two hundred thousand positions`() throws {
        #expect(try TimeAxis(step: 1, upper: 199_999).count == 200_000)
    }
}
