import Ledger
import CohortStore
import Cryptography
import Federation
import Survival

/// This hospital's patients: the file of what was imported, read for those who decide and for those who answer.
struct HospitalPatients: Sendable {
    let path: String
    let ledger: NodeLedger

    private func store() throws -> CohortStore { try CohortStore(path: path, access: .answering) }

    func describe(dictionary identifier: String?) throws -> CohortDescription {
        let store = try store()
        let installed = try store.dictionaries()
        guard let identifier = identifier ?? (installed.count == 1 ? installed[0].identifier : nil) else {
            let names = installed.map(\.identifier).joined(separator: ", ")
            throw NodeError.ask(
                installed.isEmpty
                    ? "no patients have been imported" : "several dictionaries are installed: \(names)",
                hint: installed.isEmpty ? "run \"coxswain node import\"" : "name one with --dictionary")
        }
        return try store.describe(dictionary: identifier)
    }

    /// Dictionaries with patients imported under them; throws if rows are not those that were imported.
    func dictionaries() throws -> [InstalledDictionary] {
        let store = try store()
        let installed = try store.dictionaries()
        for dictionary in installed where dictionary.lastImport != nil {
            try requiringImportedRows { try store.verifyRows(dictionary: dictionary.identifier) }
        }
        return installed
    }

    /// Loads this hospital's rows for a study; refuses if the dictionary here is not the study's to the letter.
    func cohort(for plan: StudyPlan, submission: StudySubmission) throws -> LoadedCohort {
        let store = try store()
        try requireDictionary(of: plan, submission, in: store)
        let (table, snapshot) = try requiringImportedRows {
            try store.verifiedTable(dictionary: plan.study.dictionary, variables: plan.variables)
        }
        return LoadedCohort(cohort: SiteCohort(table: table, plan: plan), snapshot: snapshot)
    }

    /// Refuses rows that somebody changed past the import, and so past the dictionary's rules and the audit log.
    private func requiringImportedRows<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch StoreError.dictionary(_, .rowsChanged) {
            throw NodeError.ask(
                "this hospital's patients are not those that were imported",
                hint: "import their file again with --replace")
        }
    }

    /// Changes when any patient's row changes.
    func snapshot(of plan: StudyPlan) throws -> SHA256Digest {
        let store = try store()
        return try store.snapshotDigest(dictionary: plan.study.dictionary)
    }

    private func requireDictionary(
        of plan: StudyPlan, _ submission: StudySubmission, in store: CohortStore
    ) throws {
        guard
            let installed = try store.dictionaries().first(where: { $0.identifier == plan.study.dictionary })
        else {
            throw NodeError.ask(
                "no patients are imported under dictionary \(plan.study.dictionary)",
                hint: "run \"coxswain node import\" with that dictionary")
        }
        guard installed.sha256 == SHA256Digest(of: submission.dictionary.utf8) else {
            throw NodeError.ask(
                "the study's dictionary \(plan.study.dictionary) differs from the one installed here",
                hint: "agree on one text with the study lead; a changed dictionary needs a new version number"
            )
        }
    }

    /// The rows of a study's analyses by number; refuses if a loaded row is not the one of its place in the file any more.
    func rows(of plan: StudyPlan, in loaded: LoadedCohort) throws -> StudyRows {
        let store = try store()
        let codes = try store.rowCodes(dictionary: plan.study.dictionary)
        guard codes.snapshot == loaded.snapshot else {
            throw NodeError.ask("the patients were imported anew in the meantime", hint: "try again")
        }
        // Before the numbers are read, to which another process may add rows and answer for them.
        let answered = try ledger.answeredRows()
        let numbered = try ledger.number(codes.rows, codedUnder: codes.key)
        // An analysis that the rows do not fit is answered with nothing but that.
        let answerable = plan.analyses.filter { loaded.cohort.failure(of: $0.id) == nil }
        let analyses = try answerable.map { analysis in
            let (rows, eligible) = try loaded.cohort.rows(of: analysis.id)
            let set = AnsweredCohort(
                rows: RowSet(rows.lazy.map { numbered.numbers[$0] }),
                eligible: eligible.map { RowSet($0.lazy.map { numbered.numbers[$0] }) })
            return (id: analysis.id, cohort: set, people: try loaded.cohort.facts(of: analysis.id).people)
        }
        return StudyRows(analyses: analyses, person: numbered.person, answered: answered)
    }
}

/// This hospital's rows for a study, with the digest of the rows that they are.
struct LoadedCohort: Sendable {
    var cohort: SiteCohort
    var snapshot: SHA256Digest
}
