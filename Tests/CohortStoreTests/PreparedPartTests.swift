import Testing

@testable import CohortStore

struct PreparedPartTests {
    private static func numbers(_ bytes: [UInt8], count: Int) -> [UInt64]? {
        var values = [Double](repeating: 17, count: count)
        let isDecoded = values.withUnsafeMutableBufferPointer { target in
            bytes.withUnsafeBytes { PreparedPart.decode($0, into: target) }
        }
        return isDecoded ? values.map(\.bitPattern) : nil
    }

    private static func indices(_ bytes: [UInt8], count: Int) -> [Int32]? {
        var values = [Int32](repeating: 17, count: count)
        let isDecoded = values.withUnsafeMutableBufferPointer { target in
            bytes.withUnsafeBytes { PreparedPart.decode($0, into: target) }
        }
        return isDecoded ? values : nil
    }

    private static func encode(_ values: [Double]) -> [UInt8] {
        values.withUnsafeBufferPointer { PreparedPart.encode($0) }
    }

    /// The bytes of `PreparedPart`'s description, written out.
    @Test(
        arguments: [
            ([], [1, 0]),
            ([.nan, .nan], [1, 0, 0x80, 0x80]),
            ([1.5, .nan, -2], [1, 1, 15, 0x80, 0xEC]),
            ([-127, 127], [1, 0, 0x81, 0x7F]),
            ([-128, 0], [2, 0, 0x80, 0xFF, 0, 0]),
            ([0.001, 32.767, .nan], [2, 3, 1, 0, 0xFF, 0x7F, 0, 0x80]),
            ([32768], [4, 0, 0, 0x80, 0, 0]),
            ([-2_147_483_647], [4, 0, 1, 0, 0, 0x80]),
            ([-2_147_483_648], [8, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0xC1]),
            ([0.0000001], [8, 0, 0x48, 0xAF, 0xBC, 0x9A, 0xF2, 0xD7, 0x7A, 0x3E]),
            ([-0.0], [8, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        ] as [([Double], [UInt8])])
    func `a part has the fewest bytes that give its values back`(values: [Double], bytes: [UInt8]) {
        #expect(Self.encode(values) == bytes)
        #expect(Self.numbers(bytes, count: values.count) == values.map(\.bitPattern))
    }

    @Test(arguments: 0..<9)
    func `random values come back bit for bit, whatever their decimals`(decimals: Int) {
        var generator = SeededGenerator(state: UInt64(decimals))
        for range in [1.0, 100, 20_000, 3e6, 1e13, 1e300] {
            let values = (0..<500).map { row in
                let power = (0..<decimals).reduce(1.0) { power, _ in power * 10 }
                let steps = (Double.random(in: -range...range, using: &generator)).rounded()
                return row % 7 == 0 ? .nan : decimals == 8 ? steps.nextUp : steps / power
            }
            #expect(Self.numbers(Self.encode(values), count: 500) == values.map(\.bitPattern))
        }
    }

    @Test func `indices are whole and missing is -1`() {
        #expect(Self.indices([1, 0, 0, 3, 0x80], count: 3) == [0, 3, -1])
        #expect(Self.indices(Self.encode([0, 70_000, .nan]), count: 3) == [0, 70_000, -1])
        #expect(Self.indices([1, 1, 10], count: 1) == nil)
        #expect(Self.indices([8, 0, 0, 0, 0, 0, 0, 0, 0, 0], count: 1) == nil)
    }

    @Test(
        arguments: [[], [1], [3, 0, 1, 1, 1], [1, 7, 1], [1, 0], [1, 0, 1, 1], [2, 0, 1], [0, 0]] as [[UInt8]]
    )
    func `bytes that are no part of a row are refused`(bytes: [UInt8]) {
        #expect(Self.numbers(bytes, count: 1) == nil)
        #expect(Self.indices(bytes, count: 1) == nil)
    }
}

struct PersonIndexTests {
    private static func indices(_ identifiers: [String]) -> [Int32] {
        var people = PersonIndex()
        return identifiers.map { text in Array(text.utf8).withUnsafeBufferPointer { people.index(of: $0) } }
    }

    @Test func `people are numbered by first rows, as a dictionary of their texts would`() {
        var generator = SeededGenerator(state: 1)
        let texts = (0..<5000).map { _ in
            String(repeating: "x", count: Int.random(in: 0...40, using: &generator))
                + "\(Int.random(in: 0..<3000, using: &generator))"
        }
        var known: [String: Int32] = [:]
        var numbers: [Int32] = []
        for text in texts {
            let number = known[text] ?? Int32(known.count)
            known[text] = number
            numbers.append(number)
        }
        #expect(Self.indices(texts) == numbers)
    }

    @Test func `texts that Unicode holds equal are one person, and an empty one is another`() {
        #expect(Self.indices(["e\u{301}", "\u{e9}", "K", "\u{212A}", "", "e", ""]) == [0, 0, 1, 1, 2, 3, 2])
    }
}
