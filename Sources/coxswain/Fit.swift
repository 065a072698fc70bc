import ArgumentParser
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
            With --sites each value of that column (at most 100) is a site of its own in an in-process federation; without it
            the file is one site. The sites that the study names are not looked at. The dictionary is looked for beside the study file unless --dictionary names it; if there is none,
            the columns' types are guessed from the file. Nothing leaves this machine, and no disclosure rule applies.
            """)
    @Argument(help: "The study file (YAML).") var study: String
    @Option(help: "The patients (CSV).") var data: String
    @Option(help: "The column that names each row's site.") var sites: String?
    @Option(name: .shortAndLong, help: "The data dictionary (YAML).") var dictionary: String?
    @Option(help: "text, json or csv.") var format: ReportFormat = .text

    func run() throws {
        let fit = try LocalFit(
            study: study, data: data, dictionary: dictionary, siteColumn: sites, time: currentTime())
        for note in fit.notes { ProgramOutput.say("coxswain: note: \(note)") }
        try ProgramOutput.write(try StudyReport(fit.result).rendered(as: format))
    }
}
