import ReferenceStudies
import Testing

@testable import Survival

struct RankRevealingCholeskyTests {
    @Test func `a regular matrix is solved and inverted`() {
        // [[4, 2, 0], [2, 5, 1], [0, 1, 3]] · [1, 2, 3] = [8, 15, 11]; determinant 44.
        let matrix = SymmetricMatrix(order: 3, packedUpper: [4, 2, 0, 5, 1, 3])
        let factored = RankRevealingCholesky(matrix)
        #expect(factored.rank == 3)
        expectClose(factored.solve([8, 15, 11]), [1, 2, 3], relative: 1e-14, "solution")
        expectClose(
            factored.inverse().packedUpper, [14, -6, 2, 12, -4, 16].map { $0 / 44 }, relative: 1e-14,
            "inverse")
    }

    @Test func `of two equal columns the later is aliased`() {
        let factored = RankRevealingCholesky(SymmetricMatrix(order: 2, packedUpper: [2, 2, 2]))
        #expect(factored.isAliased == [false, true])
        #expect(factored.solve([4, 4]) == [2, 0])
        #expect(factored.inverse().packedUpper == [0.5, 0, 0])
    }

    @Test func `a column that nothing is known of does not disturb those after it`() {
        let factored = RankRevealingCholesky(SymmetricMatrix(order: 3, packedUpper: [4, 0, 2, 0, 0, 5]))
        #expect(factored.isAliased == [false, true, false])
        expectClose(
            factored.inverse().packedUpper, [5 / 16.0, 0, -2 / 16.0, 0, 0, 4 / 16.0], relative: 1e-14,
            "inverse")
    }

    @Test func `the pivot rule is R's, relative to the largest diagonal element`() {
        let matrix = { (last: Double) in SymmetricMatrix(order: 2, packedUpper: [1, 0, last]) }
        #expect(RankRevealingCholesky(matrix(1.7e-12)).isAliased == [false, true])
        #expect(RankRevealingCholesky(matrix(1.9e-12)).isAliased == [false, false])
    }

    @Test func `the packed triangle is row by row`() {
        var matrix = SymmetricMatrix(order: 3, packedUpper: [1, 2, 3, 4, 5, 6])
        #expect(matrix[0, 2] == 3 && matrix[2, 0] == 3 && matrix[1, 1] == 4 && matrix[1, 2] == 5)
        matrix[2, 1] = 7
        #expect(matrix.packedUpper == [1, 2, 3, 4, 7, 6])
        #expect(matrix.times([1, 1, 1]) == [6, 13, 16])
        #expect(matrix.quadraticForm([1, 0, 1]) == 13)
    }
}
