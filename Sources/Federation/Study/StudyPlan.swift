package import Cryptography
package import Survival

/// A study checked against its data dictionary: everything the questions to the hospitals follow from.
///
/// Equal study and dictionary texts give equal plans, at the coordinator and at every node.
package struct StudyPlan: Sendable {
    package var study: StudyFile
    package var dictionary: DataDictionary
    /// The study's identity; see `StudySubmission`.
    package var hash: SHA256Digest
    package var scope: VariableScope
    package var analyses: [AnalysisPlan]

    /// Checks every expression, term and name; throws the first fault with the analysis it is in.
    package init(study: StudyFile, dictionary: DataDictionary, hash: SHA256Digest) throws(StudyError) {
        guard study.dictionary == dictionary.identifier else {
            throw .wrongDictionary(asked: study.dictionary, given: dictionary.identifier)
        }
        self.dictionary = dictionary
        self.hash = hash
        let scope: VariableScope
        do {
            scope = try VariableScope(
                dictionary: dictionary, definitions: study.definitions.map { ($0.name, $0.text) })
        } catch {
            throw .definitions("\(error)")
        }
        self.scope = scope
        let study = try study.snapped(to: Self.timeStep(of: study, scope))
        self.study = study
        analyses = []
        for analysis in study.analyses {
            analyses.append(try AnalysisPlan(analysis, in: study, scope: scope))
        }
    }

    package func analysis(_ id: String) -> AnalysisPlan? { analyses.first { $0.id == id } }

    /// Dictionary variables that any analysis reads: what a node loads, and nothing else.
    package var variables: [String] {
        Array(Set(analyses.flatMap(\.variables))).sorted()
    }
}

/// Why a study cannot be run.
package enum StudyError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongDictionary(asked: String, given: String)
    case definitions(String)
    /// `line` is that of the study file, where the fault is in its text.
    case analysis(id: String, line: Int? = nil, reason: String)
    /// A key of the study that is no analysis's.
    case key(String, line: Int?, reason: String)
    case sums(String)
    case tooFewSites(Int)

    package var description: String {
        switch self {
        case .wrongDictionary(let asked, let given):
            "the study asks for dictionary \(asked) and was given \(given)"
        case .definitions(let reason): "define: \(reason)"
        case .analysis(let id, let line?, let reason): "analysis \"\(id)\" (line \(line)): \(reason)"
        case .analysis(let id, nil, let reason): "analysis \"\(id)\": \(reason)"
        case .key(let key, let line?, let reason): "\(key) (line \(line)): \(reason)"
        case .key(let key, nil, let reason): "\(key): \(reason)"
        case .sums(let reason): reason
        case .tooFewSites(let count):
            "the study names \(count) \(count == 1 ? "hospital" : "hospitals"), and needs three at least: of two, each could take its own part off the sum and see the other's (for files of your own there is \"coxswain fit\")"
        }
    }
}
