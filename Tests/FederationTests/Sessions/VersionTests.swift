import Cryptography
import Federation
import Survival
import Testing

/// Members of different versions are told so before the first round, with who has to be updated.
struct VersionTests {
    private static let current = Versions.current
    /// Older and newer ones, by protocol and by engine; nil is a program from before versions were told.
    private static let others: [Versions?] = [
        nil, Versions(protocol: current.protocol - 1, engine: current.engine),
        Versions(protocol: current.protocol, engine: current.engine - 1),
        Versions(protocol: current.protocol, engine: current.engine + 1),
        Versions(protocol: current.protocol + 1, engine: current.engine),
    ]

    private static func isOlder(_ versions: Versions?) -> Bool { versions?.isOlder(than: current) ?? true }

    private func dialogue() throws -> Dialogue {
        try Dialogue(
            Ward.study("analyses: [{cox: {id: m, terms: [age]}}]"),
            tables: (1...3).map { PatientTable(Patient.random(40, seed: UInt64($0))) })
    }

    private func session(_ dialogue: Dialogue, opening: SessionOpening, versions: Versions) throws
        -> SiteSession
    {
        try SiteSession(
            opening: opening, plan: dialogue.plan, site: "site-1", policy: .local,
            secret: SHA256Digest(of: "secret".utf8).bytes, versions: versions)
    }

    @Test(arguments: others)
    func `a hospital refuses the opening of a coordinator of another version`(_ other: Versions?) throws {
        let dialogue = try dialogue()
        var opening = dialogue.opening
        opening.versions = other
        let blamed = Self.isOlder(other) ? "the coordinator" : "site-1"
        expectRefusal(.incompatible, "\(blamed) must be updated") {
            _ = try session(dialogue, opening: opening, versions: .current)
        }
    }

    @Test(arguments: others.compactMap(\.self))
    func `a hospital of another version refuses the opening of this one`(_ other: Versions) throws {
        let dialogue = try dialogue()
        let blamed = Self.isOlder(other) ? "site-1" : "the coordinator"
        expectRefusal(.incompatible, "\(blamed) must be updated") {
            _ = try session(dialogue, opening: dialogue.opening, versions: other)
        }
    }

    @Test(arguments: others)
    func `a coordinator ends a session with a hospital of another version before its first round`(
        _ other: Versions?
    ) throws {
        var dialogue = try dialogue()
        try dialogue.deliver(dialogue.members[0].hello, from: 0)
        var hello = dialogue.members[1].hello
        hello.versions = other
        try dialogue.deliver(hello, from: 1)
        guard case .failed(let reason) = dialogue.coordinator.phase else {
            Issue.record("\(dialogue.coordinator.phase)")
            return
        }
        let blamed = Self.isOlder(other) ? "site-2" : "the coordinator"
        #expect(reason.hasPrefix("site-2 runs another version of coxswain ("))
        #expect(reason.hasSuffix("): \(blamed) must be updated"))
        #expect(dialogue.coordinator.request == nil)
    }

    /// A coordinator that lets it pass: the hospitals see each other's hellos.
    @Test(arguments: others)
    func `a hospital joins no roster in which another runs another version`(_ other: Versions?) throws {
        var dialogue = try dialogue()
        try dialogue.sayHello()
        var roster = try #require(dialogue.coordinator.roster)
        var hello = dialogue.members[2].hello
        hello.versions = other
        roster.hellos[2] = try dialogue.signed(hello, by: 2)
        let blamed = Self.isOlder(other) ? "site-3" : "site-1"
        let trustView = dialogue.trustView
        expectRefusal(.incompatible, "\(blamed) must be updated") {
            _ = try dialogue.members[0].join(roster, under: trustView)
        }
    }

    @Test func `versions are ordered by protocol, then by engine, and the same ones have no fault`() {
        let two = Versions(protocol: 2, engine: 5)
        #expect(Versions(protocol: 1, engine: 9).isOlder(than: two))
        #expect(Versions(protocol: 2, engine: 4).isOlder(than: two))
        #expect(!two.isOlder(than: two) && !Versions(protocol: 3, engine: 1).isOlder(than: two))
        #expect(Versions.fault("north", two, beside: "the coordinator", two) == nil)
        #expect(
            Versions.fault("north", Versions(protocol: 2, engine: 4), beside: "the coordinator", two)
                == "north runs another version of coxswain (protocol 2, engine 4) than the coordinator (protocol 2, engine 5): north must be updated"
        )
    }

    @Test func `a result says which versions made it`() throws {
        var dialogue = try dialogue()
        #expect(try dialogue.finish()?.versions == .current)
    }
}
