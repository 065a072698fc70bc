import ArgumentParser
import CohortStore
import Federation
import Foundation
import Glibc
import HospitalNode
import Membership
import Survival

/// The command line: parses arguments, calls, prints.
///
/// It decides nothing. Results go to standard output; progress, errors and hints to standard error, as one sentence each,
/// lower case, without a full stop. `ExitStatus` has the exit statuses.
@main
struct Coxswain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coxswain",
        abstract: "Survival models across hospitals that never pool a patient's row.",
        discussion: """
            The consortium's office issues certificates (ca) and runs the coordinator (coordinator).
            A site admin runs a node and decides about studies (node).
            A study lead writes a study file, submits and launches it (study).
            A statistician fits the same study file on a local table (fit).
            Exit status: \(ExitStatus.summary).
            """,
        version: "coxswain \(Program.version) (\(Versions.current))",
        subcommands: [Authority.self, NodeCommand.self, CoordinatorCommand.self, StudyCommand.self, Fit.self])

    static func main() async {
        ProgramOutput.prepare()
        var parsed: (any ParsableCommand)?
        do {
            do {
                try RepeatedOptions.refuse(in: Array(CommandLine.arguments.dropFirst()))
            } catch {
                // For the usage of the command that was meant; its own complaint can wait.
                parsed = try? parseAsRoot()
                throw error
            }
            var command = try parseAsRoot()
            parsed = command
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try ProgramOutput.finish()
        } catch {
            Glibc.exit(end(with: error, of: parsed.map { type(of: $0) }))
        }
    }

    /// Says what an error of a command says, and gives the status that it ends the program with.
    private static func end(with error: any Error, of command: (any ParsableCommand.Type)? = nil) -> Int32 {
        if let complaint = Complaint(error) {
            ProgramOutput.complain(complaint.text)
            return (error is OutputError ? ExitStatus.unwritable : .failed).rawValue
        }
        switch exitCode(for: error) {
        case .success: return printHelp(fullMessage(for: error))
        case .validationFailure:
            ProgramOutput.complain(Complaint.text(ofUsage: usage(error, of: command)))
            return ExitStatus.wrongUsage.rawValue
        case let code: return code.rawValue
        }
    }

    /// What is wrong with a command line and how it should be; the parser knows that of its own errors alone.
    private static func usage(_ error: any Error, of command: (any ParsableCommand.Type)?) -> String {
        guard let error = error as? ValidationError, let command else { return fullMessage(for: error) }
        let usage = usageString(for: command)
        let words = usage.split(separator: " ").prefix {
            $0.allSatisfy { $0.isLetter || $0 == "-" } && $0.first != "-"
        }
        return "Error: \(error.message)\nUsage: \(usage)\n"
            + "  See '\(words.joined(separator: " ")) --help' for more information."
    }

    /// Prints what was asked for instead of a command: help, the version.
    private static func printHelp(_ text: String) -> Int32 {
        do throws(OutputError) {
            try ProgramOutput.write("\(text)\n")
            try ProgramOutput.finish()
            return ExitStatus.done.rawValue
        } catch {
            return end(with: error)
        }
    }
}

/// An error of ours as the command line says it; nil for ArgumentParser's own.
struct Complaint {
    let text: String

    init?(_ error: any Error) {
        if error is ExitCode || error is CleanExit || error is ValidationError { return nil }
        guard String(reflecting: type(of: error)).hasPrefix("ArgumentParser.") == false else { return nil }
        let hint = Self.hint(of: error).map { "coxswain: hint: \($0)\n" } ?? ""
        text = "coxswain: error: \(sentence(of: error))\n\(hint)".visible
    }

    /// ArgumentParser's complaint about wrong usage, which goes on to show the usage, in our form.
    static func text(ofUsage message: String) -> String {
        let prefix = "Error: "
        guard message.hasPrefix(prefix) else { return "coxswain: error: \(message)\n" }
        let rest = message.dropFirst(prefix.count)
        return "coxswain: error: \(rest.prefix(1).lowercased())\(rest.dropFirst())\n".visible
    }

    private static func hint(of error: any Error) -> String? {
        switch error {
        case let error as NodeError: error.hint
        case let error as MembershipError: error.hint
        case let error as OutputError: error.hint
        case StoreError.dictionary(_, .hasRows): "add --replace"
        default: nil
        }
    }
}

/// Seconds since 1970, now.
func currentTime() -> Int { Int(Date().timeIntervalSince1970) }

/// A day as people write it (2026-03-01), in UTC, whatever the machine's time zone: hospitals and audit logs have one calendar.
enum CalendarDay {
    /// A last day, with when it ends.
    static func last(_ time: Int) -> String { "\(text(time)) (to its end in UTC)" }

    static func text(_ time: Int) -> String {
        Date(timeIntervalSince1970: TimeInterval(time)).formatted(.iso8601.year().month().day())
    }

    /// To the minute, in UTC.
    static func minute(_ time: Int) -> String {
        let style = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day().time(
            includingFractionalSeconds: false)
        let text = Date(timeIntervalSince1970: TimeInterval(time)).formatted(style)
        return text.prefix(16).replacing("T", with: " ") + " UTC"
    }

    /// The last second of the day; of the day that it is in UTC for "today"; nil if the text is not a day.
    static func end(of text: String) -> Int? {
        if text == "today" { return end(of: self.text(currentTime())) }
        guard let date = try? Date(text, strategy: .iso8601.year().month().day()) else { return nil }
        let start = Int(date.timeIntervalSince1970)
        // The parser takes 2027-02-30 for a day in March.
        return self.text(start) == text ? start + 86399 : nil
    }
}

/// A table for the terminal: columns as wide as they need to be, two spaces between.
struct TerminalTable {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) {
        rows.append(row.map { $0.replacing("\n", with: " ").visible })
    }

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }
}
