package import CohortStore
import Cryptography
import Federation
import Foundation
import Membership
package import Survival

/// A study on CSV files of this machine: the study file, the files, and the dictionary by which they are read.
package struct LocalBench {
    /// What the reader should know about how the files were read.
    package private(set) var notes: [String] = []
    private let study: StudyFile
    private let studyText: String
    private let files: [LocalTable.File]
    private let dictionary: DataDictionary
    /// Of columns, where the dictionary was guessed.
    private var remarks: [String: String] = [:]

    /// Reads the study file, which may be a draft that leaves out `study`, `dictionary` and `sites`.
    ///
    /// Without a dictionary file, one is looked for beside the study (`NAME.yaml`, also in `dictionaries/` and
    /// `../dictionaries/`), and if there is none the columns' types are guessed from the files.
    package init(study path: String, files: [LocalTable.File], dictionary dictionaryPath: String?) throws {
        let file = try ConfigurationFile(path: path, what: "study file")
        var study = try StudyFile(yaml: file.text, file: path, draft: Self.draftName(path))
        if let found = try Self.dictionary(of: study, at: dictionaryPath, beside: file) {
            dictionary = found
            if !study.namesDictionary { study.dictionary = found.identifier }
        } else {
            let (name, version) = try Self.nameAndVersion(study.dictionary)
            let guessed = try InferredDictionary(
                csv: files.map(\.path), name: name, version: version, uses: Self.uses(of: study))
            (dictionary, remarks) = (guessed.dictionary, guessed.remarks)
            let missing = study.namesDictionary ? "no dictionary \(study.dictionary) was found; " : ""
            notes.append(
                "\(missing)the types of the columns were guessed from \(files.map(\.path).joined(separator: ", ")) (--print-dictionary shows them)"
            )
        }
        (self.study, self.files, studyText) = (study, files, file.text)
    }

    /// The file's name as a study's name, for one that has none of its own.
    private static func draftName(_ path: String) -> String {
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent.lowercased()
        let safe = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let trimmed = String(safe.drop { $0 == "-" }.prefix(63))
        return trimmed.isEmpty ? "study" : trimmed
    }

    /// The dictionary that the files are read by, as a file.
    package var dictionaryText: String {
        let head =
            remarks.isEmpty && notes.isEmpty
            ? "" : "# Guessed by coxswain fit; look at every line before anybody agrees on it.\n"
        return head + dictionary.yaml(remarks: remarks)
    }

    /// Runs the study by the same federation as over the network.
    ///
    /// Each file is a site, or with a site column each of its values in the one file; else all rows are one site.
    package func fit(siteColumn: String?, time: Int) throws -> LocalFit {
        try LocalFit(self, siteColumn: siteColumn, time: time)
    }

    fileprivate func plan() throws -> StudyPlan {
        do {
            return try StudyPlan(
                study: study, dictionary: dictionary, hash: SHA256Digest(of: studyText.utf8))
        } catch {
            throw LocalFitError(error, remarks: remarks)
        }
    }

    fileprivate func table(_ plan: StudyPlan, siteColumn: String?) throws -> LocalTable {
        guard files.count == 1 || siteColumn == nil else {
            throw LocalFitError(
                "--sites cuts one file into sites, and several files are a site each; give one of both")
        }
        return try LocalTable(
            files: files, dictionary: dictionary, variables: plan.variables, siteColumn: siteColumn)
    }

    /// Remarks on columns that the study reads.
    fileprivate func notes(on plan: StudyPlan) -> [String] {
        plan.variables.compactMap { name in
            dictionary[name].flatMap { remarks[$0.column] }.map { "column \"\(name)\": \($0)" }
        }
    }

    /// What the study's formulas use the columns for.
    private static func uses(of study: StudyFile) -> InferredDictionary.Uses {
        var formulas: [(text: String, role: NameUses.Role)] = [
            (study.endpoint.time, .number), (study.endpoint.event, .condition),
        ]
        formulas += [study.endpoint.start].compactMap(\.self).map { ($0, .number) }
        formulas += study.endpoint.causes.map { ($0.text, .condition) }
        formulas += ([study.cohort] + study.analyses.flatMap { [$0.cohort, $0.event] }).compactMap(\.self)
            .map { ($0, .condition) }
        formulas += study.analyses.flatMap { analysis in
            analysis.kind.formulas + analysis.kind.groupings.map { ($0, .category) }
        }
        let uses = NameUses(formulas, definitions: study.definitions.map { ($0.name, $0.text) })
        return .init(
            numbers: uses.numbers, categories: uses.categories, conditions: uses.conditions)
    }

    private static func dictionary(
        of study: StudyFile, at path: String?, beside file: ConfigurationFile
    ) throws -> DataDictionary? {
        if let path {
            return try DataDictionary(
                yaml: try ConfigurationFile(path: path, what: "dictionary").text, file: path,
                allowsUnseen: true)
        }
        guard study.namesDictionary else { return nil }
        let name = try nameAndVersion(study.dictionary).name
        for folder in [".", "dictionaries", "../dictionaries"] {
            let candidate = file.resolve("\(folder)/\(name).yaml")
            guard FileManager.default.fileExists(atPath: candidate), candidate != file.path else { continue }
            let dictionary = try DataDictionary(
                yaml: try ConfigurationFile(path: candidate, what: "dictionary").text, file: candidate,
                allowsUnseen: true)
            if dictionary.identifier == study.dictionary { return dictionary }
        }
        return nil
    }

    private static func nameAndVersion(_ identifier: String) throws -> (name: String, version: Int) {
        let parts = identifier.split(separator: "@")
        guard parts.count == 2, let version = Int(parts[1]) else {
            throw StudyError.sums("\"\(identifier)\" is not a dictionary's name@version")
        }
        return (String(parts[0]), version)
    }
}

