/// A sum of multiples of variables and of their distances from places: 2x + 0.5|x - 40| + y + 7.
struct PiecewiseLinear: Hashable, Sendable {
    var constant = 0.0
    var slopes: [String: Double] = [:]
    /// By variable, the weight of its distance from each place.
    var hinges: [String: [Double: Double]] = [:]

    var variables: Set<String> { Set(slopes.keys).union(hinges.keys) }

    var isConstant: Bool { slopes.isEmpty && hinges.isEmpty }

    /// The variable of which it is a multiple and nothing else.
    var multiple: String? {
        guard constant == 0, hinges.isEmpty, slopes.count == 1 else { return nil }
        return slopes.keys.first
    }

    static func + (a: Self, b: Self) -> Self {
        Self(
            constant: a.constant + b.constant, slopes: a.slopes.merging(b.slopes, uniquingKeysWith: +),
            hinges: a.hinges.merging(b.hinges) { $0.merging($1, uniquingKeysWith: +) })
    }

    func scaled(by factor: Double) -> Self {
        Self(
            constant: constant * factor, slopes: slopes.mapValues { $0 * factor },
            hinges: hinges.mapValues { $0.mapValues { $0 * factor } })
    }

    /// The most that it changes where a variable changes by 1.
    func steepness(in variable: String) -> Double {
        abs(slopes[variable] ?? 0) + (hinges[variable] ?? [:]).values.reduce(0) { $0 + abs($1) }
    }

    /// Exact, as no variable stands in two places: where the sum bends and at the ends.
    func bounds(_ ranges: (String) -> ClosedRange<Double>) -> ClosedRange<Double> {
        variables.sorted().reduce(constant...constant) { $0 + part(of: $1, over: ranges($1)) }
    }

    private func part(of variable: String, over range: ClosedRange<Double>) -> ClosedRange<Double> {
        let bends = (hinges[variable] ?? [:]).filter { range.contains($0.key) }
        let values = ([range.lowerBound, range.upperBound] + bends.keys).map { x in
            (hinges[variable] ?? [:]).sorted { $0.key < $1.key }.reduce((slopes[variable] ?? 0) * x) {
                $0 + $1.value * abs(x - $1.key)
            }
        }
        guard let least = values.min(), let most = values.max(), !values.contains(where: \.isNaN) else {
            return .everything
        }
        return least...most
    }
}
