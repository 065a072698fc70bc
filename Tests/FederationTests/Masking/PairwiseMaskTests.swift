import Cryptography
import Federation
import Survival
import Testing

/// Masks between each two hospitals, which cancel in the sum over the roster and only there.
struct PairwiseMaskTests {
    /// A roster with everybody's keys, and this test's rows in place of every hospital's.
    private struct Group {
        var names: [String]
        var keys: [AgreementKey]
        var session = SHA256Digest(of: "a roster".utf8)
        var study = SHA256Digest(of: "a study".utf8)
        var round = SHA256Digest(of: "a transcript and a request".utf8)

        init(_ count: Int) throws {
            names = Ward.names(count)
            keys = try names.map { try AgreementKey(secret: SHA256Digest(of: "secret of \($0)".utf8).bytes) }
        }

        func mask(_ vector: ClearedVector, of site: Int) throws -> MaskedVector {
            let masks = try PairwiseMasks(
                site: names[site], key: keys[site], roster: zip(names, keys).map { ($0, $1.publicKey) },
                session: session, study: study)
            return try masks.mask(vector, round: round)
        }
    }

    /// A vector that passed a policy: the counts of ten patients, or their exits by month and stage (366 numbers, and the trouble lane).
    private static func cleared(siteCount: Int, isLong: Bool = false) throws -> (
        vector: ClearedVector, numbers: [Double]
    ) {
        let study = Ward.study("analyses: [{survival: {id: all, by: stage, times: exact}}]")
        let plan = try Ward.plan(study)
        let cohort = SiteCohort(table: PatientTable(Patient.random(10, seed: 3)), plan: plan)
        var run = StudyRun(plan: plan, sites: [])
        if isLong { try run.receive(try cohort.answer(run.queries[0])) }
        let vector = try DisclosurePolicy.local.clear(run, on: cohort, siteCount: siteCount, evaluations: [:])
        return (vector, try cohort.answer(run.queries[0]))
    }

    @Test(arguments: 1...7)
    func `masks cancel over the whole roster`(_ count: Int) throws {
        let group = try Group(count)
        let (vector, numbers) = try Self.cleared(siteCount: count)
        let masked = try group.names.indices.map { try group.mask(vector, of: $0) }
        let sum = try MaskedVector.sum(masked.shuffled(), count: numbers.count)
        #expect(sum == numbers.map { Double(count) * $0 })
    }

    @Test(arguments: 2...7)
    func `without one hospital, or with one twice, the sum is refused`(_ count: Int) throws {
        let group = try Group(count)
        let (vector, numbers) = try Self.cleared(siteCount: count)
        let masked = try group.names.indices.map { try group.mask(vector, of: $0) }
        for site in masked.indices {
            #expect(throws: StudyError.self) {
                try MaskedVector.sum(
                    masked.enumerated().filter { $0.offset != site }.map(\.element), count: numbers.count)
            }
            #expect(throws: StudyError.self) {
                try MaskedVector.sum(masked + [masked[site]], count: numbers.count)
            }
        }
    }

    @Test(arguments: ["session", "study", "round", "a peer's key", "the roster's order", "a peer's name"])
    func `hospitals that saw different things send noise`(_ what: String) throws {
        let group = try Group(4)
        var other = group
        switch what {
        case "session": other.session = SHA256Digest(of: "another roster".utf8)
        case "study": other.study = SHA256Digest(of: "another study".utf8)
        case "round": other.round = SHA256Digest(of: "another request".utf8)
        case "a peer's key": other.keys[3] = try AgreementKey(secret: [UInt8](repeating: 9, count: 32))
        case "the roster's order": (other.names, other.keys) = (other.names.reversed(), other.keys.reversed())
        default: other.names[3] = "site-5"
        }
        let (vector, numbers) = try Self.cleared(siteCount: 4)
        let deceived = try #require(other.names.firstIndex(of: "site-1"))
        let masked = try [other.mask(vector, of: deceived)] + (1...3).map { try group.mask(vector, of: $0) }
        #expect(throws: StudyError.self) { try MaskedVector.sum(masked, count: numbers.count) }
        let honest = try (0...3).map { try group.mask(vector, of: $0) }
        #expect(try MaskedVector.sum(honest, count: numbers.count) == numbers.map { 4 * $0 })
    }

    @Test func `a vector of another length is refused, also one without a lane`() throws {
        let vector = MaskedVector(lanes: [1, 0])
        #expect(try MaskedVector.sum([vector], count: 0) == [])
        #expect(throws: StudyError.self) { try MaskedVector.sum([vector], count: 1) }
        for lanes: [UInt128] in [[1], [1, 0, 0], []] {
            #expect(throws: StudyError.self) { try MaskedVector.sum([MaskedVector(lanes: lanes)], count: 0) }
        }
    }

    @Test func `either check lane alone is enough to refuse`() throws {
        let honest = MaskedVector(lanes: [1, 5, 0])
        #expect(throws: Never.self) { try MaskedVector.sum([honest, honest], count: 1) }
        for lanes: [UInt128] in [[0, 5, 0], [2, 5, 0], [1, 5, 1], [1, 5, .max]] {
            #expect(throws: StudyError.self) {
                try MaskedVector.sum([honest, MaskedVector(lanes: lanes)], count: 1)
            }
        }
    }

    /// 367 + 2 lanes of 128 bits: a count of ones has a standard deviation of √n/2.
    @Test func `one hospital's vector has no pattern, and shares none with its next`() throws {
        var group = try Group(3)
        let vector = try Self.cleared(siteCount: 3, isLong: true).vector
        let first = try group.mask(vector, of: 1).lanes
        group.round = SHA256Digest(of: "the next round".utf8)
        let second = try group.mask(vector, of: 1).lanes
        #expect(first.count == 369)
        for lanes in [first, second, zip(first, second).map { $0 ^ $1 }] {
            let ones = lanes.reduce(0) { $0 + $1.nonzeroBitCount }
            #expect(abs(Double(ones) - 64 * 369) < 4 * (128 * 369.0).squareRoot() / 2)
            for bit in 0..<128 {
                let ones = lanes.count { $0 >> UInt128(bit) & 1 == 1 }
                #expect(abs(Double(ones) - 184.5) < 5 * 369.0.squareRoot() / 2, "bit \(bit)")
            }
        }
    }

    @Test(arguments: 0..<32)
    func `bytes are whole lanes`(_ count: Int) {
        let bytes = (0..<UInt8(count)).map { $0 }
        #expect(MaskedVector(bytes: bytes)?.bytes == (count % 16 == 0 ? bytes : nil))
    }
}
