import CohortStore
import Foundation
import Survival

/// From a CSV file into the store and from there into a fit, beside the `sqlite3` shell and a bare loop of `sqlite3_step`.
///
/// See README.md, "Loading".
struct Loading {
    private static let rounds = 3
    private let folder: URL
    private let file: MadeUpFile
    private var cohort: String { folder.appending(path: "cohort.sqlite").path }
    private var identifier: String { file.dictionary.identifier }

    /// With as many rows as the first number of the command line says, else a million.
    static func run() throws {
        let rowCount = CommandLine.arguments.lazy.compactMap { Int($0) }.first ?? 1_000_000
        let folder = FileManager.default.temporaryDirectory.appending(path: "loading-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }  // temporary files
        let rows = MadeUpRows(rowCount: rowCount, columnCount: 20, isTied: true)
        let file = try MadeUpFile(rows, at: folder.appending(path: "patients.csv"))
        let loading = Loading(folder: folder, file: file)
        print("loading \(rowCount) x 20, a CSV file of \(file.byteCount / 1_000_000) MB; CPU seconds")
        try loading.imports()
        try loading.loads()
        try loading.codes()
        try loading.fit()
    }

    // MARK: Import

    private func imports() throws {
        let shell = ImportingShell(file: file, database: folder.appending(path: "shell.sqlite").path)
        var (ours, theirs) = ([Usage](), [Usage]())
        for _ in 0..<Loading.rounds {
            ours.append(try importFile())
            if let shell { theirs.append(try shell.importFile()) }
        }
        line("import", Usage.median(ours).cpu, "\(rate(ours)) rows/s, by the clock \(clockRate(ours))")
        let size = try FileManager.default.attributesOfItem(atPath: cohort)[.size] as? Int ?? 0
        line("", nil, "the file has \(size / 1_000_000) MB")
        guard !theirs.isEmpty else { return line("sqlite3 .import", nil, "not installed, skipped") }
        let ratio = Usage.median(theirs).cpu / Usage.median(ours).cpu
        line(
            "sqlite3 .import", Usage.median(theirs).cpu,
            "\(rate(theirs)) rows/s, by the clock \(clockRate(theirs)); over ours \(number(ratio, 2))")
    }

    private func importFile() throws -> Usage {
        try FileManager.default.removeDatabase(at: cohort)
        try CohortStore.create(at: cohort)
        let store = try CohortStore(path: cohort, access: .importing)
        try store.install(file.dictionary, text: "made up\n")
        return try Usage.of {
            _ = try store.importCSV(path: file.url.path, dictionary: identifier, replacing: false)
        }
    }

    private func rate(_ samples: [Usage]) -> String {
        number(Double(file.rowCount) / Usage.median(samples).cpu, 0)
    }

    private func clockRate(_ samples: [Usage]) -> String {
        number(Double(file.rowCount) / Usage.median(samples).wall, 0)
    }

    // MARK: Loads

    /// The bare loop and the load of a node take turns.
    private func loads() throws {
        let loop = BareLoop(database: cohort, file: file)
        var (bare, verified) = ([Double](), [Double]())
        loop.read()  // its columns' memory is there from now on
        for _ in 0..<(2 * Loading.rounds) {
            bare.append(measure { loop.read() })
            verified.append(try measure { _ = try load() })
        }
        let ratio = number(median(verified) / median(bare), 2)
        line("bare sqlite3_step loop", median(bare), "22 columns")
        line("a node's load", median(verified), "over the bare loop \(ratio)")
    }

    /// What a node does beside loading before it answers a session.
    private func codes() throws {
        let store = try CohortStore(path: cohort, access: .answering)
        let codes = try times { _ = try store.rowCodes(dictionary: identifier) }
        line("codes of all rows", median(codes), "by a node: at each session")
    }

    /// As a node loads its rows: it opens the file for answering, and verifies all rows as it reads them.
    private func load() throws -> PatientTable {
        let store = try CohortStore(path: cohort, access: .answering)
        let table = try store.verifiedTable(dictionary: identifier, variables: file.variables).table
        precondition(table.rowCount == file.rowCount && table.columns.count == file.variables.count)
        return table
    }

    private func times(_ work: () throws -> Void) rethrows -> [Double] {
        var result: [Double] = []
        for _ in 0..<Loading.rounds { result.append(try measure(processSeconds, work)) }
        return result
    }

    // MARK: Fit

    private func fit() throws {
        let scope = try VariableScope(dictionary: file.dictionary, definitions: [])
        let model = try ModelSpecification(terms: file.covariates, scope: scope)
        let endpoint = EndpointSpecification(
            time: try Expression(parsing: "days"), event: try Expression(parsing: "died"))
        let names = ["open and load", "complete cases, design", "sort, layout", "5 evaluations"]
        var steps = [[Double]](repeating: [], count: names.count)
        for _ in 0..<Loading.rounds {
            var table = PatientTable(rowCount: 0, person: [], columns: [:])
            steps[0].append(try measure { table = try load() })
            var data: SurvivalData?
            steps[1].append(
                try measure {
                    let cases = try CompleteCases(
                        table: table, scope: scope, cohort: [], endpoint: endpoint, needed: model.expressions)
                    data = try cases.survivalData(model: model, weights: nil)
                })
            guard let data else { return }
            var likelihood: PartialLikelihood?
            steps[2].append(measure { likelihood = PartialLikelihood(data, ties: .efron, threads: 1) })
            guard let likelihood else { return }
            var newton = NewtonIteration(parameterNames: file.covariates)
            steps[3].append(
                try measure {
                    for _ in 0..<5 { _ = try newton.receive(likelihood.evaluate(at: newton.beta)) }
                })
        }
        line("from the file to a fit", steps.map(median).reduce(0, +), "")
        for (name, samples) in zip(names, steps) { line("    " + name, median(samples), "") }
    }

    private func line(_ name: String, _ seconds: Double?, _ note: String) {
        let name = name.padding(toLength: 28, withPad: " ", startingAt: 0)
        print("    \(name) \(seconds.map { number($0, 3) } ?? "    -")  \(note)")
    }

    private func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
