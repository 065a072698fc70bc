import Survival

/// The first questions of a Cox course once the counts are known, and their summed answers.
struct CoxOpening: Sendable {
    let moments: [Double]
    /// What the test of proportional hazards is made from; nil if it is not asked for.
    let check: [Double]?
    let exits: [Double]?
    let cells: [Double]?

    static func asks(of cox: AnalysisPlan.CoxPlan, in plan: AnalysisPlan) -> [Query.Ask] {
        let asks = [.moments] + (cox.baseline == .site ? HazardCheck.asks(of: cox, in: plan) : [.exits])
        return asks + CoxDiagnostics.asks(of: cox, besides: asks)
    }

    init(_ cox: AnalysisPlan.CoxPlan, in plan: AnalysisPlan, _ answers: [[Double]]) {
        let pairs = zip(Self.asks(of: cox, in: plan), answers)
        let answer = { (ask: Query.Ask) in pairs.first { $0.0 == ask }?.1 }
        (moments, exits, cells) = (answers[0], answer(.exits), answer(.cellCounts))
        let isAsked = cox.check != nil
        check =
            isAsked
            ? (cox.baseline == .site ? HazardCheck.asks(of: cox, in: plan).first : .exits).flatMap(answer)
            : nil
    }
}
