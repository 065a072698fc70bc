import Foundation
import Testing

extension EndToEnd {
    /// A hospital's own sums are with nobody else: not with the coordinator, not with another hospital.
    @Suite
    struct Secrecy {
        /// Log-likelihoods at β = 0 of the site-baseline model, which every group of sites can have computed for itself.
        ///
        /// Without covariates in play they depend on nothing that the federation finds out, so that a local fit of each
        /// hospital's file gives them to the last bit.
        private struct KnownSums {
            /// Of each group of one, two or three of the four sites: nobody may learn them.
            let secret: [Needle]
            /// Of all four: everybody does.
            let total: Needle

            init(_ consortium: Consortium) async throws {
                var values: [Int128] = []
                for (_, csv) in consortium.scenario.sites {
                    let fit = try await consortium.coxswain([
                        "fit", "study.yaml", "--data", csv, "--dictionary", "dictionary.yaml", "--format",
                        "json",
                    ])
                    let own = try JSON(text: fit.succeeded())["analyses"]["site-baseline"]["loglik_null"]
                        .number
                    values.append(Needle.integer(try #require(own)))
                }
                let names = consortium.scenario.siteNames
                let needles = (1..<(1 << names.count)).map { group in
                    let members = names.indices.filter { group & (1 << $0) != 0 }
                    return Needle(
                        members.map { names[$0] }.joined(separator: "+"),
                        members.reduce(0) { $0 + values[$1] })
                }
                (secret, total) = (needles.dropLast(), needles[needles.count - 1])
            }
        }

        @Test
        func `the coordinator's memory, files and log hold the total and no sum of fewer hospitals`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let known = try await KnownSums(consortium)
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 4)
                try requireSecrets(of: known, "coordinator", consortium)
                try consortium.process("site-4").signal(SIGCONT)
                try await consortium.watch().succeeded()
                let result = try JSON(text: try await consortium.results())
                #expect(
                    result["analyses"]["site-baseline"]["loglik_null"].number == known.total.number,
                    "what is searched for is what the study found")
                try requireSecrets(of: known, "coordinator", consortium)
                let stored = try files(of: "coordinator", consortium).flatMap {
                    known.total.forms(in: try consortium.folder.bytes($0))
                }
                #expect(stored.contains("\(known.total.name) as decimal"), "the search finds what is there")
            }
        }

        @Test
        func `a hospital's memory, files and log hold the total and no sum of fewer hospitals but its own`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let known = try await KnownSums(consortium)
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 4)
                try requireSecrets(of: known, "site-2", consortium)
                try consortium.process("site-4").signal(SIGCONT)
                try await consortium.watch().succeeded()
                try requireSecrets(of: known, "site-3", consortium)
            }
        }

        /// What the coordinator stores, taken apart and added up by whoever has all of it.
        @Test
        func `stored answers give the total when all are added, and noise when one is missing`() async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let known = try await KnownSums(consortium)
                _ = try await consortium.runStudy()
                let rounds = try await answers(consortium)
                let total = UInt128(bitPattern: known.total.integer)
                #expect(rounds.contains { $0.sum(of: consortium.scenario.siteNames).contains(total) })
                for needle in known.secret {
                    let members = needle.name.components(separatedBy: "+")
                    let own = UInt128(bitPattern: needle.integer)
                    let sums = rounds.map { $0.sum(of: members) }
                    #expect(sums.count { $0.contains(own) } == 0, "rounds that give away \(needle.name)")
                    // Unmasked, most lanes are counts from 0 to 200; masked, one of them looks like it by a chance
                    // of 2^-47.
                    let bare = sums.count { $0.contains { Int128(bitPattern: $0).magnitude < 1 << 80 } }
                    #expect(bare == 0, "rounds with bare numbers of \(needle.name)")
                }
            }
        }

        private func requireSecrets(of known: KnownSums, _ party: String, _ consortium: Consortium) throws {
            let others = known.secret.filter { $0.name != party }
            let memory = try ProcessMemory.read(try consortium.process(party))
            #expect(others.flatMap { $0.forms(in: memory) } == [], "memory of \(party)")
            #expect(known.total.forms(in: memory) != [], "the search finds what is there")
            for file in files(of: party, consortium) {
                let bytes = try consortium.folder.bytes(file)
                #expect(others.flatMap { $0.forms(in: bytes) } == [], "\(file)")
            }
        }

        /// Databases, with what SQLite keeps beside them, and the log.
        private func files(of party: String, _ consortium: Consortium) -> [String] {
            consortium.folder.names().filter {
                $0.hasPrefix("\(party)/") && ($0.contains(".sqlite") || $0.hasSuffix("log"))
            }
        }

        /// One round's masked vectors by site.
        private struct Round {
            var lanes: [String: [UInt128]] = [:]

            func sum(of sites: [String]) -> [UInt128] {
                let vectors = sites.compactMap { lanes[$0] }
                return (vectors.first ?? []).indices.map { lane in vectors.reduce(0) { $0 &+ $1[lane] } }
            }
        }

        private func answers(_ consortium: Consortium) async throws -> [Round] {
            var rounds: [Int: Round] = [:]
            let bodies = try await consortium.rows(
                "coordinator/coordinator.sqlite",
                "SELECT body ->> 'payload' FROM message WHERE type = 'answer'")
            for body in bodies {
                let answer = try JSON(text: body)
                let number = Int(try #require(answer["round"].number))
                let site = try #require(answer["site"].string)
                let bytes = try #require(answer["lanes"].string.flatMap { Data(base64Encoded: $0) })
                rounds[number, default: Round()].lanes[site] = stride(from: 0, to: bytes.count, by: 16).map {
                    start in
                    bytes[start..<(start + 16)].reversed().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
                }
            }
            return Array(rounds.values)
        }
    }
}
