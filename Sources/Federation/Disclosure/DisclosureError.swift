/// A rule of a disclosure policy that forbids an answer; it names the rule and its limit, never this hospital's number.
package struct DisclosureError: Error, Hashable, Sendable, CustomStringConvertible {
    package let rule: String
    package let analysis: String?
    package let reason: String
    /// Whether the refusal follows from this hospital's rows, or only from what everybody knows: the study's text, the policy,
    /// the sums over all hospitals.
    ///
    /// That a hospital's rows break a rule says something about them, so it is told to nobody outside; see `ProtocolError.told`.
    package let isOfRows: Bool

    /// Unless it is said to be of what everybody knows, a refusal is taken to be of the rows.
    init(rule: String, in analysis: String? = nil, _ reason: String, isOfRows: Bool = true) {
        (self.rule, self.analysis, self.reason, self.isOfRows) = (rule, analysis, reason, isOfRows)
    }

    /// A refusal that follows from the study's text.
    static func ofText(_ rule: String, in analysis: String? = nil, _ reason: String) -> DisclosureError {
        DisclosureError(rule: rule, in: analysis, reason, isOfRows: false)
    }

    package var description: String {
        let place = analysis.map { ", analysis \"\($0)\"" } ?? ""
        return "policy rule \(rule)\(place): \(reason)"
    }
}

extension Double {
    /// Without a trailing `.0`.
    var formattedShort: String {
        self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)"
    }
}
