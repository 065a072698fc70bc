import Testing

@testable import StudyReport

/// Numbers in a table, absurd ones included.
struct NumberTextTests {
    private static let numbers: [Double] = {
        let sizes: [Double] = [
            0, .leastNonzeroMagnitude, 1e-300, 1e-20, 0.001, 0.5, 0.9999, 1, 12.5, 999_999.4, 1e6, 1e15, 1e16,
            1e100, 1.7e308,
        ]
        return sizes.flatMap { [$0, -$0] } + [.infinity, -.infinity, .nan]
    }()

    /// A p of e^(-1e290) stood over three lines.
    @Test(arguments: numbers) func `every number has a bounded width`(value: Double) {
        let texts = [
            NumberText.fixed(value, places: 5), NumberText.compact(value, places: 5), NumberText.time(value),
            NumberText.count(value), NumberText.degrees(value), NumberText.percent(value),
            NumberText.roundedP(value), NumberText.fullP(value, logP: nil), NumberText.fullP(0, logP: value),
            NumberText.fullP(0, logP: -value.magnitude), NumberText.fullP(value, logP: -value.magnitude),
            NumberText.level(value),
        ]
        for text in texts { #expect(text.count <= 16 && !text.isEmpty, "\(text)") }
    }

    @Test func `a p too small for a double is told by its logarithm, as long as that says something`() {
        #expect(NumberText.fullP(0, logP: -2302.585092994046) == "1e-1000")
        #expect(NumberText.fullP(0, logP: -230_000) == "1.86e-99888")
        #expect(NumberText.fullP(0, logP: -1e290) == "<1e-99999")
    }
}
