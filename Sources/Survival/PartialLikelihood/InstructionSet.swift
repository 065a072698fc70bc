import CoxKernels

/// The machine instructions that the likelihood's arithmetic is compiled for; results differ by rounding
/// only.
package enum InstructionSet: Int, CaseIterable, Comparable, Sendable {
    case portable, avx2, avx512

    /// The most that this machine can run.
    package static let best: InstructionSet =
        switch cox_best_instructions() {
        case COX_AVX512: .avx512
        case COX_AVX2: .avx2
        default: .portable
        }

    package static func < (left: InstructionSet, right: InstructionSet) -> Bool {
        left.rawValue < right.rawValue
    }

    var kernel: cox_instructions {
        switch self {
        case .portable: COX_PORTABLE
        case .avx2: COX_AVX2
        case .avx512: COX_AVX512
        }
    }
}
