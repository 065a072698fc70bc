import Foundation
package import Survival

/// A data dictionary guessed from a CSV file, for a fit on a file that comes without one.
///
/// Columns whose cells are all numbers are numbers, with the range and the decimals that occur; other columns are categories
/// with the levels that occur, the first in the alphabet as reference, as R makes factors. Empty cells and `NA` are missing.
/// Columns without a name (R writes its row names into one), with a name that occurs twice or that no formula could use are left
/// out. A federated study never guesses: hospitals would guess differently.
package enum InferredDictionary {
    /// More levels than this make a column text that no analysis can use.
    static let levelsMax = 200

    /// The level that a category gets where a file has one only; nobody has it.
    static let otherLevel = "(other)"

    /// Reads the file once; `categories` are columns that are categories even if all their cells are numbers, `conditions` are
    /// yes/no if all their cells are 0/1, no/yes or false/true.
    package static func read(
        csv path: String, name: String, version: Int, categories: Set<String> = [],
        conditions: Set<String> = []
    ) throws(StoreError) -> DataDictionary {
        do {
            var scanner = try CSVScanner(path: path)
            guard try scanner.next() else { throw CSVFault.empty }
            let names = (0..<scanner.fieldCount).map { String(decoding: scanner.field($0), as: UTF8.self) }
            var guesses = names.map {
                Guess(isNumber: !categories.contains($0), isCondition: conditions.contains($0))
            }
            while try scanner.next() {
                for place in 0..<min(scanner.fieldCount, names.count) {
                    guesses[place].take(scanner.field(place))
                }
            }
            return dictionary(names, guesses, name: name, version: version)
        } catch let fault as CSVFault {
            throw .csv(path, fault)
        } catch {
            preconditionFailure("reading a file throws faults of the file only: \(error)")
        }
    }

    private static func dictionary(
        _ names: [String], _ guesses: [Guess], name: String, version: Int
    ) -> DataDictionary {
        let usable = zip(names, guesses).filter { name, _ in
            DataDictionary.Variable.isName(name) && names.count { $0 == name } == 1
        }
        let variables = usable.compactMap { name, guess in guess.kind.map { variable(name, $0) } }
        let person = variable("row of the file", .identifier)
        return DataDictionary(
            name: name, version: version, title: nil, person: person.name, variables: [person] + variables)
    }

    private static func variable(_ name: String, _ kind: DataDictionary.Variable.Kind)
        -> DataDictionary.Variable
    {
        DataDictionary.Variable(name: name, kind: kind, column: name, missing: ["NA", "NaN"])
    }

    /// What the cells of a column have been so far.
    private struct Guess {
        private var lower = Double.infinity
        private var upper = -Double.infinity
        private var decimals = 0
        private var isNumber: Bool
        private var isCondition: Bool
        private var levels: Set<String> = []

        init(isNumber: Bool, isCondition: Bool) {
            (self.isNumber, self.isCondition) = (isNumber, isCondition)
        }

        mutating func take(_ cell: UnsafeBufferPointer<UInt8>) {
            let text = String(decoding: cell, as: UTF8.self)
            guard !text.isEmpty, text != "NA", text != "NaN" else { return }
            if levels.count <= InferredDictionary.levelsMax { levels.insert(text) }
            isCondition = isCondition && CellRule.boolean(cell) != nil
            guard isNumber, let value = DecimalNumber.parse(cell), value.isFinite else {
                return isNumber = false
            }
            (lower, upper) = (min(lower, value), max(upper, value))
            decimals = max(decimals, Self.decimals(text))
        }

        /// Digits after the point; many where the number has an exponent, so that no resolution is claimed.
        private static func decimals(_ text: String) -> Int {
            if text.contains(where: { $0 == "e" || $0 == "E" }) { return 99 }
            return text.firstIndex(of: ".").map { text.distance(from: $0, to: text.endIndex) - 1 } ?? 0
        }

        var kind: DataDictionary.Variable.Kind? {
            guard !levels.isEmpty else { return nil }
            if isCondition { return .boolean }
            if isNumber {
                let steps = [1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001]
                // A range has two ends, also where all cells are equal.
                return .number(
                    lower: lower, upper: upper > lower ? upper : lower + 1,
                    resolution: decimals < steps.count ? steps[decimals] : nil)
            }
            guard levels.count <= InferredDictionary.levelsMax else { return nil }
            let sorted = levels.sorted { $0.precedesByNumber($1) }
            return .category(
                levels: sorted.count > 1 ? sorted : sorted + [InferredDictionary.otherLevel],
                reference: sorted[0])
        }
    }
}

extension String {
    /// Whether it comes first where numbers in the text count as numbers; `1` before `01`, which would else have no order.
    func precedesByNumber(_ other: String) -> Bool {
        switch compare(other, options: .numeric) {
        case .orderedAscending: true
        case .orderedDescending: false
        case .orderedSame: utf8.count == other.utf8.count ? self < other : utf8.count < other.utf8.count
        }
    }
}
