import CohortStore
import Foundation
import Survival
import Testing

@testable import HospitalNode

/// A statistician's files, from the path to the result.
struct LocalFitTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "fit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String, to name: String) throws -> String {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    private func rows(_ range: Range<Int>, columns: String = "t,died,x,zip") -> String {
        let codes = ["01", "1", "10", "2"]
        return
            ([columns]
            + range.map { "\(1 + $0 * 7 % 23),\($0 % 3 == 0 ? "False" : "True"),\($0 % 5),\(codes[$0 % 4])" })
            .joined(separator: "\n") + "\n"
    }

    private func bench(_ study: String, _ files: [LocalTable.File]) throws -> LocalBench {
        try LocalBench(study: try write(study, to: "My draft.yaml"), files: files, dictionary: nil)
    }

    private static let draft = """
        endpoint: {time: t, event: died, unit: month}
        analyses:
          - cox: {id: m, terms: [x, zip]}
          - cox: {id: s, terms: [x, strata(zip)]}
        """

    @Test func `a draft is fitted, and its guessed dictionary is the same in every run`() throws {
        let file = LocalTable.File(path: try write(rows(0..<60), to: "a.csv"))
        let first = try bench(Self.draft, [file])
        let fit = try first.fit(siteColumn: nil, time: 1_800_000_000)
        #expect(fit.result.study == "my-draft" && fit.result.analyses.count == 2)
        #expect(fit.notes.count == 2 && fit.notes[0].contains("--print-dictionary shows them"))
        #expect(first.dictionaryText.contains("levels: [\"01\", \"1\", \"2\", \"10\"], reference: \"01\""))
        for _ in 0..<5 {
            #expect(try bench(Self.draft, [file]).dictionaryText == first.dictionaryText)
        }
    }

    @Test func `several files are a site each, and give what one file cut into sites gives`() throws {
        let north = LocalTable.File(site: "north", path: try write(rows(0..<40), to: "north.csv"))
        let south = LocalTable.File(site: "south", path: try write(rows(40..<90), to: "south.csv"))
        let several = try bench(Self.draft, [south, north]).fit(siteColumn: nil, time: 1_800_000_000)
        let lines = { (range: Range<Int>, site: String) in
            rows(range).split(separator: "\n").dropFirst().map { "\($0),\(site)" }
        }
        let stacked = ["t,died,x,zip,site"] + lines(0..<40, "north") + lines(40..<90, "south")
        let one = LocalTable.File(path: try write(stacked.joined(separator: "\n") + "\n", to: "all.csv"))
        let cut = try bench(Self.draft, [one]).fit(siteColumn: "site", time: 1_800_000_000)
        #expect(several.result.sites.map(\.name) == ["north", "south"])
        #expect(several.result.analyses == cut.result.analyses && several.result.sites == cut.result.sites)
        #expect(throws: LocalFitError.self) {
            _ = try bench(Self.draft, [north, south]).fit(siteColumn: "zip", time: 1_800_000_000)
        }
    }

    @Test func `an error about a column says what is known of it`() throws {
        let text = rows(0..<60).replacing("t,died,x,zip", with: "t,died ,x,zip")
        let bench = try bench(Self.draft, [.init(path: try write(text, to: "a.csv"))])
        do {
            _ = try bench.fit(siteColumn: nil, time: 1_800_000_000)
            Issue.record("a column with a space was found")
        } catch {
            #expect(
                "\(error)".hasSuffix(
                    "; column \"died\": the first line has spaces around the name, perhaps invisible ones; take them out"
                ))
        }
    }

    @Test func `a row of the endpoint that is no number is told by line`() throws {
        let file = LocalTable.File(path: try write(rows(0..<9) + "soon,True,1,01\n", to: "a.csv"))
        do {
            _ = try bench(Self.draft, [file])
            Issue.record("a word was taken for a time")
        } catch {
            #expect("\(error)".hasSuffix("1 problem:\n  line 11, column t: not a number"))
        }
    }

    /// `*` in a list of terms joins the parts of an interaction; a guess took it for a product, and refused the words.
    @Test(arguments: ["zip*x", "x * died", "zip:x", "zip*died*x", "zip*(x > 2)"])
    func `an interaction with a category is guessed and fitted as with a dictionary`(term: String) throws {
        let path = try write(rows(0..<90).replacing(",10\n", with: ",b\n"), to: "a.csv")
        let draft =
            "endpoint: {time: t, event: died, unit: month}\nanalyses: [{cox: {id: m, terms: ['\(term)']}}]\n"
        let guessed = try bench(draft, [.init(path: path)])
        #expect(
            guessed.dictionaryText.contains("zip: {type: category")
                || guessed.dictionaryText.contains("\"zip\": {type: category"))
        let fit = try guessed.fit(siteColumn: nil, time: 1_800_000_000)
        #expect(!fit.result.analyses[0].isFailed)
        let printed = try write(guessed.dictionaryText, to: "printed.yaml")
        let again = try LocalBench(
            study: try write(draft, to: "My draft.yaml"), files: [.init(path: path)], dictionary: printed)
        #expect(try again.fit(siteColumn: nil, time: 1_800_000_000).result.analyses == fit.result.analyses)
    }

    /// A printed dictionary reads back, whatever the columns are called.
    @Test func `a column whose name has a direction mark is printed so that it can be read back`() throws {
        let path = try write(rows(0..<60).replacing("zip", with: "z\u{202E}i\u{200D}p"), to: "a.csv")
        let draft =
            "endpoint: {time: t, event: died, unit: month}\nanalyses: [{describe: {id: d, variables: [x]}}]\n"
        let guessed = try bench(draft, [.init(path: path)])
        #expect(guessed.dictionaryText.contains(#""z\u202Ei\u200Dp": {"#))
        #expect(guessed.dictionaryText.visible == guessed.dictionaryText)
        let printed = try write(guessed.dictionaryText, to: "printed.yaml")
        let again = try LocalBench(
            study: try write(draft, to: "My draft.yaml"), files: [.init(path: path)], dictionary: printed)
        #expect(
            again.dictionaryText
                == guessed.dictionaryText.split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map { $0 + "\n" }.joined())
    }

    /// Over the network the hospital's log says why; a fit has none, and its reader holds the rows.
    @Test(arguments: [nil, "zip"])
    func `an analysis that the rows do not fit says why`(siteColumn: String?) throws {
        let path = try write(rows(0..<60), to: "a.csv")
        let draft = """
            endpoint: {time: t, unit: month, causes: {one: died == true, two: x >= 0}}
            analyses:
              - incidence: {id: i, times: exact}
              - describe: {id: d, variables: [x]}
            """
        let fit = try bench(draft, [.init(path: path)]).fit(siteColumn: siteColumn, time: 1_800_000_000)
        guard case .failed("i", _, let reason) = fit.result.analyses[0] else {
            Issue.record("two causes at once were taken")
            return
        }
        #expect(reason.contains("a row has the causes one and two at once"), "\(reason)")
        #expect(!reason.contains("log") && reason.contains("site 01: ") == (siteColumn != nil))
        #expect(!fit.result.analyses[1].isFailed)
    }

    @Test func `a site for each row is noticed`() throws {
        let lines = rows(0..<20).split(separator: "\n").enumerated().map {
            $0 == 0 ? "\($1),id" : "\($1),p\($0)"
        }
        let file = LocalTable.File(path: try write(lines.joined(separator: "\n") + "\n", to: "a.csv"))
        let draft =
            "endpoint: {time: t, event: died, unit: month}\nanalyses: [{describe: {id: d, variables: [x]}}]\n"
        let fit = try bench(draft, [file]).fit(siteColumn: "id", time: 1_800_000_000)
        #expect(fit.notes.contains("each row is a site of its own; does the column id name the hospitals?"))
    }
}

