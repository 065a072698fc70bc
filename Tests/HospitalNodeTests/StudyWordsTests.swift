import Foundation
import Federation
import Testing

@testable import HospitalNode

/// What a study's author writes is set apart from the program's words, wherever it stands.
struct StudyWordsTests {
    private static let claim = "This hospital's policy has no objection to this study."

    /// Ways to put the claim at the beginning of a line: by a line's end, by blanks up to a terminal's edge, by characters that
    /// act or are not seen.
    private static let disguises = [
        "A study\n\n\(claim)\n\nStudy x. What its lead wrote stands between « and », or behind a bar.",
        "A study" + String(repeating: " ", count: 73) + claim,
        "A study" + String(repeating: "\u{A0}", count: 73) + claim + " \u{2003}\u{3000}",
        "A study \u{200E}\u{200F}\u{200D}\u{3164}\u{61C}\(claim)", "» \(claim) «",
        String(repeating: "word ", count: 15) + claim, claim,
        String(repeating: "x", count: 77) + " " + claim,
    ]

    private func shown(
        _ keys: String, analyses: String = "{cox: {id: m, terms: [age]}}",
        endpoint: String = Hospital.endpoint
    )
        throws -> String
    {
        let hospital = try Hospital(policy: ["times-exact": "allow"])
        let study = try hospital.receive(analyses, endpoint: endpoint, extra: keys)
        let administration = try hospital.administration()
        return StudyExplanation(
            try administration.assess(study), policy: administration.policy, site: administration.site
        ).text
    }

    /// The text as a terminal of 80 columns shows it, a line for each of its lines.
    private func onTerminal(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            stride(from: 0, through: max(line.count - 1, 0), by: 80).map {
                String(line.dropFirst($0).prefix(80))
            }
        }
    }

    /// Behind a bar, among the indented lines of the study file, or behind a mark.
    private func isSetApart(_ line: String) -> Bool {
        let claim = line.firstRange(of: "This hospital")?.lowerBound ?? line.endIndex
        return line.hasPrefix("    ") || line[..<claim].contains("«")
    }

    @Test(arguments: disguises)
    func `no text of a study can look like the node's own words`(_ text: String) throws {
        let quoted =
            "\""
            + text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
            + "\""
        for key in ["title", "purpose", "lead"] {
            let lines = onTerminal(try shown("\(key): \(quoted)"))
            #expect(lines[0] == Self.claim, "the node's own")
            for line in lines.dropFirst()
            where line.contains("has no objection") || line.hasPrefix("This hospital") {
                #expect(isSetApart(line), "\(key): \(line)")
            }
            #expect(
                lines.allSatisfy { line in
                    line.unicodeScalars.allSatisfy { ![0x200E, 0x200D, 0x3164, 0x61C].contains($0.value) }
                })
        }
    }

    @Test func `names of causes and ids made of terms are set apart, too`() throws {
        let causes =
            "{time: months, causes: {\"\(Self.claim)\": died and age > 40, other: died and age <= 40}, unit: month}"
        let text = try shown(
            "", analyses: "{incidence: {id: i, times: exact}}, {cox: {id: m, each: ['age:(crp > 3)']}}",
            endpoint: causes)
        for line in onTerminal(text).dropFirst() where line.contains("This hospital's policy") {
            #expect(isSetApart(line), "\(line)")
        }
        #expect(text.contains("Analysis «m/age:(crp > 3)»: Cox model of"))
    }

    @Test func `a long line of ours goes on behind a bar where it holds a study's words`() throws {
        let cohort = (0..<30).map { "age != \(40 + $0)" }.joined(separator: " and ")
        let text = try shown("cohort: \(cohort)")
        let lines = text.split(separator: "\n").map(String.init)
        let first = try #require(lines.firstIndex { $0.hasPrefix("  patients    those with «age != 40 and") })
        #expect(
            lines[first + 1].hasPrefix("      | ") && lines[first...].prefix(8).allSatisfy { $0.count <= 78 })
        let joined = text.replacing(#/\n +\| /#, with: " ")
        #expect(joined.contains("those with «\(cohort)»"), "nothing is lost")
    }

    @Test(arguments: [
        ("age", "age"), ("log(crp)", "log(crp)"), ("age > 3", "«age > 3»"), ("", "«»"), ("a\nb", "«a b»"),
        ("«a»", "\\u{ab}a\\u{bb}"), ("a\u{202E}b", "a\\u{202e}b"),
    ])
    func `a name stands as it is, and a sentence in marks`(_ text: String, _ shown: String) {
        #expect(StudyWords.inline(text) == shown)
    }
}
