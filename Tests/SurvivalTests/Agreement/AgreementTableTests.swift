import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// The committed table of differences from R; and, on demand, its making.
struct AgreementTableTests {
    @Test func `the committed table names every case of the reference and no other`() throws {
        #expect(try AgreementTable.committed().cases.sorted() == AgreementTests.cases.map(\.id).sorted())
    }

    @Test func `no number of the committed table is beyond its tolerance`() throws {
        let entries = try AgreementTable.committed().entries
        var tolerances: [String: ReferenceCase] = [:]
        for reference in AgreementTests.cases { tolerances[AgreementTable.row(of: reference)] = reference }
        #expect(entries.count > 100)
        for (row, statistic, size) in entries {
            let reference = try #require(tolerances[row], "no data \(row)")
            #expect(size <= reference.tolerance(of: statistic), "\(row), \(statistic.rawValue)")
        }
    }

    @Test(arguments: [
        (0.0, "0"), (2.1e-13, "3e-13"), (9.5e-11, "1e-10"), (1e-12, "1e-12"), (.infinity, "Inf"),
    ])
    func `a difference is rounded up to one digit`(size: Double, text: String) {
        #expect(AgreementTable.rounded(size) == text)
    }

    @Test func `what is written by hand stays when the table is written anew`() throws {
        let section = try AgreementTable.committed().section("Random analyses")
        #expect(section.contains("Tests/Outsiders/differential/fuzz") && !section.contains("\n## Every case"))
        #expect(AgreementTable(text: "# A\n\n## B\n\nb\n\n## C\n\nc\n").section("B") == "\n## B\n\nb\n")
    }

    @Test func `a table is read as it was written`() throws {
        let reference = try ReferenceCase.named("lung-robust")
        var deviations = Deviations()
        deviations.compare(.z, [1.25], [1], "z")
        deviations.compare(.p, [.nan], [.nan], "p")
        let table = AgreementTable([
            (reference, [.oneSite: .compared(deviations), .dealt: .refused("too few")])
        ])
        #expect(table.cases == ["lung-robust"])
        #expect(table.entries.map(\.row) == ["lung", "lung"])
        #expect(table.entries.map(\.statistic) == [.z, .p] && table.entries.map(\.size) == [0.3, 0])
        #expect(table.text.contains("- lung-robust, dealt at random: too few\n"))
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["COXSWAIN_AGREEMENT"] == "write"))
    func `writes the table`() async throws {
        let ways = CaseStudy.Way.allCases
        let found = try await withThrowingTaskGroup(
            of: (Int, CaseStudy.Way, Agreement.Outcome?).self,
            returning: [Int: [CaseStudy.Way: Agreement.Outcome]].self
        ) { group in
            for (index, reference) in AgreementTests.cases.enumerated() {
                for way in ways {
                    group.addTask { (index, way, try Agreement.outcome(of: reference, way)) }
                }
            }
            var found: [Int: [CaseStudy.Way: Agreement.Outcome]] = [:]
            for try await (index, way, outcome) in group { found[index, default: [:]][way] = outcome }
            return found
        }
        let outcomes = AgreementTests.cases.enumerated().map { ($1, found[$0] ?? [:]) }
        // What random analyses say is written by hand.
        let random = try AgreementTable.committed().section("Random analyses")
        try Data((AgreementTable(outcomes).text + random).utf8).write(to: AgreementTable.url)
    }
}
