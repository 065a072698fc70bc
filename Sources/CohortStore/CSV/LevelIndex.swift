/// Finds a category's level, or one of its missing codes, by the text of a cell.
///
/// Bytes are compared first; only text that none of the first levels has byte for byte is compared as
/// Unicode, so that "é" written as one or as two scalars is the same level.
///
/// A class, so that a loop over cells copies no arrays' references.
final class LevelIndex: Sendable {
    static let none = LevelIndex(levels: [], missing: [])

    private static let scannedMax = 16
    private let bytes: [[UInt8]]
    private let indices: [Int32]
    private let byText: [String: Int32]

    /// A missing code wins over a level with the same text.
    init(levels: [String], missing: [String]) {
        let entries = missing.map { ($0, Int32(-1)) } + zip(levels, Int32(0)...)
        byText = Dictionary(entries, uniquingKeysWith: { first, _ in first })
        let scanned = entries.prefix(LevelIndex.scannedMax)
        bytes = scanned.map { Array($0.0.utf8) }
        indices = scanned.map(\.1)
    }

    /// The level's index in the dictionary, -1 for a missing code, nil for any other text.
    func index(of cell: UnsafeBufferPointer<UInt8>) -> Int32? {
        for entry in bytes.indices where bytes[entry].elementsEqual(cell) { return indices[entry] }
        return byText[String(decoding: cell, as: UTF8.self)]
    }
}
