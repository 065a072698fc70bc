import ReferenceStudies
import Testing

@testable import Survival

/// Bounds of curves on a grid against every way in which a few people can leave within their intervals.
struct GridBoundsTests {
    /// Somebody who leaves within an interval, by a cause or (nil) without an event.
    private struct Person {
        let interval: Int
        let cause: Int?
        let weight: Double
    }

    /// Lowest and highest of a number over all assignments of times.
    private struct Extent {
        var lowest = Double.infinity
        var highest = -Double.infinity

        mutating func take(_ value: Double) {
            (lowest, highest) = (min(lowest, value), max(highest, value))
        }
    }

    /// The width of an interval; it has `places` times at which people can leave.
    private static let width = 12.0

    /// A few people of two causes, in three intervals, all of which somebody leaves in.
    private func cohort(_ seed: UInt64, isWeighted: Bool) -> [Person] {
        var generator = SeededGenerator(seed)
        let extra = Int.random(in: 1...3, using: &generator)
        return ([0, 1, 2] + (0..<extra).map { _ in Int.random(in: 0..<3, using: &generator) }).map {
            interval in
            Person(
                interval: interval, cause: [nil, nil, 0, 1].randomElement(using: &generator) ?? nil,
                weight: isWeighted ? Double.random(in: 0.2...3, using: &generator) : 1)
        }
    }

    private func counts(_ people: [Person], times: [Double], grid: [GridInterval]?, of place: (Int) -> Int)
        -> TransitionCounts
    {
        var (events, censored) = ([times.map { _ in 0.0 }, times.map { _ in 0.0 }], times.map { _ in 0.0 })
        for (number, person) in people.enumerated() {
            let index = place(number)
            if let cause = person.cause {
                events[cause][index] += person.weight
            } else {
                censored[index] += person.weight
            }
        }
        return TransitionCounts(times: times, events: events, censored: censored, intervals: grid)
    }

    private func estimate(_ counts: TransitionCounts) -> AalenJohansen {
        AalenJohansen(counts, squares: counts.times.flatMap { _ in [0, 0, 0] })
    }

    /// The event-free probability and both incidences at the ends of the intervals.
    private func values(_ estimate: AalenJohansen) -> [[Double]] {
        let curve = estimate.curve(limits: .log, level: 0.95)
        return ([curve.eventFree] + curve.incidence).map { $0.estimate.map { $0.value ?? .nan } }
    }

    /// Of every assignment of the people to the places of their intervals.
    private func ranges(_ people: [Person], places: Int, _ visit: (TransitionCounts) -> Void) -> [[Extent]] {
        let times = (1...(3 * places)).map { Double($0) * Self.width / Double(places) }
        var ranges = Array(repeating: Array(repeating: Extent(), count: 3), count: 3)
        var place = people.map { _ in 0 }
        while true {
            let exact = counts(people, times: times, grid: nil) { people[$0].interval * places + place[$0] }
            visit(exact)
            for (state, values) in values(estimate(exact)).enumerated() {
                for interval in 0..<3 { ranges[state][interval].take(values[(interval + 1) * places - 1]) }
            }
            guard let next = place.firstIndex(where: { $0 < places - 1 }) else { return ranges }
            place[next] += 1
            for earlier in 0..<next { place[earlier] = 0 }
        }
    }

    @Test(
        arguments: 1...16,
        [
            (places: 1, isWeighted: false), (places: 2, isWeighted: false), (places: 2, isWeighted: true),
            (places: 3, isWeighted: false),
        ])
    func `bounds hold whenever people leave in their intervals, and are reached`(
        _ seed: Int, _ form: (places: Int, isWeighted: Bool)
    ) throws {
        let people = cohort(UInt64(seed), isWeighted: form.isWeighted)
        let grid = (0..<3).map { index in
            GridInterval(
                start: Double(index) * Self.width, end: Double(index + 1) * Self.width,
                resolution: Self.width / Double(form.places))
        }
        let onGrid = counts(people, times: grid.map(\.end), grid: grid) { people[$0].interval }
        let merged = estimate(onGrid)
        let curve = merged.curve(limits: .log, level: 0.95)
        let states = [curve.eventFree] + curve.incidence
        let ranges = ranges(people, places: form.places) { exact in checkInside(merged, estimate(exact)) }
        for (state, estimates) in states.enumerated() {
            let bounds = try #require(estimates.bounds)
            for index in grid.indices {
                let (known, range) = (bounds[index], ranges[state][index])
                let note = "seed \(seed), state \(state), interval \(index)"
                expectClose(
                    [known.lowest.value ?? .nan, known.highest.value ?? .nan], [range.lowest, range.highest],
                    relative: 1e-12, absolute: 1e-12, note)
                let value = estimates.estimate[index].value ?? .nan
                #expect(value >= range.lowest - 1e-12 && value <= range.highest + 1e-12, "\(note)")
            }
        }
    }

    /// Between the ends of intervals the numbers of exact times lie within the bounds as well.
    private func checkInside(_ mine: AalenJohansen, _ its: AalenJohansen) {
        let times = stride(from: 1.0, to: Self.width * 3, by: 5).map { $0 }
        for (own, other) in zip(
            mine.at(times, limits: .log, level: 0.95), its.at(times, limits: .log, level: 0.95))
        {
            for (own, other) in zip([own.eventFree] + own.incidence, [other.eventFree] + other.incidence) {
                guard let value = other.estimate[0].value else { continue }
                let (lowest, highest) = (
                    own.bounds?[0].lowest.value ?? .nan, own.bounds?[0].highest.value ?? .nan
                )
                #expect(value >= lowest - 1e-12 && value <= highest + 1e-12, "at \(other)")
            }
        }
    }

    /// Ten rows: one of the other cause first, then two without an event, then one of the cause, by day 45.
    @Test func `other causes first, then censorings, then the cause itself make the most of it`() throws {
        let (times, causes): ([Double], [Int?]) = (
            [4, 13, 17, 33, 58, 59, 78, 88, 89, 190], [0, nil, nil, 1, nil, nil, 0, nil, nil, nil]
        )
        let people = causes.map { Person(interval: 0, cause: $0, weight: 1) }
        let exact = estimate(counts(people, times: times, grid: nil) { $0 })
        let grid = (0..<5).map { GridInterval(start: Double($0) * 45, end: Double($0 + 1) * 45) }
        let merged = estimate(
            counts(people, times: grid.map(\.end), grid: grid) { person in
                grid.firstIndex { times[person] <= $0.end } ?? 0
            })
        let (own, other) = (
            merged.at([45], limits: .log, level: 0.95)[0], exact.at([45], limits: .log, level: 0.95)[0]
        )
        #expect(other.incidence[1].estimate[0].value.map { abs($0 - 9.0 / 70) < 1e-15 } == true)
        let highest = try #require(own.incidence[1].bounds?[0].highest.value)
        expectClose(highest, 9.0 / 70, relative: 1e-15, "the highest incidence of cause two by day 45")
    }
}