/// A study fitted on CSV files on this machine, by the same federation as over the network.
package struct LocalFit {
    /// What the reader should know about how the files were read.
    package private(set) var notes: [String]
    package let result: StudyResult

    fileprivate init(_ bench: LocalBench, siteColumn: String?, time: Int) throws {
        notes = bench.notes
        var plan = try bench.plan()
        try plan.requireUnit()
        notes += bench.notes(on: plan)
        let local = try bench.table(plan, siteColumn: siteColumn)
        if local.rowsWithoutSite > 0 {
            let were = local.rowsWithoutSite == 1 ? "was" : "were"
            notes.append("\(counted(local.rowsWithoutSite, "row")) without a site \(were) left out")
        }
        let rowCounts = local.sites.map(\.table.rowCount)
        if let siteColumn, rowCounts.count > 1, rowCounts.allSatisfy({ $0 == 1 }) {
            notes.append("each row is a site of its own; does the column \(siteColumn) name the hospitals?")
        }
        // A column may hold any text, a certificate only a name: the sites take part under numbers.
        plan.study.sites = local.sites.indices.map { "site-\($0 + 1)" }
        let federation = try InProcessFederation(
            plan: plan, tables: zip(plan.study.sites, local.sites).map { (site: $0, table: $1.table) },
            time: time)
        var troubles: [[String]] = []
        var result = try federation.run(noting: &troubles) { try randomBytes(32) }
        result.analyses = result.analyses.map {
            Self.explained($0, by: troubles, at: local.sites.map(\.name))
        }
        // No disclosure rule was applied, so there is no policy to name.
        result.sites = local.sites.map { .init(name: $0.name, policyHash: nil) }
        // Sent as the network would send it: what could not be fetched there is no result here either.
        self.result = try CanonicalJSON.sent(result)
    }
}

extension LocalFit {
    /// An analysis that the rows of a site do not fit, with the reason itself: over the network it stands in the hospital's log, and
    /// here whoever reads it holds the rows.
    private static func explained(
        _ result: AnalysisResult, by troubles: [[String]], at sites: [String]
    ) -> AnalysisResult {
        guard case .failed(let id, let kind, Trouble.unanswerable.reason) = result else { return result }
        let prefix = "analysis \"\(id)\": "
        let reasons = zip(sites, troubles).compactMap { site, troubles in
            troubles.last { $0.hasPrefix(prefix) }.map {
                (sites.count == 1 ? "" : "site \(site): ") + $0.dropFirst(prefix.count)
            }
        }
        return reasons.isEmpty
            ? result : .failed(id: id, kind: kind, reason: reasons.joined(separator: "; "))
    }
}

/// Why a study cannot be fitted on the files that were given, with what is known of the columns it is about.
package struct LocalFitError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ reason: String) { description = reason }

    /// Adds the remarks on columns that the error names.
    init(_ error: StudyError, remarks: [String: String]) {
        let reason = "\(error)"
        let told = remarks.filter { reason.contains(quoted($0.key)) }.sorted { $0.key < $1.key }
        description = reason + told.map { "; column \(quoted($0.key)): \($0.value)" }.joined()
    }
}
