/// Suggestions for a misspelt name.
package enum Spelling {
    /// The candidate with the fewest changed, missing, extra or swapped letters; nil if none is near.
    ///
    /// Near is a third of the length at most; case counts for nothing. Of equally near candidates the first
    /// wins.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let letters = Array(word.lowercased())
        let limit = max(1, letters.count / 3)
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let other = Array(candidate.lowercased())
            guard abs(other.count - letters.count) <= limit else { continue }
            let distance = distance(letters, other)
            if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// Optimal string alignment: Levenshtein's distance with a swap of neighbours as one step.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var older: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
                row.append(cost)
            }
            (older, previous) = (previous, row)
        }
        return previous[b.count]
    }
}

/// `; did you mean "x"?`, or nothing; a suggestion in single quotes is shown as it is.
package func didYouMean(_ suggestion: String?) -> String {
    guard let suggestion else { return "" }
    return "; did you mean \(suggestion.hasPrefix("'") ? suggestion : quoted(suggestion))?"
}

/// A name in an error sentence: in double quotes, shortened, and without characters that are not seen, which could disguise
/// it.
package func quoted(_ name: String) -> String {
    let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(80))).masked
    return "\"" + shown + (name.unicodeScalars.count > 80 ? "..." : "") + "\""
}
