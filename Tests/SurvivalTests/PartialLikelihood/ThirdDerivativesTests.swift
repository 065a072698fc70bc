import ReferenceStudies
import Testing

@testable import Survival

struct ThirdDerivativesTests {
    @Test(arguments: ["heart-efron", "lung-weights-frac-stratified-efron", "veteran-six-stratified-breslow"])
    func `they are the slopes of the information`(id: String) throws {
        let reference = try ReferenceCase.named(id)
        let frame = ModelFrame(reference)
        let (center, scale) = frame.moments
        let data = try frame.data().rescaled(center: center, scale: scale)
        let likelihood = PartialLikelihood(data, ties: reference.ties)
        let beta = frame.names.indices.map { 0.3 - 0.1 * Double($0) }
        let got = try likelihood.evaluateWithThirdDerivatives(at: beta).thirdDerivatives
        // Contracted with the matrix that picks one element of the information, twice if it stands off the diagonal.
        for row in beta.indices {
            for column in row..<beta.count {
                var unit = SymmetricMatrix(order: beta.count)
                unit[row, column] = row == column ? 1 : 0.5
                let slopes = got.contracted(with: unit)
                for place in beta.indices {
                    let size = 1e-4
                    let values = try [-2.0, -1, 1, 2].map { factor in
                        var moved = beta
                        moved[place] += factor * size
                        return try likelihood.evaluate(at: moved).information[row, column]
                    }
                    let slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * size)
                    expectClose(
                        slopes[place], slope, relative: 1e-7, absolute: 1e-7, "\(row) \(column) \(place)")
                }
            }
        }
    }
}
