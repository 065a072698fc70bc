/// What a finished study says: one result for each analysis, and under which rules it was made.
package struct StudyResult: Hashable, Sendable, Codable {
    /// The study's short name, title, and identity (SHA-256, hex, of the submitted study).
    package var study: String
    package var title: String
    package var studyHash: String
    package var dictionary: String
    package var endpoint: Endpoint
    package var sites: [Site]
    /// Rounds of sums that led to this result.
    package var rounds: Int
    package var analyses: [AnalysisResult]
    package var warnings: [String]
    /// Which protocol and engine made it; nil for one that was made before versions were told.
    package var versions: Versions?

    package struct Endpoint: Hashable, Sendable, Codable {
        package var time: String
        package var event: String
        package var unit: String

        package init(time: String, event: String, unit: String) {
            (self.time, self.event, self.unit) = (time, event, unit)
        }
    }

    package struct Site: Hashable, Sendable, Codable {
        package var name: String
        /// SHA-256, hex, of the disclosure policy the site answered under; nil for a fit on local files.
        package var policyHash: String?

        package init(name: String, policyHash: String?) {
            (self.name, self.policyHash) = (name, policyHash)
        }
    }

    package init(
        study: String, title: String, studyHash: String, dictionary: String, endpoint: Endpoint,
        sites: [Site],
        rounds: Int, analyses: [AnalysisResult], warnings: [String], versions: Versions? = nil
    ) {
        (self.study, self.title, self.studyHash, self.dictionary) = (study, title, studyHash, dictionary)
        (self.endpoint, self.sites, self.rounds) = (endpoint, sites, rounds)
        (self.analyses, self.warnings, self.versions) = (analyses, warnings, versions)
    }
}

/// The result of one analysis of a study file; an analysis that cannot be answered fails alone and says why.
package enum AnalysisResult: Hashable, Sendable {
    case cox(CoxResult)
    case survival(SurvivalResult)
    case describe(DescriptionResult)
    case incidence(IncidenceResult)
    case concordance(ConcordanceResult)
    case failed(id: String, kind: String, reason: String)

    package var id: String {
        switch self {
        case .cox(let result): result.id
        case .survival(let result): result.id
        case .describe(let result): result.id
        case .incidence(let result): result.id
        case .concordance(let result): result.id
        case .failed(let id, _, _): id
        }
    }

    /// Whether it has no result, only a reason.
    package var isFailed: Bool { if case .failed = self { true } else { false } }
}
