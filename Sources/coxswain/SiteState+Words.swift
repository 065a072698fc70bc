import Federation
import Survival

extension SiteState {
    /// In a word or two, for a table.
    var word: String {
        switch self {
        case .unknown: "unknown hospital"
        case .decision(let decision, _): decision.rawValue
        case .mustUpdate: "must be updated"
        case .offline(let since): "offline since \(CalendarDay.minute(since))"
        case .held: "held"
        case .awaited: "awaited"
        }
    }

    /// With its reason, for a line of its own.
    var sentence: String {
        switch self {
        case .unknown: "\(word): no node of that name has ever called the coordinator"
        case .decision(.lapsed, _):
            "\(word): its approval does not hold any more and must be given again there"
        case .decision(.expired, _): "\(word): its approval ran out and must be given again there"
        // A person's words, which are not this program's.
        case .decision(_, let reason): reason.isEmpty ? word : "\(word): «\(reason.visibleLine)»"
        case .mustUpdate(let fault): fault
        case .held: "held: the round waits there for a person"
        case .offline, .awaited: word
        }
    }
}

extension StudyStatus {
    /// Hospitals that are not simply approved and there, by what is the matter with them; `-` if there are none.
    var remarks: String {
        var words: [String] = []
        var names: [String: [String]] = [:]
        for (name, states) in siteStates {
            for state in states where state != .decision(.approved, reason: "") && state != .awaited {
                if names[state.word] == nil { words.append(state.word) }
                names[state.word, default: []].append(name)
            }
        }
        return words.isEmpty
            ? "-"
            : words.map { "\($0): \((names[$0] ?? []).joined(separator: ", "))" }.joined(separator: "; ")
    }
}
