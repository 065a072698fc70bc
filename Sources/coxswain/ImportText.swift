import CohortStore
import Survival

/// What an import did, for the admin who asked for it.
struct ImportText {
    private let report: ImportReport

    init(_ report: ImportReport) { self.report = report }

    var lines: [String] {
        let people = counted(report.personCount, "person", "people")
        return ["\(counted(report.rowCount, "row")) of \(people) imported under \(report.dictionary)"]
            + replaced + severalRows + repeatedRows + ignored
    }

    private var replaced: [String] {
        guard report.replacedRowCount > 0 else { return [] }
        let were = report.replacedRowCount == 1 ? "was" : "were"
        return ["\(counted(report.replacedRowCount, "earlier row")) \(were) replaced"]
    }

    private var severalRows: [String] {
        guard report.severalRowsPersonCount > 0 else { return [] }
        let have = report.severalRowsPersonCount == 1 ? "has" : "have"
        return [
            "\(counted(report.severalRowsPersonCount, "person", "people")) \(have) more than one row; where rows of a person overlap in time, a study must say what to do (people:)"
        ]
    }

    private var repeatedRows: [String] {
        guard report.repeatedRowCount > 0 else { return [] }
        let are = report.repeatedRowCount == 1 ? "is" : "are"
        return [
            "warning: \(counted(report.repeatedRowCount, "row")) \(are) the same as an earlier one in every variable, as if entered twice; correct the file and import it with --replace"
        ]
    }

    private var ignored: [String] {
        let names = report.ignoredColumns.filter { !$0.isEmpty }
        let nameless = report.ignoredColumns.count - names.count
        let texts = names + (nameless == 0 ? [] : [counted(nameless, "column") + " without a name"])
        return texts.isEmpty
            ? [] : ["columns not in the dictionary, ignored: \(texts.joined(separator: ", "))"]
    }
}
