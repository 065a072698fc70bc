import Cryptography
import Dispatch
import Federation
import Foundation
import ReferenceStudies
import Survival
import Synchronization

/// A program for the tests: what every reference case comes to, in bits, so that two runs of it can be compared.
///
///     same-bits fits [portable]   the hospitals' sums, the questions and the result of each case, whole
///     same-bits replay FILE       the questions and the result alone, on the sums in what `fits` printed
///     same-bits digests FILE      one digest for each case of what `fits` printed, as recorded.txt beside this file has them
///     same-bits libm              the system's own functions, which may differ: what shows that the comparison can fail
///
/// `fits` prints for each case a line `case NAME`, for each round `round QUESTIONS SUM` (a digest, and the numbers in
/// hexadecimal), and `result DIGEST`. `replay` prints the same without the sums.
@main
enum SameBits {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.dropFirst().first) {
        case ("fits", let copy):
            let instructions = copy == "portable" ? InstructionSet.portable : .best
            forEachStudy { _, study in try fit(study, instructions) }
        case ("replay", let file?):
            let sums = try recorded(in: String(contentsOfFile: file, encoding: .utf8))
            forEachStudy { name, study in try replay(study, sums[name] ?? []) }
        case ("digests", let file?): try printDigests(of: String(contentsOfFile: file, encoding: .utf8))
        case ("libm", _):
            let arguments = (1...10_000).map { Double($0) / 997 }
            print(
                hex(arguments.map { exp(-$0) } + arguments.map { log($0) } + arguments.map { pow($0, 0.7) }))
        default:
            print("usage: same-bits fits [portable] | replay FILE | digests FILE | libm")
            exit(64)
        }
    }

    // MARK: - Studies

    /// Every reference case once, and some with what no reference case asks for.
    private static var studies: [(name: String, study: CaseStudy)] {
        let plain = ReferenceCase.all.compactMap { reference in
            [CaseStudy.Way.dealt, .sites, .oneSite].lazy.compactMap { CaseStudy(reference, $0) }.first
                .map { (reference.id, $0) }
        }
        let options = [
            "limits: profile", "penalty: firth", "heterogeneity: true", "robust: true",
            "diagnostics: {functional-form: [age], bins: 4, smallest-bin: 1}",
        ]
        let lung = ReferenceCase.all.first { $0.id == "lung-age-sex-ecog-stratified-efron" }
        let more = options.compactMap { keys -> (String, CaseStudy)? in
            guard let lung, let study = CaseStudy(lung, .sites, baseline: .site, options: keys) else {
                return nil
            }
            return ("with \(keys)", study)
        }
        return plain + more
    }

    /// Prints what each study comes to, in a fixed order; two are computed at a time.
    private static func forEachStudy(_ lines: @escaping @Sendable (String, CaseStudy) throws -> [String]) {
        let studies = studies
        let texts = Mutex([String](repeating: "", count: studies.count))
        DispatchQueue.concurrentPerform(iterations: studies.count) { index in
            let (name, study) = studies[index]
            let found: [String]
            do { found = try lines(name, study) } catch { found = ["refused \(error)"] }
            let text = (["case \(name)"] + found).joined(separator: "\n")
            texts.withLock { $0[index] = text }
        }
        print(texts.withLock { $0 }.joined(separator: "\n"))
    }

    // MARK: - What a study comes to

    private static func fit(_ study: CaseStudy, _ instructions: InstructionSet) throws -> [String] {
        var lines: [String] = []
        do {
            let result = try study.result(instructions: instructions) { run, sum in
                lines.append("round \(try digest(run.statements)) \(hex(sum))")
            }
            return lines + ["result \(try digest(result))"]
        } catch {
            return lines + ["refused \(error)"]
        }
    }

    private static func replay(_ study: CaseStudy, _ sums: [[Double]]) throws -> [String] {
        var (lines, rest) = ([String](), sums[...])
        do {
            let result = try study.result(ofSums: { run in
                guard let sum = rest.popFirst() else { throw NoSum() }
                lines.append("round \(try digest(run.statements))")
                return sum
            })
            return lines + ["result \(try digest(result))"]
        } catch is NoSum {
            return lines
        } catch {
            return lines + ["refused \(error)"]
        }
    }

    /// A hospital refused the round that comes next.
    private struct NoSum: Error {}

    private static func digest(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Inf", negativeInfinity: "-Inf", nan: "NaN")
        return SHA256Digest(of: try encoder.encode(value)).hex
    }

    private static func printDigests(of text: String) {
        for part in "\n\(text)".components(separatedBy: "\ncase ").dropFirst() {
            let name = part.prefix { $0 != "\n" }
            let content = part.dropFirst(name.count).trimmingCharacters(in: .newlines)
            print("\(SHA256Digest(of: content.utf8).hex.prefix(16)) \(name)")
        }
    }

    // MARK: - Sums as text

    private static func hex(_ sum: [Double]) -> String {
        sum.isEmpty ? "-" : sum.map { String($0.bitPattern, radix: 16) }.joined(separator: ",")
    }

    private static func recorded(in text: String) -> [String: [[Double]]] {
        var (sums, name) = ([String: [[Double]]](), "")
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "case" { name = String(line.dropFirst(5)) }
            if words[0] == "round", words.count == 3 {
                let numbers = words[2].split(separator: ",").compactMap { UInt64($0, radix: 16) }
                sums[name, default: []].append(numbers.map { Double(bitPattern: $0) })
            }
        }
        return sums
    }
}
