import Foundation
import Survival

/// A made-up cohort as a CSV file with its dictionary: a row a patient, days, died, and covariates that are measured to three
/// decimals or are 0 and 1.
struct MadeUpFile {
    let rowCount: Int
    let dictionary: DataDictionary
    let url: URL
    let byteCount: Int

    var covariates: [String] { dictionary.variables.dropFirst(3).map(\.name) }
    var variables: [String] { dictionary.variables.dropFirst().map(\.name) }

    init(_ rows: MadeUpRows, at url: URL) throws {
        (rowCount, self.url) = (rows.rowCount, url)
        dictionary = Self.dictionary(columnCount: rows.columnCount)
        var bytes = Array((dictionary.variables.map(\.column).joined(separator: ",") + "\n").utf8)
        for row in 0..<rows.rowCount {
            bytes += "P\(1_000_000 + row * 7919 % rows.rowCount)".utf8
            Self.append(rows.time[row], decimals: 0, to: &bytes)
            bytes += rows.event[row] ? ",1".utf8 : ",0".utf8
            for (index, column) in rows.columns.enumerated() {
                Self.append(column[row], decimals: index % 2 == 0 ? 3 : 0, to: &bytes)
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        byteCount = bytes.count
        try Data(bytes).write(to: url)
    }

    private static func dictionary(columnCount: Int) -> DataDictionary {
        let covariates = (0..<columnCount).map { index in
            DataDictionary.Variable(
                name: "x\(index)",
                kind: index % 2 == 0
                    ? .number(lower: -2, upper: 2, resolution: 0.001)
                    : .number(lower: 0, upper: 1, resolution: 1))
        }
        return DataDictionary(
            name: "madeup", version: 1, person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier),
                .init(
                    name: "days", kind: .number(lower: 0, upper: 3653, resolution: 1), isRequired: true),
                .init(name: "died", kind: .boolean, isRequired: true),
            ] + covariates)
    }

    private static func append(_ value: Double, decimals: Int, to bytes: inout [UInt8]) {
        let scaled = Int((value * (decimals == 3 ? 1000 : 1)).rounded())
        bytes.append(UInt8(ascii: ","))
        if scaled < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes += String(scaled.magnitude / (decimals == 3 ? 1000 : 1)).utf8
        guard decimals == 3 else { return }
        bytes.append(UInt8(ascii: "."))
        for divisor in [100, 10, 1] { bytes.append(48 + UInt8(Int(scaled.magnitude) / divisor % 10)) }
    }
}
