import Cryptography
import Federation
import Survival
import TestConsortia
import Testing

/// A hospital's session against a coordinator that tampers with who takes part.
///
/// Each forgery is otherwise in order, so that one check alone can tell; the honest roster is accepted afterwards.
struct HostileRosterTests {
    private static let study = Ward.study(sites: 4, "analyses: [{cox: {id: m, terms: [age]}}]")
    private let dialogue: Dialogue
    private let roster: Roster
    private let hellos: [Hello]

    init() throws {
        let patients = Patient.random(90, seed: 40)
        let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
        var dialogue = try Dialogue(Self.study, tables: tables)
        try dialogue.sayHello()
        roster = try #require(dialogue.coordinator.roster)
        hellos = dialogue.members.map(\.hello)
        self.dialogue = dialogue
    }

    private func expectRefused(
        _ forged: Roster, _ kind: ProtocolErrorKind, _ phrase: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var member = dialogue.members[0]
        expectRefusal(kind, phrase, sourceLocation: sourceLocation) {
            _ = try member.join(forged, under: dialogue.trustView)
        }
        let ack = try member.join(roster, under: dialogue.trustView)
        #expect(ack.roster == roster.hash && ack.site == "site-1", sourceLocation: sourceLocation)
    }

    /// The roster with one site's hello replaced by another that this site's, or another's, key has signed.
    private func roster(replacing site: Int, by hello: Hello, signedBy signer: Int? = nil) throws -> Roster {
        var forged = roster
        forged.hellos[site] = try dialogue.signed(hello, by: signer ?? site)
        return forged
    }

    private func opening(_ change: (inout SessionOpening) -> Void) throws -> SignedMessage {
        var opening = dialogue.opening
        change(&opening)
        return try SignedMessage(opening, by: dialogue.office)
    }

    @Test func `the honest roster is accepted, and again`() throws {
        var member = dialogue.members[0]
        let ack = try member.join(roster, under: dialogue.trustView)
        #expect(try member.join(roster, under: dialogue.trustView) == ack)
    }

    // MARK: Keys

    @Test func `a roster without this hospital's own key is refused`() throws {
        var own = hellos[0]
        own.key = HexBytes(try AgreementKey(secret: [UInt8](repeating: 5, count: 32)).publicKey)
        try expectRefused(roster(replacing: 0, by: own), .outOfPlace, "own key is not in the roster")
    }

    @Test func `a roster that states another policy of this hospital is refused`() throws {
        var own = hellos[0]
        own.policy = SHA256Digest(of: "a looser one".utf8)
        try expectRefused(roster(replacing: 0, by: own), .outOfPlace, "own key is not in the roster")
    }

    @Test func `two hospitals with the same key are refused`() throws {
        var other = hellos[2]
        other.key = hellos[1].key
        try expectRefused(roster(replacing: 2, by: other), .untrusted, "the same key")
    }

    @Test func `another hospital with this hospital's key is refused`() throws {
        var other = hellos[2]
        other.key = hellos[0].key
        try expectRefused(roster(replacing: 2, by: other), .untrusted, "the same key")
    }

    /// 0, 1, the points of order 8 and their twins above the field's prime (RFC 7748, section 7; Langley's list).
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
    func `a key of low order, which makes a secret that everyone knows, is refused`(_ hex: String) throws {
        var other = hellos[1]
        other.key = try CanonicalJSON.decode([HexBytes].self, from: Array("[\"\(hex)\"]".utf8))[0]
        try expectRefused(roster(replacing: 1, by: other), .untrusted, "low order")
    }

    @Test(arguments: [0, 31, 33])
    func `a key of another length is refused`(_ count: Int) throws {
        var other = hellos[1]
        other.key = HexBytes([UInt8](repeating: 9, count: count))
        try expectRefused(roster(replacing: 1, by: other), .untrusted, "\(count) bytes, not 32")
    }

    // MARK: Names

    @Test func `a hello that another hospital has signed is refused`() throws {
        try expectRefused(
            roster(replacing: 1, by: hellos[1], signedBy: 2), .untrusted,
            "entry for site-2 is not from site-2")
    }

