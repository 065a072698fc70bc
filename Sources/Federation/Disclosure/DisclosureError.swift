/// A rule of a disclosure policy that forbids an answer; it names the rule and its limit, never this hospital's number.
package struct DisclosureError: Error, Hashable, Sendable, CustomStringConvertible {
    package let rule: String
    package let analysis: String?
    package let reason: String

    init(rule: String, in analysis: String? = nil, _ reason: String) {
        (self.rule, self.analysis, self.reason) = (rule, analysis, reason)
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