/// What a node's admin sees of rows of one person that overlap in time.
struct OverlapNoticeTests {
    private static let twice: [HospitalPatient] = HospitalPatient.made(60) + HospitalPatient.made(2)

    private func assessment(_ key: String) throws -> (objections: [String], text: String) {
        let hospital = try Hospital(patients: Self.twice)
        let study = try hospital.receive("{concordance: {id: c, of: age\(key)}}")
        let administration = try hospital.administration()
        let assessment = try administration.assess(study)
        return (
            assessment.objections,
            StudyExplanation(assessment, policy: administration.policy, site: administration.site).text
        )
    }

    @Test func `a study that does not say what to do with them cannot be approved`() throws {
        let (objections, text) = try assessment("")
        #expect(objections.count == 1 && objections[0].contains("a person has rows that overlap in time"))
        #expect(text.contains("WARNING: this study cannot be approved here:"))
    }

    @Test func `what a study does with them is shown, and whom it concerns`() throws {
        let first = try assessment(", people: first-row")
        #expect(first.objections == [])
        #expect(first.text.contains("people: of rows of a person that overlap in time the first is taken"))
        #expect(
            first.text.contains(
                "rows that overlap in time here: 2 people have some; the first of them is taken"))
        #expect(first.text.contains("here: 60 people, 30 of them with the event"))
        let all = try assessment(", people: all-rows")
        #expect(all.text.contains("rows that overlap in time here: 2 people have some; all are counted"))
    }
}
