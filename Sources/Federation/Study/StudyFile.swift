package import Survival

/// What a study lead writes: the cohort, the endpoint, and the analyses to be run, as parsed from YAML.
///
/// Parsing checks form; `StudyPlan` checks meaning against the data dictionary.
package struct StudyFile: Sendable {
    /// Short name: `hcc-extrahepatic`, say.
    package var name: String
    package var title: String
    /// Free text for the people who decide about the study.
    package var purpose: String?
    package var lead: String?
    /// `name@version` of the data dictionary.
    package var dictionary: String
    /// The hospitals asked to take part, by the names in their certificates.
    package var sites: [String]
    /// A condition on the rows; nil takes all of them.
    package var cohort: String?
    package var endpoint: Endpoint
    package var definitions: [Definition]
    package var analyses: [Analysis]
    package var privacy: Privacy
    package var missingSite: MissingSite
    package var patienceSeconds: Int
    /// Lines of the file on which `cohort`, `endpoint` and each definition (`define NAME`) stand, for messages.
    package var lines: [String: Int] = [:]
    /// What becomes of rows of one person that overlap in time, in analyses that do not say it themselves.
    package var people: OverlappingRows?
    /// Whether the file says which dictionary it is for; a draft need not.
    package var namesDictionary = true

    /// The time variable, the event (a condition), an optional entry time, and the unit of all three.
    package struct Endpoint: Hashable, Sendable {
        package var time: String
        package var start: String?
        /// A condition; with causes and no event of its own, any of the causes.
        package var event: String
        /// Conditions of which at most one is true: why the event happened.
        package var causes: [Definition] = []
        package var unit: TimeUnit
        /// When everybody's follow-up ends, unless an analysis says another time.
        package var censorAt: TimeSpan? = nil
    }

    /// A named expression.
    package struct Definition: Hashable, Sendable {
        package var name: String
        package var text: String
    }

    /// How coarse a time axis the study asks for, where an analysis does not use exact times.
    package struct Privacy: Hashable, Sendable {
        /// Width of the public time grid, in the endpoint's unit.
        package var timeGrid: Double?
        /// Fewest exits, over the federation, in an interval of the merged grid.
        package var smallestInterval: Int
        /// Fewest people, over the federation, in a cell of a table; smaller ones are withheld.
        package var smallestCell = 10
    }

    /// What happens when a site stays silent for longer than the study's patience.
    package enum MissingSite: String, Hashable, Sendable, CaseIterable {
        case fail
        case `continue`
    }

    package struct Analysis: Sendable {
        package var id: String
        /// A further condition on the rows of this analysis.
        package var cohort: String?
        /// A condition in place of the endpoint's event.
        package var event: String?
        /// The name of a cause that is the event; other causes are censored.
        package var cause: String?
        package var times: TimeAxisKind
        package var level: Double
        /// Only those still at risk then are in, and time counts from it.
        package var landmark: TimeSpan?
        /// When everybody's follow-up ends, counted from time zero; the endpoint's unless given.
        package var censorAt: TimeSpan? = nil
        /// What becomes of rows of one person that overlap in time.
        package var people: OverlappingRows? = nil
        package var kind: any AnalysisRequest
        /// Line of the study file, for messages.
        package var line: Int
        /// Whether the file itself says `times: grid`.
        package var statesGrid = false
    }
}
