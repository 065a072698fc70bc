import Cryptography
import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Attacks on the masks: under them lies a hospital's own vector.
struct MaskAttacks {
    private let scene: HostileScene
    private var start: Dialogue { scene.start }

    init() throws { scene = try HostileScene.shared.get() }

    /// A number of units of 2^-72 as the number that it stands for.
    private func decoded(_ lanes: [UInt128]) -> [Double] {
        lanes.map { FixedPoint.decode(Int128(bitPattern: $0)) }
    }

    // MARK: Replay

    /// A hospital brought back from a backup has forgotten that it answered; its admin has added a patient in between.
    @Test func `a round answered twice shows the patient who came in between, and is answered once`() throws {
        var dialogue = start
        try dialogue.answerRound()
        let request = try #require(dialogue.coordinator.request)
        let names = Set(request.statements.map(\.kind))
        #expect(names.contains("moments"))
        var member = dialogue.members[0]
        _ = try member.accept(request, under: dialogue.trustView)

        let patients = Patient.random(90, seed: 41).filter { $0.person % 3 == 0 }
        var newcomer = Patient(person: 99)
        newcomer.age = 67
        newcomer.marker = -1.25
        newcomer.months = 17
        let more = SiteCohort(table: PatientTable(patients + [newcomer]), plan: dialogue.plan)

        var forgetful = member
        let before = try member.answer(from: dialogue.cohorts[0]).lanes.lanes
        let after = try forgetful.answer(from: more).lanes.lanes
        let difference = decoded(zip(before, after).map { $1 &- $0 })
        // Lane 0 is the check lane; then rows, Σx and Σx² of age (range 18-100) and marker (range -10 to 10).
        #expect(difference[1] == 1)
        #expect((59 + 41 * difference[2]).rounded() == newcomer.age)
        #expect(abs(10 * difference[3] - newcomer.marker) < 1e-9)

        expectRefusal(.outOfPlace, "no round is waiting") { _ = try member.answer(from: more) }
        expectRefusal(.outOfPlace, "does not follow") {
            _ = try member.accept(request, under: dialogue.trustView)
        }
    }

    // MARK: Sybils

    /// The office was broken into: whoever did has certificates for two hospitals of the study, and so two of three parts.
    @Test func `invented hospitals leave the third one's own counts, and pins refuse them`() throws {
        var dialogue = start
        let request = try #require(dialogue.coordinator.request)
        for site in dialogue.members.indices {
            _ = try dialogue.members[site].accept(request, under: dialogue.trustView)
        }
        let answers = try dialogue.members.indices.map {
            try dialogue.members[$0].answer(from: dialogue.cohorts[$0]).lanes
        }
        let run = StudyRun(plan: dialogue.plan, sites: [])
        let total = try MaskedVector.sum(answers, count: run.laneCount)
        let invented = try dialogue.cohorts[1...].map { cohort in
            try run.queries.flatMap { try cohort.answer($0) }
        }
        let own = total.indices.map { total[$0] - invented[0][$0] - invented[1][$0] }
        // Counts are exact; the sum of times has a fraction, which doubles round.
        expectClose(
            own, try run.queries.flatMap { try dialogue.cohorts[0].answer($0) }, relative: 1e-12,
            "its own counts")

        var careful = dialogue.trustView
        careful.pins = ["site-1": dialogue.signers[0].certificate.fingerprint]
        for site in ["site-2", "site-3"] {
            careful.pins?[site] = try dialogue.consortium.signer(.node(site)).certificate.fingerprint
        }
        var member = try SiteSession(
            opening: dialogue.opening, plan: dialogue.plan, site: "site-1", policy: .local,
            secret: SHA256Digest(of: "a session site-1".utf8).bytes)
        let roster = try #require(dialogue.coordinator.roster)
        expectRefusal(.untrusted, "is not the one pinned") { _ = try member.join(roster, under: careful) }
    }

    // MARK: Low-order keys

    /// The masks as a hospital would make them that used whatever secret comes out; of its pairs' secrets and a round.
    private func carelessMask(
        _ lanes: [UInt128], secrets: [(secret: [UInt8], isAdded: Bool)], round context: SHA256Digest
    ) throws -> [UInt128] {
        var lanes = lanes
        for peer in secrets {
            var stream = try Keystream(
                key: hkdfSHA256(
                    secret: peer.secret, salt: [], info: Array("coxswain/1/round".utf8) + context.bytes,
                    count: 32))
            for (lane, mask) in try stream.next(lanes.count).enumerated() {
                lanes[lane] = peer.isAdded ? lanes[lane] &+ mask : lanes[lane] &- mask
            }
        }
        return lanes
    }

