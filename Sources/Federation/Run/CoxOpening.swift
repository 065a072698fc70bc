import Survival

/// The first questions of a Cox course once the counts are known, and their summed answers.
struct CoxOpening: Sendable {
    let moments: [Double]
    /// What the test of proportional hazards is made from; nil if it is not asked for.
    let check: [Double]?
    let exits: [Double]?
    let cells: [Double]?

    static func asks(of cox: AnalysisPlan.CoxPlan) -> [Query.Ask] {
        let asks = [.moments] + (cox.baseline == .site ? HazardCheck.asks(of: cox) : [.exits])
        return asks + CoxDiagnostics.asks(of: cox, besides: asks)
    }

    init(_ cox: AnalysisPlan.CoxPlan, _ answers: [[Double]]) {
        let pairs = zip(Self.asks(of: cox), answers)
        let answer = { (ask: Query.Ask) in pairs.first { $0.0 == ask }?.1 }
        (moments, exits, cells) = (answers[0], answer(.exits), answer(.cellCounts))
        let isAsked = cox.check != nil
        check =
            isAsked ? (cox.baseline == .site ? HazardCheck.asks(of: cox).first : .exits).flatMap(answer) : nil
    }
}
