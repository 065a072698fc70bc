import Foundation
import Testing

extension EndToEnd {
    /// What follows from sums has the same bits on every processor, since hospitals compare it with the coordinator's.
    ///
    /// glibc's `exp`, `log` and `pow` take other paths where a processor lacks fused multiply-add; its tunable makes this processor
    /// such a one for a process. The program `same-bits` (Tests/SameBits) does what is compared; Tests/bits compares release builds.
    @Suite
    struct SameBits {
        /// As on an older processor.
        private static let older = ["GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4"]

        @Test
        func `every reference case has the same sums, questions and result on an older processor`()
            async throws
        {
            try await Self.withFolder { folder in
                let here = try await Self.sameBits(["fits", "portable"], in: folder)
                let there = try await Self.sameBits(["fits", "portable"], in: folder, Self.older)
                Self.expectSame(here, there)
                let results = here.split(separator: "\n").count { $0.hasPrefix("result ") }
                #expect(results > 250, "most cases have a result")
                // The coordinator may have another processor than the hospitals.
                try folder.write(here, to: "recorded")
                let digests = try await Self.sameBits(["digests", folder("recorded")], in: folder)
                try Self.expectRecorded(digests)
                let replayed = try await Self.sameBits(
                    ["replay", folder("recorded")], in: folder, Self.older)
                Self.expectSame(Self.withoutSums(here), Self.withoutSums(replayed))
            }
        }

        @Test(arguments: ["lung", "bmt"])
        func `a fit of a whole study prints the same bytes on an older processor`(name: String) async throws {
            let scenario = try name == "lung" ? Scenario.lung() : Scenario.boneMarrow()
            try await Consortium.with(scenario) { consortium in
                let csv = try consortium.writeStacked(scenario.siteNames)
                let arguments = [
                    "fit", "study.yaml", "--data", csv, "--dictionary", "dictionary.yaml", "--sites", "site",
                    "--format", "json",
                ]
                let (program, folder) = (Repository.coxswain, consortium.folder)
                let here = try await run(program, arguments, in: folder).succeeded()
                let there = try await run(program, arguments, in: folder, environment: Self.older).succeeded()
                Self.expectSame(here, there)
            }
        }

        /// Without this the tests above could pass because the tunable does nothing.
        @Test(.enabled(if: hasFusedMultiplyAdd))
        func `the system's own functions do differ on an older processor`() async throws {
            try await Self.withFolder { folder in
                let here = try await Self.sameBits(["libm"], in: folder)
                let there = try await Self.sameBits(["libm"], in: folder, Self.older)
                #expect(here != there)
            }
        }

        /// In the objects of this build, as the linker sees them.
        @Test
        func `nothing that computes a question or a result calls the system's functions`() async throws {
            for module in ["Survival", "Federation", "StudyReport", "CoxKernels"] {
                let found = try await Self.systemFunctions(in: module)
                #expect(found.isEmpty, "\(module) calls \(found.sorted().joined(separator: ", "))")
            }
            #expect(try await Self.systemFunctions(in: "same_bits").isSuperset(of: ["exp", "log", "pow"]))
        }

        /// Elementary and special functions of the system's that the module's objects refer to.
        ///
        /// Rounding and square roots are exact by IEEE 754, whoever computes them.
        private static func systemFunctions(in module: String) async throws -> Set<String> {
            let folder = Folder(path: Repository.built("\(module).build"))
            let objects = folder.names().filter { $0.hasSuffix(".o") }
            try #require(!objects.isEmpty, "\(folder.path) has no objects")
            let undefined = try await withFolder { scratch in
                try await run("nm", ["-u"] + objects.map { folder($0) }, in: scratch).succeeded()
            }
            return Set(
                undefined.split(separator: "\n").compactMap { line in
                    line.split(separator: " ").last?.split(separator: "@").first.map(String.init)
                }
            ).intersection(systemNames)
        }

        private static let systemNames: Set<String> = {
            let names = """
                exp exp2 exp10 expm1 log log2 log10 log1p pow erf erfc gamma lgamma lgamma_r tgamma sin cos tan sincos asin acos
                atan atan2 sinh cosh tanh asinh acosh atanh hypot cbrt
                """.split(whereSeparator: \.isWhitespace)
            return Set(names.flatMap { name in ["", "f", "l", "f128"].map { "\(name)\($0)" } })
        }()

        private static let hasFusedMultiplyAdd: Bool = {
            // Where there is no such file, the machine is another kind.
            let processor = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
            return processor.split(whereSeparator: \.isWhitespace).contains("fma")
        }()

        private static func sameBits(
            _ arguments: [String], in folder: Folder, _ environment: [String: String] = [:]
        ) async throws -> String {
            try await run(Repository.built("same-bits"), arguments, in: folder, environment: environment)
                .succeeded()
        }

        private static func withFolder<Value>(_ body: (Folder) async throws -> Value) async throws -> Value {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            return try await body(folder)
        }

        /// The questions and the results; a hospital's refusal does not follow from sums.
        private static func withoutSums(_ text: String) -> String {
            text.split(separator: "\n").filter { !$0.hasPrefix("refused ") }.map { line in
                line.split(separator: " ").prefix(line.hasPrefix("round ") ? 2 : .max).joined(separator: " ")
            }.joined(separator: "\n")
        }

        /// Compares with the digests of an earlier build, which any machine must give.
        private static func expectRecorded(_ digests: String) throws {
            let lines = { (text: String) in Set(text.split(separator: "\n").map(String.init)) }
            let recorded = try Repository.text("Tests/SameBits/recorded.txt")
            let changed = lines(digests).subtracting(lines(recorded)).map { $0.dropFirst(17) }.sorted()
            #expect(
                changed.isEmpty,
                """
                sums, questions or results have other bits, or words, than those recorded: \(changed.count) cases, such as \
                \(changed.prefix(3).joined(separator: "; ")). Hospitals and coordinators of the two builds would not agree: raise the \
                engine's version if this is meant, and record anew with Tests/bits --record
                """)
        }

        /// Names the first line that differs, with the case that it belongs to.
        private static func expectSame(_ here: String, _ there: String) {
            guard here != there else { return }
            let (ours, theirs) = (here.split(separator: "\n"), there.split(separator: "\n"))
            let shared = zip(ours, theirs).prefix { $0 == $1 }.count
            let place = ours[..<shared].last { $0.hasPrefix("case ") } ?? "the beginning"
            let line = ours.dropFirst(shared).first ?? "nothing"
            let other = theirs.dropFirst(shared).first ?? "nothing"
            Issue.record("after \(place): \(line.prefix(120)) here, \(other.prefix(120)) there")
        }
    }
}
