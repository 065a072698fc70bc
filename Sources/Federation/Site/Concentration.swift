import Survival

/// How much of a covariate's variation at a hospital two people carry.
///
/// A formula can hide an indicator of one person in a number, as in `exp(-1e6*abs(age-53))`, or in a spline with knots close
/// together where one person is; then the share is near 1. Only numbers are looked at: people in the levels of categories and
/// conditions are counted instead.
enum Concentration {
    /// People at a level from whom on their variation within it is looked at; two of fewer carry most of any variation.
    ///
    /// Of fewer, squares about 0 are; of one or two, who always carry all, nothing: the rule on rare levels is theirs.
    private static let peopleAtLevelMin = 10

    /// The largest share in a design matrix, its weights and its offset.
    static func share(
        of data: SurvivalData, _ model: ModelSpecification, _ cases: CompleteCases
    ) throws -> Double {
        let numbers = data.columns.indices.filter { model.isNumber(column: $0) }.map { data.columns[$0] }
        let shares =
            (numbers + [data.weight, data.offset].compactMap { $0 }).map {
                share(of: $0, person: cases.person)
            }
            + (try cases.mixedColumns(of: model)).map {
                share(ofMixed: $0.numbers, isAtLevel: $0.isAtLevel, person: cases.person)
            }
        return shares.max() ?? 0
    }

    /// The share of the sum of squares about the mean that the two people with the most of it have.
    static func share(of column: [Double], person: [Int32]) -> Double {
        let column = scaled(column)
        let mean = column.reduce(0, +) / Double(max(column.count, 1))
        return share(ofSquaresAbout: mean, column, person)
    }

    /// With 1 as the largest size, so that no sum of squares leaves the range of the numbers, as that of `1e290 * age` would.
    private static func scaled(_ column: [Double]) -> [Double] {
        let largest = column.reduce(0) { max($0, $1.magnitude) }
        return largest > 0 ? column.map { $0 / largest } : column
    }

    /// The largest share in a column that a number and a level make together, as in `age:sex`: of the number over all people,
    /// and of what is left of it at the level.
    static func share(ofMixed numbers: [Double], isAtLevel: [Bool], person: [Int32]) -> Double {
        let rows = numbers.indices.filter { isAtLevel[$0] }
        let (values, people) = (rows.map { numbers[$0] }, rows.map { person[$0] })
        let overall = share(of: numbers, person: person)
        switch Set(people).count {
        case ...2: return overall
        case ..<peopleAtLevelMin: return max(overall, share(ofSquaresAbout: 0, scaled(values), people))
        default: return max(overall, share(of: values, person: people))
        }
    }

    private static func share(
        ofSquaresAbout center: Double, _ column: [Double], _ person: [Int32]
    ) -> Double {
        var squares = [Double](repeating: 0, count: Int(person.max() ?? -1) + 1)
        for (value, person) in zip(column, person) {
            squares[Int(person)] += (value - center) * (value - center)
        }
        let total = squares.reduce(0, +)
        guard total > 0 else { return 0 }
        var (first, second) = (0.0, 0.0)
        for square in squares where square > second {
            (first, second) = square > first ? (square, first) : (first, square)
        }
        return (first + second) / total
    }
}
