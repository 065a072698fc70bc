import Foundation
import ReferenceStudies
import Testing

@testable import Survival

import struct Survival.Expression

/// Rows, strata and design matrices of R's reference cases: see Reference/README.md.
@Suite struct ReferenceDesignTests {
    static let cases = ReferenceCase.of(kind: "cox").filter { !$0.expected["n"].isNull }

    @Test(arguments: cases)
    func `a model over a dictionary has R's rows and columns`(reference: ReferenceCase) throws {
        let study = try CaseDesign(reference)
        let frame = ModelFrame(reference)
        let (cases, model) = (study.cases, study.model)
        #expect(Double(cases.rows.count) == reference.expected["n"].double)
        #expect(Double(cases.cohortRowCount - cases.rows.count) == reference.expected["n_dropped"].double)
        #expect(Double(cases.event.count(where: \.self)) == reference.expected["events"].double)
        #expect(model.parameterNames.map(study.nameInR) == reference.expected["coef_names"].strings)

        let data = try cases.survivalData(model: model, weights: study.weights)
        #expect(data.columns == frame.columns)
        #expect(data.weight == frame.weight)
        #expect(data.offset == frame.offset)
        #expect(cases.exit == frame.exit)
        #expect(cases.entry == frame.entry)
        #expect(cases.event == frame.event)
        // The strata are R's if their labels and R's correspond one to one.
        let labels = data.stratum?.map { model.stratumLabel(Int($0)) } ?? frame.stratum
        let pairs = zip(labels, frame.stratum).map { "\($0) is \($1)" }
        #expect(Set(pairs).count == Set(labels).count)
        #expect(Set(pairs).count == Set(frame.stratum).count)
    }
}

/// The rows and the model of a reference case as a study puts it: a dictionary, a table, terms and conditions.
private struct CaseDesign {
    let model: ModelSpecification
    let cases: CompleteCases
    let weights: Expression?

    init(_ reference: ReferenceCase) throws {
        let json = reference.model
        let cohort = CaseCohort(reference)
        let scope = try VariableScope(dictionary: cohort.dictionary, definitions: [])
        func written(_ key: String) -> String? { json[key].string.map(CaseCohort.written) }
        let strata = json["strata"].strings.map { "strata(\(CaseCohort.written($0)))" }
        let others = ["offset", "cluster"].compactMap { use in written(use).map { "\(use)(\($0))" } }
        model = try ModelSpecification(
            terms: json["terms"].elements.map(CaseCohort.term) + strata + others, scope: scope)
        weights = try written("weights").map { try Expression(parsing: $0) }
        cases = try CompleteCases(
            table: cohort.table(of: Array(reference.table.rows.indices)), scope: scope,
            cohort: cohort.conditions.map { try Expression(parsing: $0) },
            endpoint: EndpointSpecification(
                time: Expression(parsing: written("time") ?? ""),
                start: written("start").map { try Expression(parsing: $0) },
                event: Expression(parsing: cohort.event)),
            needed: model.expressions + [weights].compactMap(\.self))
    }

    /// `square(x)` is written as a product in a study.
    func nameInR(_ name: String) -> String {
        let sides = name.components(separatedBy: " * ")
        return sides.count == 2 && sides[0] == sides[1] ? "square(\(sides[0]))" : name
    }
}
