package import Survival

/// A model's working coordinates: column j is (x - center)/scale, and linear predictors are counted from `shift` on.
package struct Coordinates: Hashable, Sendable {
    package var center: [Double]
    package var scale: [Double]
    /// Keeps exp(xβ + offset − shift) within range where sites share a baseline; it changes no coefficient.
    package var shift: Double
    /// The powers of two by which sums over the risk sets of a common grid are multiplied; all 0 if it is empty.
    package var exponents: [Int]

    package init(center: [Double], scale: [Double], shift: Double = 0, exponents: [Int] = []) {
        (self.center, self.scale, self.shift) = (center, scale, shift)
        self.exponents = exponents
    }

    /// The same with these powers.
    func scaled(by exponents: [Int]) -> Coordinates {
        var scaled = self
        scaled.exponents = exponents
        return scaled
    }

    /// Sums over risk sets as they leave a hospital, `width` numbers for each set; or, `undone`, as they are.
    func scaled(_ sums: [Double], width: Int, undone: Bool = false) -> [Double] {
        guard !exponents.isEmpty else { return sums }
        return sums.indices.map { place in
            let exponent = undone ? -exponents[place / width] : exponents[place / width]
            return Double(sign: .plus, exponent: exponent, significand: sums[place])
        }
    }

    func write(to bytes: inout QuestionBytes) {
        bytes.append(center)
        bytes.append(scale)
        if shift != 0 || !exponents.isEmpty { bytes.append([shift] + exponents.map { Double($0) }) }
    }
}

/// The baseline hazard of all sites, as each forms it from sums.
package struct CommonHazard: Hashable, Sendable {
    package var grid: EventGrid
    package var hazard: HazardIncrements
    package var means: MeanIncrements
}
