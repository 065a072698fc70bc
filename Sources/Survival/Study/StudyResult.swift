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
    case compare(ComparisonResult)
    case failed(id: String, kind: String, reason: String)

    package var id: String {
        switch self {
        case .cox(let result): result.id
        case .survival(let result): result.id
        case .describe(let result): result.id
        case .incidence(let result): result.id
        case .concordance(let result): result.id
        case .compare(let result): result.id
        case .failed(let id, _, _): id
        }
    }

    /// Whether it has no result, only a reason.
    package var isFailed: Bool { if case .failed = self { true } else { false } }
}

extension AnalysisResult: Codable {
    private enum Key: String, CodingKey { case kind, id, reason }
    private struct Failure: Codable { var id, failed, reason: String }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .kind) {
        case "cox": self = .cox(try CoxResult(from: decoder))
        case "survival": self = .survival(try SurvivalResult(from: decoder))
        case "describe": self = .describe(try DescriptionResult(from: decoder))
        case "incidence": self = .incidence(try IncidenceResult(from: decoder))
        case "concordance": self = .concordance(try ConcordanceResult(from: decoder))
        case "compare": self = .compare(try ComparisonResult(from: decoder))
        case "failed":
            let failure = try Failure(from: decoder)
            self = .failed(id: failure.id, kind: failure.failed, reason: failure.reason)
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "not a kind of analysis")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .cox(let result):
            try container.encode("cox", forKey: .kind)
            try result.encode(to: encoder)
        case .survival(let result):
            try container.encode("survival", forKey: .kind)
            try result.encode(to: encoder)
        case .describe(let result):
            try container.encode("describe", forKey: .kind)
            try result.encode(to: encoder)
        case .incidence(let result):
            try container.encode("incidence", forKey: .kind)
            try result.encode(to: encoder)
        case .concordance(let result):
            try container.encode("concordance", forKey: .kind)
            try result.encode(to: encoder)
        case .compare(let result):
            try container.encode("compare", forKey: .kind)
            try result.encode(to: encoder)
        case .failed(let id, let kind, let reason):
            try container.encode("failed", forKey: .kind)
            try Failure(id: id, failed: kind, reason: reason).encode(to: encoder)
        }
    }
}
