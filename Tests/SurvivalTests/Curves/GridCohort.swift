import ReferenceStudies

@testable import Survival

/// People of a reference data set: when each leaves, and by which cause.
struct GridCohort: CustomStringConvertible, Sendable {
    let name: String
    let exit: [Double]
    /// nil: without an event.
    let cause: [Int?]

    var description: String { name }
    var last: Double { exit.max() ?? 0 }

    /// Whole days each.
    static let all: [GridCohort] = {
        do {
            return [
                try GridCohort("lung", "time", "status", ["2"]),
                try GridCohort("veteran", "time", "status", ["1"]),
                try GridCohort("pbc", "time", "status", ["2"]),
                try GridCohort("mgus2", "futime", "death", ["1"]),
                try GridCohort("colon", "time", "status", ["1"], where: ("etype", "2")),
                try GridCohort("colon", "time", "status", ["1"], where: ("etype", "1")),
                try GridCohort("ovarian", "futime", "fustat", ["1"]),
                try GridCohort("bmt", "t2", "d3", ["1"]),
            ]
        } catch { fatalError("the reference files cannot be read: \(error)") }
    }()

    /// With two causes.
    static let competing: [GridCohort] = {
        do {
            return [
                try GridCohort("pbc", "time", "status", ["1", "2"]),
                try GridCohort("bmt", "t2", "cr_event", ["1", "2"]),
                try GridCohort("mgus2", "etime", "event", ["1", "2"]),
            ]
        } catch { fatalError("the reference files cannot be read: \(error)") }
    }()

    private init(
        _ file: String, _ time: String, _ status: String, _ causes: [String],
        where condition: (column: String, value: String)? = nil
    ) throws {
        let table = try CSVTable(reference: "\(file).csv")
        let rows = table.rows.indices.filter { row in
            Double(table[row, time]) != nil && !table[row, status].isEmpty
                && condition.map { table[row, $0.column] == $0.value } ?? true
        }
        name = [file, condition?.value].compactMap(\.self).joined(separator: " ")
        exit = rows.map { Double(table[$0, time]) ?? .nan }
        cause = rows.map { causes.firstIndex(of: table[$0, status]) }
    }

    var causeCount: Int { (cause.compactMap(\.self).max() ?? 0) + 1 }

    /// Counts at the recorded times.
    var exact: TransitionCounts { counts(Set(exit).sorted(), intervals: nil) }

    /// Counts on a grid whose cells are merged from the left until each has enough exits.
    func grid(width: Double, smallest: Int, resolution: Double? = 1) -> TransitionCounts {
        let cells = Int((last / width).rounded(.up))
        var (starts, ends, count) = ([0.0], [Double](), 0)
        for cell in 0...cells {
            count += exit.count { $0 > Double(cell - 1) * width && $0 <= Double(cell) * width }
            guard count >= smallest, cell < cells,
                exit.count(where: { $0 > Double(cell) * width }) >= smallest
            else { continue }
            ends.append(Double(cell) * width)
            starts.append(Double(cell) * width)
            count = 0
        }
        ends.append(Double(cells) * width)
        // One exit ends an interval, and is in its last cell.
        if smallest == 1 { starts = ends.map { $0 - width } }
        let intervals = zip(starts, ends).enumerated().map { index, ends in
            GridInterval(
                start: ends.0, end: ends.1, isClosed: index == 0 && (smallest > 1 || ends.1 == 0),
                resolution: resolution)
        }
        return counts(ends, intervals: intervals)
    }

    private func counts(_ times: [Double], intervals: [GridInterval]?) -> TransitionCounts {
        var events = Array(repeating: times.map { _ in 0.0 }, count: causeCount)
        var censored = times.map { _ in 0.0 }
        for (time, cause) in zip(exit, cause) {
            let index = times.firstIndexSorted { $0 >= time }
            if let cause { events[cause][index] += 1 } else { censored[index] += 1 }
        }
        return TransitionCounts(times: times, events: events, censored: censored, intervals: intervals)
    }

    /// Each person on the times of some counts.
    func rows(on curve: CurveCounts) -> [CurveInfluence.Row] {
        zip(exit, cause).map { time, cause in
            CurveInfluence.Row(
                entry: nil, exit: curve.counts.times.firstIndexSorted { $0 >= time }, cause: cause, weight: 1,
                on: curve)
        }
    }

    func incidence(_ counts: TransitionCounts) -> AalenJohansen {
        let curve = CurveCounts(shape: .incidence, ends: Array(counts.times.indices), counts: counts)
        return AalenJohansen(
            counts,
            squares: CurveInfluence(curve).squares(rows(on: curve), by: exit.indices.map { Int32($0) }))
    }
}