    @Test func `a hospital's own hello in another's place is refused`() throws {
        var forged = roster
        forged.hellos[1] = roster.hellos[2]
        try expectRefused(forged, .untrusted, "entry for site-2 is not from site-2")
    }

    @Test func `a hello that the coordinator has signed is refused`() throws {
        var forged = roster
        forged.hellos[1] = try SignedMessage(hellos[1], by: dialogue.office)
        try expectRefused(forged, .untrusted, "entry for site-2 is not from site-2")
    }

    @Test func `a hello under another's name is refused`() throws {
        var other = hellos[1]
        other.site = "site-3"
        try expectRefused(roster(replacing: 1, by: other), .untrusted, "entry for site-2 is not from site-2")
    }

    @Test func `hellos in another order, one too few or one too many are refused`() throws {
        var forged = roster
        forged.hellos.swapAt(1, 2)
        try expectRefused(forged, .untrusted, "entry for site-2 is not from site-2")
        forged.hellos = Array(roster.hellos.dropLast())
        try expectRefused(forged, .outOfPlace, "the roster is not complete")
        forged.hellos = roster.hellos + [roster.hellos[2]]
        try expectRefused(forged, .outOfPlace, "the roster is not complete")
    }

    @Test func `a revoked hospital is refused`() throws {
        var member = dialogue.members[0]
        let trustView = try dialogue.consortium.trustView(revoking: [dialogue.signers[2]])
        expectRefusal(.untrusted, "revoked") { _ = try member.join(roster, under: trustView) }
        #expect(throws: Never.self) { try member.join(roster, under: dialogue.trustView) }
    }

    /// An office that was broken into can give a made-up hospital a certificate of the consortium.
    @Test func `a certificate other than the pinned one is refused`() throws {
        var trustView = dialogue.trustView
        var pins = Dictionary(
            uniqueKeysWithValues: zip(dialogue.names, dialogue.signers.map(\.certificate.fingerprint)))
        trustView.pins = pins
        var member = dialogue.members[0]
        #expect(throws: Never.self) { try member.join(roster, under: trustView) }

        var impostors = roster
        impostors.hellos[1] = try SignedMessage(hellos[1], by: dialogue.consortium.signer(.node("site-2")))
        member = dialogue.members[0]
        expectRefusal(.untrusted, "certificate of site-2 is not the one pinned") {
            _ = try member.join(impostors, under: trustView)
        }
        #expect(throws: Never.self) { try member.join(impostors, under: dialogue.trustView) }

        pins["site-2"] = nil
        trustView.pins = pins
        member = dialogue.members[0]
        expectRefusal(.untrusted, "site-2 is not among this hospital's peers") {
            _ = try member.join(roster, under: trustView)
        }
    }

    // MARK: Session and study

    @Test func `a hello of another session or study is refused`() throws {
        var other = hellos[1]
        other.session = SHA256Digest(of: "another".utf8)
        try expectRefused(
            roster(replacing: 1, by: other), .outOfPlace, "entry for site-2 belongs to another session")
        other = hellos[1]
        other.study = SHA256Digest(of: "another".utf8)
        try expectRefused(
            roster(replacing: 1, by: other), .outOfPlace, "entry for site-2 belongs to another session")
    }

    @Test func `an opening that a hospital or an operator has signed is refused`() throws {
        var forged = roster
        for signer in [dialogue.signers[1], try dialogue.consortium.signer(.operator("lead"))] {
            forged.opening = try SignedMessage(dialogue.opening, by: signer)
            try expectRefused(forged, .untrusted, "opening is not the coordinator's")
        }
    }

    @Test func `a roster of another session or study is refused`() throws {
        let other = SHA256Digest(of: "another".utf8)
        for change: (inout SessionOpening) -> Void in [{ $0.session = other }, { $0.study = other }] {
            var forged = roster
            forged.opening = try opening(change)
            try expectRefused(forged, .outOfPlace, "another session")
        }
    }

