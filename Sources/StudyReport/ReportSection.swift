import Survival

/// One kind of result in every format: a kind has a section, and this file lists them.
protocol ReportSection {
    /// Throws if the result contradicts itself, such as columns of different lengths.
    func requireCoherence() throws(ReportError)
    func add(to report: inout TextReport)
    func add(to report: inout CSVReport)
    func json(in report: JSONReport) -> [String: JSONValue]
}

extension AnalysisResult {
    var section: any ReportSection {
        switch self {
        case .cox(let result): result
        case .survival(let result): result
        case .describe(let result): result
        case .incidence(let result): result
        case .concordance(let result): result
        case .compare(let result): result
        case .failed(let id, let kind, let reason): FailedAnalysis(id: id, kind: kind, reason: reason)
        }
    }
}

extension CoxResult: ReportSection {
    func add(to report: inout TextReport) { report.add(self, unit: report.unit) }
    func add(to report: inout CSVReport) { report.add(self) }
    func json(in report: JSONReport) -> [String: JSONValue] { report.cox(self) }
}

extension SurvivalResult: ReportSection {
    func add(to report: inout TextReport) { report.add(self, unit: report.unit) }
    func add(to report: inout CSVReport) { report.add(self) }
    func json(in report: JSONReport) -> [String: JSONValue] { report.survival(self) }
}

extension DescriptionResult: ReportSection {
    func add(to report: inout TextReport) { report.add(self) }
    func add(to report: inout CSVReport) { report.add(self) }
    func json(in report: JSONReport) -> [String: JSONValue] { report.description(self) }
}

extension IncidenceResult: ReportSection {
    func add(to report: inout TextReport) { report.add(self, unit: report.unit) }
    func add(to report: inout CSVReport) { report.add(self) }
    func json(in report: JSONReport) -> [String: JSONValue] { report.incidence(self) }
}

extension ConcordanceResult: ReportSection {
    func requireCoherence() {}
    func add(to report: inout TextReport) { report.add(self) }
    func add(to report: inout CSVReport) { report.add(self) }
    func json(in report: JSONReport) -> [String: JSONValue] { report.concordance(self) }
}

/// An analysis without a result, and why.
private struct FailedAnalysis: ReportSection {
    var id: String
    var kind: String
    var reason: String

    func requireCoherence() {}

    func add(to report: inout TextReport) {
        report.addHeading("\(id): no result")
        report.addParagraph(
            "This analysis (\(kind)) could not be answered: \(reason.hasSuffix(".") ? reason : reason + ".")")
    }

    func add(to report: inout CSVReport) {
        let place = CSVReport.Place(analysis: id, kind: "failed")
        report.add(place, "analysis", .text(kind))
        report.add(place, "reason", .text(reason))
    }

    func json(in report: JSONReport) -> [String: JSONValue] {
        ["kind": .string("failed"), "analysis": .string(kind), "reason": .string(reason)]
    }
}
