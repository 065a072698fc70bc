import Survival

/// The first questions of a Cox course once the counts are known, and their summed answers.
struct CoxOpening: Sendable {
    let moments: [Double]
    /// What the test of proportional hazards is made from; nil if it is not asked for.
    let check: [Double]?
    let exits: [Double]?
    let cells: [Double]?

    static func asks(of cox: CoxPlan, in plan: AnalysisPlan) -> [any Question] {
        let asks: [any Question] =
            [MomentsQuestion()]
            + (cox.baseline == .site ? HazardCheck.asks(of: cox, in: plan) : [ExitsQuestion()])
        return asks + CoxDiagnostics.asks(of: cox, besides: asks)
    }

    init(_ cox: CoxPlan, in plan: AnalysisPlan, _ answers: [[Double]]) {
        let pairs = zip(Self.asks(of: cox, in: plan), answers)
        let answer = { (question: any Question.Type) in pairs.first { type(of: $0.0) == question }?.1 }
        (moments, exits) = (answers[0], answer(ExitsQuestion.self))
        cells = answer(CellCountsQuestion.self)
        check = cox.check == nil ? nil : answer(EventTimesQuestion.self) ?? exits
    }
}
