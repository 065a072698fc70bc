import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// R's answers on tables of patients: Reference/description.json, made by Reference/description.R.
struct DescriptionReference: Sendable, CustomTestStringConvertible {
    let json: JSONValue

    var testDescription: String { json["name"].string ?? "" }

    static let document: JSONValue = {
        do {
            return try ReferenceFiles.answers("description.json")
        } catch {
            fatalError("the reference cannot be read: \(error)")
        }
    }()

    static func cases(_ kind: String) -> [DescriptionReference] {
        document[kind].elements.map { DescriptionReference(json: $0) }
    }

    // MARK: - Of a number

    /// The values of each group, ascending.
    var groups: [[Double]] {
        let (values, groups) = (json["values"].doubles, json["groups"].doubles)
        return (0...Int(groups.max() ?? 0)).map { group in
            zip(values, groups).filter { Int($0.1) == group }.map(\.0).sorted()
        }
    }

    var moments: [GroupMoments] {
        groups.map { values in
            let mean = values.reduce(0, +) / Double(values.count)
            return GroupMoments(
                count: Double(values.count), mean: mean,
                squares: values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) })
        }
    }

    /// The distinct values, and how often each group has each of them.
    var countsByValue: (values: [Double], counts: [[Double]]) {
        let distinct = Set(groups.joined()).sorted()
        let index = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
        let counts = groups.map { values in
            values.reduce(into: [Double](repeating: 0, count: distinct.count)) { $0[index[$1] ?? 0] += 1 }
        }
        return (distinct, counts)
    }

    func check(_ comparison: DescriptionResult.Comparison, _ key: String) {
        let want = json[key]
        #expect(comparison.test.rawValue == want["test"].string)
        expectClose(
            comparison.statistic.value ?? .nan, want["statistic"].double, relative: 1e-11, "statistic")
        expectClose(
            comparison.degreesOfFreedom.map { $0.value ?? .nan }, want["df"].doubles, relative: 1e-12, "df")
        expectClose(comparison.p.value ?? .nan, want["p"].double, relative: 1e-10, "p")
        expectClose(comparison.logP.value ?? .nan, want["log_p"].double, relative: 1e-11, "log p")
    }
}