    private func pairSecret(_ agreed: [UInt8], _ pair: String, _ session: SHA256Digest) throws -> [UInt8] {
        try hkdfSHA256(
            secret: agreed, salt: session.bytes,
            info: Array("coxswain/1/pair".utf8) + start.plan.hash.bytes + Array(pair.utf8), count: 32)
    }

    /// X25519 with a point of low order gives zeros, whatever the hospital's key is (RFC 7748, section 6.1).
    @Test func `keys of low order let anyone take the masks off, and are refused`() throws {
        let (session, context) = (SHA256Digest(of: "roster".utf8), SHA256Digest(of: "round".utf8))
        let run = StudyRun(plan: start.plan, sites: [])
        let cleared = try DisclosurePolicy.local.clear(
            run, on: start.cohorts[0], siteCount: 3, evaluations: [:])
        let keys = try (1...3).map { try AgreementKey(secret: [UInt8](repeating: $0, count: 32)) }
        let names = start.names
        func masks(_ others: [[UInt8]]) throws -> PairwiseMasks {
            try PairwiseMasks(
                site: names[0], key: keys[0],
                roster: [(names[0], keys[0].publicKey), (names[1], others[0]), (names[2], others[1])],
                session: session, study: start.plan.hash)
        }
        // The careless masks are the product's where keys are good.
        let good = try masks([keys[1].publicKey, keys[2].publicKey]).mask(cleared, round: context).lanes
        let answered = try run.queries.flatMap { try start.cohorts[0].answer($0) }
        let encoded = try answered.map { UInt128(bitPattern: try FixedPoint.encode($0, siteCount: 3)) }
        let clear = [1] + encoded + [0]
        let agreed = try [1, 2].map { other in
            try pairSecret(
                keys[0].sharedSecret(with: keys[other].publicKey), "\(names[0])|\(names[other])", session)
        }
        #expect(
            try carelessMask(clear, secrets: agreed.map { ($0, true) }, round: context) == good)

        // Of a low-order key everyone knows the agreed secret: zeros. Whoever sees the vector subtracts the masks.
        let zeros = [UInt8](repeating: 0, count: 32)
        let known = try [1, 2].map { try pairSecret(zeros, "\(names[0])|\(names[$0])", session) }
        let sent = try carelessMask(clear, secrets: known.map { ($0, true) }, round: context)
        #expect(sent != clear)
        #expect(try carelessMask(sent, secrets: known.map { ($0, false) }, round: context) == clear)

        #expect(throws: CryptographyError.self) { try masks([zeros, zeros]) }
        #expect(throws: CryptographyError.self) { try masks([keys[1].publicKey, zeros]) }
    }

    // MARK: Split views

    /// Hospital 2 is shown other sums than hospitals 1 and 3, and so answers at other coefficients.
    ///
    /// If masks were not bound to what each has seen they would cancel all the same, and by how much the total changes
    /// would be hospital 2's own number.
    @Test func `views that differ show one hospital's own change, and masks bound to them are noise`() throws
    {
        let dialogue = scene.late
        let (honest, query) = (scene.run, scene.run.queries[0])
        guard let point = (query.question as? LikelihoodQuestion)?.point else {
            Issue.record("round 4 asks for no likelihood")
            return
        }
        let other = Query(
            analysis: query.analysis, LikelihoodQuestion(point.coordinates, beta: point.beta.map { $0 + 0.5 })
        )
        let cohort = dialogue.cohorts[1]
        let (mine, moved) = (try cohort.answer(query)[0], try cohort.answer(other)[0])
        let trusting = TrustingHospitals(cohorts: dialogue.cohorts)
        let split =
            try TrustingHospitals(cohorts: [dialogue.cohorts[0], dialogue.cohorts[2]]).sum(query)[0] + moved
        #expect(abs(split - (try trusting.sum(query)[0]) - (moved - mine)) < 1e-9)
        #expect(abs(moved - mine) > 1e-3)

        let keys = try (1...3).map { try AgreementKey(secret: [UInt8](repeating: $0, count: 32)) }
        let roster = zip(dialogue.names, keys).map { (site: $0, key: $1.publicKey) }
        func sum(_ contexts: [SHA256Digest]) throws -> [Double] {
            let vectors = try dialogue.names.indices.map { site in
                try PairwiseMasks(
                    site: dialogue.names[site], key: keys[site], roster: roster,
                    session: SHA256Digest(of: "roster".utf8), study: dialogue.plan.hash
                ).mask(
                    DisclosurePolicy.local.clear(
                        honest, on: dialogue.cohorts[site], siteCount: 3, evaluations: [:]),
                    round: contexts[site])
            }
            return try MaskedVector.sum(vectors, count: honest.laneCount)
        }
        let (one, two) = (SHA256Digest(of: "one view".utf8), SHA256Digest(of: "another".utf8))
        #expect(throws: Never.self) { try sum([one, one, one]) }
        #expect(throws: StudyError.self) { try sum([one, two, one]) }
    }
}
