import Cryptography
import Federation
import Survival
import Testing

/// The bytes of each message: a regression of our own wire format, which old journals and other nodes must read.
///
/// The texts are RFC 8785 (sorted keys, no white space, ECMAScript's numbers) applied by hand.
struct MessageBytesTests {
    private static let a = SHA256Digest(of: "a".utf8)
    private static let b = SHA256Digest(of: "b".utf8)
    /// SHA-256 of "a" and of "b" (`printf a | sha256sum`).
    private static let aHex = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    private static let bHex = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"

    private static let signedText = #"{"certificate":"PEM","payload":"{}","signature":"00ff","type":"hello"}"#

    private static func signed() throws -> SignedMessage {
        try CanonicalJSON.decode(SignedMessage.self, from: Array(signedText.utf8))
    }

    private func expect<Content: Codable & Equatable>(
        _ message: Content, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = text.replacing("<a>", with: Self.aHex).replacing("<b>", with: Self.bHex)
            .replacing("SIGNED", with: Self.signedText)
        let bytes = CanonicalJSON.bytes(message)
        #expect(String(decoding: bytes, as: UTF8.self) == text, sourceLocation: sourceLocation)
        #expect(
            try CanonicalJSON.decode(Content.self, from: bytes) == message, sourceLocation: sourceLocation)
    }

    @Test func `study`() throws {
        let submitter = SPIFFEID(consortium: "liver", role: .operator("lead"))
        try expect(
            StudySubmission(study: "study: x\n", dictionary: "dictionary: d\n", submitter: submitter),
            #"{"dictionary":"dictionary: d\n","study":"study: x\n","submitter":"spiffe://liver/operator/lead"}"#
        )
        #expect(StudySubmission.type == "study")
    }

    @Test func `decision`() throws {
        try expect(
            Decision(
                study: Self.a, site: "s", isApproved: true, reason: "", until: 1_790_000_000, policy: Self.b),
            #"{"isApproved":true,"policy":"<b>","reason":"","site":"s","study":"<a>","until":1790000000}"#)
        try expect(
            Decision(
                study: Self.a, site: "s", isApproved: false, reason: "", until: 0, policy: Self.b,
                isLapsed: true),
            #"{"isApproved":false,"isLapsed":true,"policy":"<b>","reason":"","site":"s","study":"<a>","until":0}"#
        )
        #expect(Decision.type == "decision")
    }

    @Test func `opening`() throws {
        try expect(
            SessionOpening(
                session: Self.a, study: Self.b, sites: ["s", "t"], versions: Versions(protocol: 7, engine: 9)),
            #"{"session":"<a>","sites":["s","t"],"study":"<b>","versions":{"engine":9,"protocol":7}}"#)
        // As protocol 1 wrote it.
        try expect(
            SessionOpening(session: Self.a, study: Self.b, sites: ["s", "t"], versions: nil),
            #"{"session":"<a>","sites":["s","t"],"study":"<b>"}"#)
        #expect(SessionOpening.type == "session")
    }

    @Test func `hello`() throws {
        try expect(
            Hello(
                session: Self.a, study: Self.b, site: "s", key: HexBytes([1, 0xAB]), policy: Self.a,
                versions: nil),
            #"{"key":"01ab","policy":"<a>","session":"<a>","site":"s","study":"<b>"}"#)
        try expect(
            Hello(
                session: Self.a, study: Self.b, site: "s", key: HexBytes([1, 0xAB]), policy: Self.a,
                checkpoint: try Self.signed(), versions: Versions(protocol: 7, engine: 9)),
            #"{"checkpoint":SIGNED,"key":"01ab","policy":"<a>","session":"<a>","site":"s","study":"<b>","versions":{"engine":9,"protocol":7}}"#
        )
        #expect(Hello.type == "hello")
    }

    @Test func `checkpoint`() throws {
        try expect(
            AuditCheckpoint(site: "s", sequence: 12, head: Self.a, at: 1_790_000_000),
            #"{"at":1790000000,"head":"<a>","sequence":12,"site":"s"}"#)
        #expect(AuditCheckpoint.type == "checkpoint")
    }

    @Test func `roster and its hash`() throws {
        let roster = Roster(opening: try Self.signed(), hellos: [try Self.signed(), try Self.signed()])
        let text = #"{"hellos":[SIGNED,SIGNED],"opening":SIGNED}"#
        try expect(roster, text)
        #expect(roster.hash == SHA256Digest(of: text.replacing("SIGNED", with: Self.signedText).utf8))
        #expect(Roster.type == "roster")
    }

    @Test func `acknowledgement`() throws {
        try expect(
            RosterAcknowledgement(session: Self.a, site: "s", roster: Self.b),
            #"{"roster":"<b>","session":"<a>","site":"s"}"#)
        #expect(RosterAcknowledgement.type == "ack")
    }

    @Test func `round and its digest`() throws {
        let plan = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age]}}]"))
        let analysis = try #require(plan.analysis("m"))
        let coordinates = Coordinates(center: [60], scale: [10])
        let statements = [
            QueryStatement(Query(analysis: "m", CountsQuestion()), in: analysis),
            QueryStatement(Query(analysis: "m", LikelihoodQuestion(coordinates, beta: [-0.5])), in: analysis),
        ]
        let round = RoundRequest(
            session: Self.a, round: 2, transcript: Self.b, statements: statements,
            previous: [try Self.signed()])
        let text =
            #"{"previous":[SIGNED],"round":2,"session":"<a>","statements":["#
            + #"{"analysis":"m","context":"CONTEXT-1","kind":"counts","lanes":10},"#
            + #"{"analysis":"m","beta":[-0.5],"context":"CONTEXT-2","kind":"likelihood","lanes":4}],"transcript":"<b>"}"#
        // The context is a digest over arrays, each a 64-bit length and bit patterns, little-endian: no numbers, or
        // center, scale and beta.
        let one = Self.littleEndian(1)
        let numbers = [60, 10, -0.5].flatMap { one + Self.littleEndian($0.bitPattern) }
        let contexts = [Self.littleEndian(0), numbers].map { SHA256Digest(of: $0).hex }
        let expected = text.replacing("CONTEXT-1", with: contexts[0]).replacing(
            "CONTEXT-2", with: contexts[1])
        try expect(round, expected)
        #expect(round.digest == SHA256Digest(of: CanonicalJSON.bytes(round)))
        #expect(RoundRequest.type == "round")
    }

    /// ECMAScript's numbers: no `-0`, no `1e-05`, a point up to 21 digits.
    @Test func `the numbers of a question`() throws {
        let analysis = try #require(
            try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age]}}]")).analysis("m"))
        let beta = [-0.0, 0.00001, -1.5e-7, 1e16, 1e21, 0.1 + 0.2, .leastNonzeroMagnitude]
        let coordinates = Coordinates(center: [60], scale: [10])
        let statement = QueryStatement(
            Query(analysis: "m", LikelihoodQuestion(coordinates, beta: beta)), in: analysis)
        let text = String(decoding: CanonicalJSON.bytes(statement), as: UTF8.self)
        #expect(
            text.contains(
                #""beta":[0,0.00001,-1.5e-7,10000000000000000,1e+21,0.30000000000000004,5e-324]"#))
    }

    @Test func `result`() throws {
        var result = StudyResult(
            study: "n", title: "t", studyHash: "h", dictionary: "d@1",
            endpoint: .init(time: "t", event: "e", unit: "day"),
            sites: [.init(name: "s", policyHash: "p"), .init(name: "t", policyHash: nil)], rounds: 3,
            analyses: [.failed(id: "a", kind: "cox", reason: "r")], warnings: [])
        let head =
            #"{"analyses":[{"failed":"cox","id":"a","kind":"failed","reason":"r"}],"dictionary":"d@1","#
            + #""endpoint":{"event":"e","time":"t","unit":"day"},"rounds":3,"sites":[{"name":"s","policyHash":"p"},{"name":"t"}],"#
            + #""study":"n","studyHash":"h","title":"t","#
        try expect(result, head + #""warnings":[]}"#)
        result.versions = Versions(protocol: 7, engine: 9)
        try expect(result, head + #""versions":{"engine":9,"protocol":7},"warnings":[]}"#)
    }

    private static func littleEndian(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    @Test func `answer`() throws {
        try expect(
            RoundAnswer(
                session: Self.a, round: 3, site: "s", request: Self.b,
                lanes: MaskedVector(lanes: [1, 0x0203 << 112])),
            #"{"lanes":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwI=","request":"<b>","round":3,"session":"<a>","site":"s"}"#
        )
        try expect(
            RoundAnswer(
                session: Self.a, round: 3, site: "s", request: Self.b, lanes: MaskedVector(lanes: [0]),
                checkpoint: try Self.signed()),
            #"{"checkpoint":SIGNED,"lanes":"AAAAAAAAAAAAAAAAAAAAAA==","request":"<b>","round":3,"session":"<a>","site":"s"}"#
        )
        #expect(RoundAnswer.type == "answer")
    }

    @Test func `refusal`() throws {
        try expect(
            Refusal(session: Self.a, site: "s", reason: "policy rule people-min"),
            #"{"reason":"policy rule people-min","session":"<a>","site":"s"}"#)
        #expect(Refusal.type == "refusal")
    }

    @Test func `a round that is held`() throws {
        try expect(
            RoundHeld(session: Self.a, round: 3, site: "s"), #"{"round":3,"session":"<a>","site":"s"}"#)
        #expect(RoundHeld.type == "held")
    }

    @Test func `status`() throws {
        let status = StudyStatus(
            study: Self.a, name: "n", title: "t",
            submitter: SPIFFEID(consortium: "liver", role: .operator("lead")),
            state: .running, reason: "", sites: [.init(name: "s", decision: .declined, reason: "no")],
            session: .init(
                id: Self.b, sites: ["s"], step: .keys, round: 0, waitingFor: ["s"], holding: ["s"],
                since: 5, statements: []))
        try expect(
            status,
            #"{"name":"n","reason":"","session":{"holding":["s"],"id":"<b>","round":0,"since":5,"sites":["s"],"statements":[],"step":"keys","#
                + #""waitingFor":["s"]},"sites":[{"contact":"online","decision":"declined","name":"s","reason":"no"}],"state":"running","#
                + #""study":"<a>","submitter":"spiffe://liver/operator/lead","title":"t"}"#)
        var later = status
        later.session?.since = 6
        #expect(later.version != status.version)
    }

    @Test func `work list`() throws {
        let item = WorkList.Item(
            study: Self.a, state: .submitted, decision: .pending, session: nil, step: nil, round: 0,
            isWaitingForYou: false)
        let items =
            #"[{"decision":"pending","isWaitingForYou":false,"round":0,"state":"submitted","study":"<a>"}]"#
        let version = SHA256Digest(of: items.replacing("<a>", with: Self.aHex).utf8)
        try expect(WorkList(items: [item]), #"{"items":\#(items),"version":"\#(version.hex)"}"#)
        try expect(
            WorkList(items: [item], versions: Versions(protocol: 7, engine: 9)),
            #"{"items":\#(items),"version":"\#(version.hex)","versions":{"engine":9,"protocol":7}}"#)
    }

    @Test func `no two types of message have one name`() {
        let types = [
            StudySubmission.type, Decision.type, SessionOpening.type, Hello.type, Roster.type,
            RosterAcknowledgement.type, RoundRequest.type, RoundAnswer.type, RoundHeld.type, Refusal.type,
            AuditCheckpoint.type,
        ]
        #expect(Set(types).count == types.count)
    }
}
