import Cryptography
import Federation
import Foundation
package import Ledger
import Survival

/// The audit log as one page of HTML for a data-protection officer: for each study who decided what, and for each round what
/// left; self-contained, without scripts.
package struct AuditPage {
    private let site: String
    private let head: AuditHead
    private let entries: [(entry: AuditEntry, body: AuditBody)]
    private let studies: [LocalStudy]

    /// `head` is that of the log whose chain was verified, and `entries` are those up to it.
    package init(entries: [AuditEntry], head: AuditHead, studies: [LocalStudy], site: String) throws {
        self.entries = try entries.map {
            ($0, try CanonicalJSON.decode(AuditBody.self, fromStored: Array($0.body.utf8)))
        }
        (self.head, self.studies, self.site) = (head, studies, site)
    }

    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>What left \(text(site))</title>
        <style>
        body { font-family: sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; line-height: 1.4 }
        table { border-collapse: collapse; width: 100%; font-size: 90% }
        th, td { border-bottom: 1px solid #bbb; padding: .3em .6em; text-align: left; vertical-align: top }
        code { font-size: 85%; overflow-wrap: anywhere }
        blockquote { border-left: 4px solid #999; margin: .5em 0; padding: 0 1em; font-style: italic }
        </style></head><body>
        <h1>What left \(text(site))</h1>
        <p>All that a round sends is one vector of sums over this hospital's rows, masked so that only the total over all hospitals
        of the session can be read. Rows never leave. Times are in UTC.</p>
        <p>The log has \(counted(head.sequence, "entry", "entries")), its chain was verified; hash of the newest: <code>\(head.hash.hex)</code></p>
        \(studies.map(section(about:)).joined(separator: "\n"))
        \(strangers.map(section(aboutStranger:)).joined(separator: "\n"))
        <h2>All else</h2>
        \(table(of: entries.filter { $0.body.study == nil }.map(line)))
        </body></html>

        """
    }

    private func section(about study: LocalStudy) -> String {
        """
        <h2>Study \(text(study.plan.study.name))</h2>
        <p>SHA-256 <code>\(study.plan.hash.hex)</code>, asked by \(text("\(study.submission.submitter)")). Title and purpose, in the
        words of its lead:</p>
        <blockquote><p>\(text(study.plan.study.title))</p><p>\(text(study.plan.study.purpose ?? ""))</p></blockquote>
        \(history(of: study.plan.hash))
        """
    }

    /// Studies of which the log has entries, and the ledger no text: who can write the file can take a study out of it.
    private var strangers: [SHA256Digest] {
        var known = Set(studies.map(\.plan.hash))
        return entries.compactMap(\.body.study).filter { known.insert($0).inserted }
    }

    private func section(aboutStranger study: SHA256Digest) -> String {
        """
        <h2>A study that is not in the ledger any more</h2>
        <p>SHA-256 <code>\(study.hex)</code>. Its text was taken out of the ledger; what the log says of it follows.</p>
        \(history(of: study))
        """
    }

    private func history(of study: SHA256Digest) -> String {
        let own = entries.filter { $0.body.study == study }
        let rounds = own.filter { $0.entry.kind == Self.answered }
        return """
            <h3>Decisions and sessions</h3>
            \(table(of: own.filter { $0.entry.kind != Self.answered }.map(line)))
            <h3>Rounds answered: \(rounds.count)</h3>
            \(roundTable(rounds))
            """
    }

    private static let answered = "round-answered"

    private func roundTable(_ rounds: [(entry: AuditEntry, body: AuditBody)]) -> String {
        guard !rounds.isEmpty else { return "<p>Nothing left.</p>" }
        let rows = rounds.map { entry, body in
            let questions = (body.statements ?? []).map {
                "\($0.analysis): \($0.kind), \(counted($0.lanes, "number"))"
            }
            let cells = [
                "\(body.round ?? 0)", time(entry.at), questions.map(text).joined(separator: "<br>"),
                "\((body.statements ?? []).reduce(0) { $0 + $1.lanes })", "\(body.answerBytes ?? 0)",
                code(body.answer), code(body.session),
            ]
            return row(cells)
        }
        let heads = ["Round", "When", "Sums", "Numbers", "Bytes", "SHA-256 of what left", "Session"]
        return
            "<table><tr>\(heads.map { "<th>\($0)</th>" }.joined())</tr>\n\(rows.joined(separator: "\n"))</table>"
    }

    /// An entry that is no answer: when, what, and whatever was said.
    private func line(_ entry: AuditEntry, _ body: AuditBody) -> [String] {
        var said: [String] = []
        if let person = body.person { said.append("by \(person)") }
        if let until = body.until { said.append("until \(time(until))") }
        if body.isHeld == true { said.append("each round waits for a person") }
        if let reason = body.reason { said.append(reason) }
        if let peer = body.peer { said.append(peer) }
        if let dictionary = body.dictionary { said.append("dictionary \(dictionary)") }
        if let round = body.round { said.append("round \(round)") }
        return [
            time(entry.at), text(entry.kind), text(said.joined(separator: "; ")),
            code(body.session ?? body.file),
        ]
    }

    private func table(of lines: [[String]]) -> String {
        guard !lines.isEmpty else { return "<p>Nothing.</p>" }
        return "<table>\n\(lines.map(row).joined(separator: "\n"))</table>"
    }

    private func row(_ cells: [String]) -> String {
        "<tr>\(cells.map { "<td>\($0)</td>" }.joined())</tr>"
    }

    private func code(_ digest: SHA256Digest?) -> String { digest.map { "<code>\($0.hex)</code>" } ?? "" }

    private func time(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }

    /// Text that others wrote, with nothing in it that HTML would act on, or that is not seen.
    private func text(_ raw: String) -> String {
        raw.visible.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }
}
