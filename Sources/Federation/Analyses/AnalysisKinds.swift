package import Survival

/// The kinds of analysis that a study may ask for: one line each.
///
/// A kind is a folder beside this file: its request (the keys of the study file), its plan, its course over the rounds, how a
/// hospital prepares its rows for it, and its words.
package enum AnalysisKinds {
    /// In the order in which messages list them.
    package static let all: [any AnalysisRequest.Type] = [
        SurvivalRequest.self, IncidenceRequest.self, CoxRequest.self, ConcordanceRequest.self,
        DescriptionRequest.self, ComparisonRequest.self,
    ]

    /// The kind that a key of the study file names; nil for any other key.
    static func named(_ key: String) -> (any AnalysisRequest.Type)? { all.first { $0.key == key } }
}

/// What a study file asks of one kind of analysis, as it is written.
package protocol AnalysisRequest: Hashable, Sendable {
    /// Its key in the study file.
    static var key: String { get }
    /// Reads the analyses that an item of `analyses:` asks for; most ask for one.
    static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis]

    /// Whether any of the endpoint's causes is its event.
    var isOfAnyCause: Bool { get }
    /// Whether exits by each of the endpoint's causes are counted apart.
    var countsCauses: Bool { get }
    /// Its formulas and what they are used as: a dictionary that is guessed from columns is guessed by them.
    var formulas: [(text: String, role: NameUses.Role)] { get }
    /// What it groups by: categories, even if their levels are written as numbers.
    var groupings: [String] { get }

    /// The same with each time that it states put on the grid of times.
    func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self
    /// Checks what it asks against the dictionary.
    func plan(_ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler) throws
        -> any PlannedAnalysis
}

/// One kind of analysis, compiled: all that its kind fixes, for rules, rounds, hospitals and readers.
package protocol PlannedAnalysis: Sendable {
    /// The kind's word in results.
    static var name: String { get }

    /// Every formula besides cohort, endpoint and causes, with the key that it stands under.
    var formulas: [(key: String, expression: Expression)] { get }
    /// Expressions besides the endpoint and causes that must not be missing.
    var needed: [Expression] { get }
    /// Expressions that are read and drop no row where they are missing.
    var described: [Expression] { get }
    /// Expressions by which people are compared in how long they live.
    var compared: [Expression] { get }
    /// The levels whose smallest counts the disclosure rules protect.
    func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level]
    /// Case weights.
    var weights: Expression? { get }
    /// The design matrix; nil without one.
    var design: ModelSpecification? { get }
    /// Groups of curves, strata of a model.
    var groupCount: Int { get }
    /// Their names; none where they have none.
    var groupNames: [String] { get }
    /// Groups of which the exits are counted apart; 0 where no exits are asked for.
    var exitGroupCount: Int { get }
    /// Of which exits sums of weights are asked for beside counts.
    var exitWeights: ExitWeights { get }
    /// Whether sums indexed by time leave a hospital.
    var usesTimes: Bool { get }
    /// Whether rows are compared by time at a hospital, and not on a common axis.
    var comparesRows: Bool { get }
    /// Numbers that a hospital's own comparison of its rows is made for; 0 where it makes none.
    var parameterCount: Int { get }
    /// The times at which values of curves are asked for, and those to which areas are.
    var pointTimes: [Double] { get }
    var areaTimes: [Double] { get }
    /// How pairs are compared; nil where none are.
    var pairs: ConcordanceOptions? { get }
    /// Whether rows are counted, not people.
    var countsRows: Bool { get }

    /// Every question that a run may ask besides counts and the search for times; others are refused.
    func questions(in plan: AnalysisPlan) -> [any Question.Type]
    /// What is asked once the counts are known, and the result from the answers.
    func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse
    /// A hospital's rows as its questions need them.
    func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows

    /// In a line, for the study's lead.
    func line(in plan: AnalysisPlan) -> String
    /// What is asked, in a sentence for the person who decides about it.
    func summary(in plan: AnalysisPlan) -> String
    /// What it fixes besides, a line each.
    func choices(in plan: AnalysisPlan) -> [String]
}

/// Of which exits sums of weights stand beside counts.
package enum ExitWeights: Sendable {
    case none
    /// Of events.
    case events
    /// Of events, other exits and entries.
    case all
}

/// An analysis from its counts on: what to ask next, given the sums so far; a value.
package protocol AnalysisCourse: Sendable {
    /// The first questions.
    var opening: [any Question] { get }
    /// Exits in the thinnest interval of a merged grid; nil while unknown or with exact times.
    var thinnestInterval: Int? { get }
    /// Takes the summed answers to the questions asked last, one for each.
    mutating func receive(_ answers: [Answer]) throws -> CourseStep
}

/// What a course wants next.
package enum CourseStep: Sendable {
    case ask([any Question])
    case finish(AnalysisResult)
}

extension AnalysisPlan {
    /// The plan of a Cox model; nil of another kind.
    package var cox: CoxPlan? { kind as? CoxPlan }

    /// The plan of a table of the patients; nil of another kind.
    package var description: DescriptionPlan? { kind as? DescriptionPlan }
}
