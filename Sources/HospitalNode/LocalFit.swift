import CohortStore
import Cryptography
import Federation
import Foundation
import Membership
package import Survival

/// A study fitted on a CSV file on this machine, by the same federation as over the network.
package struct LocalFit {
    /// What the reader should know about how the file was read.
    package private(set) var notes: [String] = []
    package let result: StudyResult

    /// Runs the study file on a table; with a site column, each of its values is a site of its own.
    ///
    /// Without a dictionary file, one is looked for beside the study (`NAME.yaml`, also in `dictionaries/` and
    /// `../dictionaries/`), and if there is none the columns' types are guessed from the table.
    package init(
        study path: String, data: String, dictionary dictionaryPath: String?, siteColumn: String?, time: Int
    ) throws {
        let file = try ConfigurationFile(path: path, what: "study file")
        let study = try StudyFile(yaml: file.text, file: path)
        let dictionary: DataDictionary
        if let found = try Self.dictionary(of: study, at: dictionaryPath, beside: file) {
            dictionary = found
        } else {
            let (name, version) = try Self.nameAndVersion(study.dictionary)
            dictionary = try InferredDictionary.read(
                csv: data, name: name, version: version, categories: Self.groupings(in: study),
                conditions: Self.conditions(in: study))
            notes.append(
                "no dictionary \(study.dictionary) was found; the types of the columns were guessed from \(data)"
            )
        }
        var plan = try StudyPlan(study: study, dictionary: dictionary, hash: SHA256Digest(of: file.text.utf8))
        let local = try LocalTable(
            csv: data, dictionary: dictionary, variables: plan.variables, siteColumn: siteColumn)
        if local.rowsWithoutSite > 0 {
            notes.append("\(local.rowsWithoutSite) rows without a site were left out")
        }
        // A column may hold any text, a certificate only a name: the sites take part under numbers.
        plan.study.sites = local.sites.indices.map { "site-\($0 + 1)" }
        let federation = try InProcessFederation(
            plan: plan, tables: zip(plan.study.sites, local.sites).map { (site: $0, table: $1.table) },
            time: time)
        var result = try federation.run { try randomBytes(32) }
        // No disclosure rule was applied, so there is no policy to name.
        result.sites = local.sites.map { .init(name: $0.name, policyHash: nil) }
        // Sent as the network would send it: what could not be fetched there is no result here either.
        self.result = try CanonicalJSON.sent(result)
    }

    /// Columns that the study groups by as they are: categories, even if their levels are written as numbers.
    private static func groupings(in study: StudyFile) -> Set<String> {
        var names: Set<String> = []
        for analysis in study.analyses {
            switch analysis.kind {
            case .survival(let by, _, _, _, let options):
                names.formUnion((by.map { [$0] } ?? []) + options.strata)
            case .describe(_, let by, _): names.formUnion(by.map { [$0] } ?? [])
            case .incidence(let by, _, _, _, let test):
                names.formUnion((by.map { [$0] } ?? []) + (test?.strata ?? []))
            case .concordance(_, let strata, _, _, _): names.formUnion(strata)
            case .cox(let terms, _, _, _, _):
                for term in terms where term.hasSuffix(")") {
                    for use in ["strata(", "cluster("] where term.hasPrefix(use) {
                        names.insert(String(term.dropFirst(use.count).dropLast()))
                    }
                }
            }
        }
        return names
    }

    /// Columns that the study takes for conditions as they are: `event: died`.
    private static func conditions(in study: StudyFile) -> Set<String> {
        let texts = [study.endpoint.event, study.cohort] + study.analyses.map(\.cohort)
        return Set(texts.compactMap { $0?.replacing("`", with: "") })
    }

    private static func dictionary(
        of study: StudyFile, at path: String?, beside file: ConfigurationFile
    ) throws -> DataDictionary? {
        if let path {
            return try DataDictionary(
                yaml: try ConfigurationFile(path: path, what: "dictionary").text, file: path)
        }
        let name = try nameAndVersion(study.dictionary).name
        for folder in [".", "dictionaries", "../dictionaries"] {
            let candidate = file.resolve("\(folder)/\(name).yaml")
            guard FileManager.default.fileExists(atPath: candidate), candidate != file.path else { continue }
            let dictionary = try DataDictionary(
                yaml: try ConfigurationFile(path: candidate).text, file: candidate)
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
