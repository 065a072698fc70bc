import ArgumentParser
import CohortStore
import Foundation
import HospitalNode
import StudyReport

/// `coxswain fit`: the bench on which a statistician compares with R.
struct Fit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Fit a study file on a local CSV file, by the same solver and protocol as over the network.",
        discussion: """
            Examples:
              coxswain fit study.yaml --data patients.csv
              coxswain fit study.yaml --data patients.csv --sites hospital --format json
              coxswain fit study.yaml --data north=north.csv --data south=south.csv
              coxswain fit study.yaml --data patients.csv --print-dictionary
            With --sites each value of that column (at most 100) is a site of its own in an in-process federation; of several
            files each is a site; otherwise the file is one site. Files are read as a hospital's import reads them. The study
            file may leave out study, dictionary and sites, which are not looked at here. The dictionary is looked for beside
            the study file unless --dictionary names it; if there is none, the columns' types are guessed from the files.
            Nothing leaves this machine, and no disclosure rule applies.
            Exit status: 0 every analysis has its result, 3 some have none; the output is complete and says why.
            """)
    @Argument(help: "The study file (YAML).") var study: String
    @Option(
        help: ArgumentHelp(
            "The patients (CSV); of several files each is given with its site's name.",
            valueName: "[site=]file"))
    var data: [String]
    @Option(help: "The column that names each row's site.") var sites: String?
    @Option(name: .shortAndLong, help: "The data dictionary (YAML).") var dictionary: String?
    @Option(help: "text, json or csv.") var format: ReportFormat = .text
    @Flag(help: "Print the dictionary that the files are read by, given or guessed, and fit nothing.")
    var printDictionary = false
    @Flag(help: "With csv: p-values as the text report has them, such as <0.001, for tables of a paper.")
    var roundedP = false

    func validate() throws {
        guard !roundedP || format == .csv else { throw ValidationError("--rounded-p goes with --format csv") }
        let files = self.files
        guard files.count == 1 || files.allSatisfy({ $0.site != nil }) else {
            throw ValidationError(
                "of several files each is a site; name them: --data north=north.csv --data south=south.csv")
        }
        guard Set(files.map(\.site)).count == files.count else {
            throw ValidationError("two files have the same site's name")
        }
        guard files.count == 1 || sites == nil else {
            throw ValidationError(
                "--sites cuts one file into sites, and several files are a site each; give one of both")
        }
    }

    func run() throws {
        let bench = try LocalBench(study: study, files: files, dictionary: dictionary)
        guard !printDictionary else {
            return try show(bench.dictionaryText.trimmingCharacters(in: .newlines))
        }
        let fit = try bench.fit(siteColumn: sites, time: currentTime())
        for note in fit.notes { ProgramOutput.say("coxswain: note: \(note)") }
        try show(StudyReport(fit.result), as: format, roundsP: roundedP)
        try fit.result.requireAnswers()
    }

    /// `site=file` or a file; a file of that whole name is meant if there is one.
    private var files: [LocalTable.File] {
        data.map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, !FileManager.default.fileExists(atPath: text) else {
                return .init(path: text)
            }
            return .init(site: String(parts[0]), path: String(parts[1]))
        }
    }
}