    /// The coordinator signs a second opening of the same session: with fewer hospitals, or with friends of its own.
    @Test func `a roster of other hospitals than were asked is refused`() throws {
        var fewer = Roster(
            opening: try opening { $0.sites = ["site-1", "site-2"] }, hellos: Array(roster.hellos.prefix(2)))
        try expectRefused(fewer, .outOfPlace, "other hospitals than were asked")
        fewer = Roster(opening: try opening { $0.sites = ["site-1"] }, hellos: [roster.hellos[0]])
        try expectRefused(fewer, .outOfPlace, "other hospitals than were asked")

        let friend = try dialogue.consortium.signer(.node("friend"))
        var hello = hellos[2]
        hello.site = "friend"
        let stranger = Roster(
            opening: try opening { $0.sites[2] = "friend" },
            hellos: [roster.hellos[0], roster.hellos[1], try SignedMessage(hello, by: friend)])
        try expectRefused(stranger, .outOfPlace, "other hospitals than were asked")
    }

    /// Counted twice, one colluding hospital would pass for two.
    @Test func `a roster that lists a hospital twice is refused`() throws {
        var second = hellos[1]
        second.key = HexBytes(try AgreementKey(secret: [UInt8](repeating: 6, count: 32)).publicKey)
        let forged = Roster(
            opening: try opening { $0.sites = ["site-1", "site-2", "site-2"] },
            hellos: [roster.hellos[0], roster.hellos[1], try dialogue.signed(second, by: 1)])
        try expectRefused(forged, .outOfPlace, "other hospitals than were asked")
    }

    @Test func `a second roster in one session is refused`() throws {
        var member = dialogue.members[0]
        let ack = try member.join(roster, under: dialogue.trustView)
        var hello = hellos[1]
        hello.key = HexBytes(try AgreementKey(secret: [UInt8](repeating: 6, count: 32)).publicKey)
        let other = try roster(replacing: 1, by: hello)
        expectRefusal(.outOfPlace, "has acknowledged another roster") {
            _ = try member.join(other, under: dialogue.trustView)
        }
        #expect(try member.join(roster, under: dialogue.trustView) == ack)
    }

    // MARK: Openings

    private func session(
        _ sites: [String], study: SHA256Digest? = nil, site: String = "site-1",
        policy: DisclosurePolicy = .local
    ) throws -> SiteSession {
        let opening = SessionOpening(
            session: SHA256Digest(of: "s".utf8), study: study ?? dialogue.plan.hash, sites: sites)
        return try SiteSession(
            opening: opening, plan: dialogue.plan, site: site, policy: policy,
            secret: [UInt8](repeating: 1, count: 32))
    }

    @Test func `an opening must be for this study, this hospital, and hospitals of the study, each once`()
        throws
    {
        let names = ["site-1", "site-2", "site-3"]
        #expect(throws: Never.self) { try session(names) }
        expectRefusal(.outOfPlace, "about another study") {
            _ = try session(names, study: SHA256Digest(of: "another".utf8))
        }
        expectRefusal(.outOfPlace, "does not ask this hospital") { _ = try session(names, site: "site-4") }
        expectRefusal(.outOfPlace, "does not name") { _ = try session(["site-1", "site-2", "friend"]) }
        expectRefusal(.outOfPlace, "does not name") { _ = try session(["site-1", "site-2", "site-2"]) }
    }

    @Test func `fewer hospitals than the policy wants are refused`() throws {
        var policy = DisclosurePolicy.local
        policy.sitesMin = 3
        #expect(throws: Never.self) { try session(["site-1", "site-2", "site-3"], policy: policy) }
        expectRefusal(.refused, "policy rule sites-min: fewer than 3 hospitals in the session") {
            _ = try session(["site-1", "site-2"], policy: policy)
        }
    }

    @Test func `a secret of another length is refused`() throws {
        expectRefusal(.failed, "") {
            _ = try SiteSession(
                opening: dialogue.opening, plan: dialogue.plan, site: "site-1", policy: .local,
                secret: [1, 2, 3])
        }
    }
}
