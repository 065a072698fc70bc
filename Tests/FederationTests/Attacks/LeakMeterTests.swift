import Federation
import Foundation
import Survival
import Testing

/// How many patients of the public lung data follow exactly from all that the coordinator stored of a study.
struct LeakMeterTests {
    /// Studies of age, sex and ECOG status at four hospitals, and what a hospital must have changed in `Config/policy.yaml`.
    enum Kind: String, CaseIterable, Sendable {
        case byDefault, commonGrid, commonExact

        var analyses: String {
            switch self {
            case .byDefault:
                """
                  - survival: {id: curve, by: sex, test: log-rank}
                  - cox: {id: m, terms: [age, sex, ecog]}
                """
            case .commonGrid: "  - cox: {id: m, terms: [age, sex, ecog], baseline: common}"
            case .commonExact: "  - cox: {id: m, terms: [age, sex, ecog], baseline: common, times: exact}"
            }
        }

        func loosen(_ policy: inout DisclosurePolicy) {
            policy.allowsCommonBaseline = self != .byDefault
            policy.allowsExactTimes = self == .commonExact
        }
    }

    /// The meter after a whole study under the examples' policy, and the rows that there are to be found.
    private func measure(_ kind: Kind, policy: DisclosurePolicy) throws -> (
        meter: LeakMeter, rows: [[Double]]
    ) {
        let lung = try PublicStudy("lung")
        let study = """
            study: leak
            dictionary: lung@1
            sites: [\(Ward.names(4).joined(separator: ", "))]
            endpoint: {time: days, event: died, unit: day}
            define: {died: status == 2}
            privacy: {time-grid: 30}
            analyses:
            \(kind.analyses)
            """
        let plan = try Ward.plan(study, dictionary: lung.plan.dictionary)
        var dialogue = try Dialogue(plan, tables: lung.tables.map(\.table), policy: policy)
        var run = StudyRun(plan: plan, sites: [])
        var values: [[Double]] = []
        for age in 18...110 {
            for sex in 0...1 {
                for ecog in 0...4 { values.append([Double(age), Double(sex), Double(ecog)]) }
            }
        }
        var meter = LeakMeter(candidates: values)
        try dialogue.proceed(toRound: 1)
        while case .round(let round) = dialogue.coordinator.phase {
            try dialogue.answerRound()
            let stored = try #require(dialogue.coordinator.request)
            let vectors = try stored.previous.map {
                try $0.open(as: RoundAnswer.self, under: dialogue.trustView).content.lanes
            }
            let sum = try MaskedVector.sum(vectors, count: run.laneCount)
            var rest = sum[...]
            for query in run.queries {
                let count = plan.analysis(query.analysis).map { query.laneCount(in: $0) } ?? 0
                #expect(rest.prefix(count).last == 0, "a hospital without an answer")
                meter.read(query, sum: Array(rest.prefix(count).dropLast()))
                rest = rest.dropFirst(count)
            }
            try run.receive(sum)
            #expect(round < 40)
        }
        let rows = lung.tables.flatMap { Self.rows(of: $0.table) }
        return (meter, rows)
    }

    private static func rows(of table: PatientTable) -> [[Double]] {
        guard case .number(let ages)? = table.columns["age"],
            case .category(let sexes)? = table.columns["sex"],
            case .number(let ecog)? = table.columns["ecog"]
        else { return [] }
        return ages.indices.map { [ages[$0], Double(sexes[$0]), ecog[$0]] }.filter {
            !$0.contains { $0.isNaN }
        }
    }

    @Test(arguments: Kind.allCases)
    func `no patient follows from the sums of a study, but of one at exact times`(_ kind: Kind) throws {
        var policy = try DisclosurePolicy.ofTheExamples()
        kind.loosen(&policy)
        let (meter, rows) = try measure(kind, policy: policy)
        print(
            "leak meter: \(kind.rawValue): \(meter.sumCount) sums, \(rows.count) patients, "
                + "\(meter.alone.count) found alone, \(meter.inPairs.count) in pairs")
        #expect(meter.sumCount > 100)
        if kind == .commonExact {
            #expect(meter.alone.count > 60 && meter.inPairs.count > 20)
            // What is found is true: each found row is a patient's, as often as it was found at most.
            let counts = Dictionary(grouping: rows) { $0 }.mapValues(\.count)
            for (row, found) in Dictionary(grouping: meter.alone + meter.inPairs, by: { $0 }) {
                #expect(found.count <= counts[row] ?? 0, "\(row)")
            }
        } else {
            #expect(meter.alone.isEmpty && meter.inPairs.isEmpty)
        }
    }

    @Test(arguments: [(Kind.commonGrid, "baseline-common"), (.commonExact, "times-exact")])
    func `the examples' policy refuses the studies that are looser than it`(_ kind: Kind, _ rule: String)
        throws
    {
        var policy = try DisclosurePolicy.ofTheExamples()
        // Exact times are refused also where one baseline for all is allowed.
        policy.allowsCommonBaseline = kind == .commonExact
        expectRefusal(.refused, "policy rule \(rule), analysis \"m\"") {
            _ = try measure(kind, policy: policy)
        }
    }
}
