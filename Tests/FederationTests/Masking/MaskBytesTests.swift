import Cryptography
import Federation
import Survival
import Testing

/// The bytes that leave a hospital for fixed secrets and rows: a regression of our own wire format.
///
/// The expected digests were computed independently, by `masks.py` beside this file.
struct MaskBytesTests {
    private static let expected = [
        "site-1": (
            "c082ec9123a9c1b2d82de0eba0fb09ba80ead05e9edfb70c98bb465ed5b2b6b0",
            "76e9596a66beb9c2cd0a0e258a68b367"
        ),
        "site-2": (
            "8b808d37b48a871ef0bf2de5e1d0e71783d76dcb924e22c0721c2fc535cf8117",
            "9284f8240b1f08e287a18c2dae9f295e"
        ),
        "site-3": (
            "7d806ddd027f2fc9f9db8c2f58b6d7d19190ddc111ef975c75900a703b3670d1",
            "fb91ad708e223e5baa5365adc7f7223a"
        ),
    ]

    /// Three rows with two events, three rows with one that lacks its status, and none.
    private static let rows: [String: [Patient]] = [
        "site-1": [1.0, 1, 0].enumerated().map { Patient(person: $0.offset, died: $0.element) },
        "site-2": [0, .nan, 0].enumerated().map { Patient(person: $0.offset, died: $0.element) },
        "site-3": [],
    ]

    @Test(arguments: ["site-1", "site-2", "site-3"])
    func `masked bytes are those of the published format`(_ site: String) throws {
        let names = ["site-1", "site-2", "site-3"]
        let keys = try (1...3).map { try AgreementKey(secret: [UInt8](repeating: $0, count: 32)) }
        let own = try #require(names.firstIndex(of: site))
        let masks = try PairwiseMasks(
            site: site, key: keys[own], roster: zip(names, keys).map { ($0, $1.publicKey) },
            session: SHA256Digest(of: "session".utf8), study: SHA256Digest(of: "study".utf8))

        let plan = try Ward.plan(Ward.study("analyses: [{survival: {id: all, times: exact}}]"))
        let cohort = SiteCohort(table: PatientTable(try #require(Self.rows[site])), plan: plan)
        let vector = try DisclosurePolicy.local.clear(
            StudyRun(plan: plan, sites: []), on: cohort, siteCount: 3, evaluations: [:])
        let masked = try masks.mask(vector, round: SHA256Digest(of: "context".utf8))

        let (digest, firstLane) = try #require(Self.expected[site])
        #expect(SHA256Digest(of: masked.bytes).hex == digest)
        #expect(HexBytes(Array(masked.bytes[..<16])).hex == firstLane)
    }
}
