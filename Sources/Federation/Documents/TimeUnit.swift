/// Units of follow-up time, a closed list, with their length in days for policy rules.
package enum TimeUnit: String, Hashable, Sendable, CaseIterable {
    case day, week, month, year

    /// The unit that a dictionary's text names, in singular or plural; nil for any other text.
    package init?(named text: String) {
        self.init(rawValue: text.hasSuffix("s") ? String(text.dropLast()) : text)
    }

    /// The list as people read it.
    package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    package var days: Double {
        switch self {
        case .day: 1
        case .week: 7
        case .month: 365.25 / 12
        case .year: 365.25
        }
    }
}
