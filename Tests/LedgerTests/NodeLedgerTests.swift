import Cryptography
import Foundation
import GRDB
import SQLiteFiles
import TestFiles
import Testing

@testable import Ledger

struct NodeLedgerTests {
    let folder: TemporaryFolder
    let ledger: NodeLedger
    let study = SHA256Digest(of: "study".utf8)
    let policy = SHA256Digest(of: "policy".utf8)

    init() throws {
        folder = try TemporaryFolder()
        ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
    }

    /// The same file as a process that starts after this one would see it.
    private func reopened() throws -> NodeLedger { try NodeLedger(path: folder.file("ledger.sqlite")) }

    private func beginSession(_ id: String = "s1", secret: [UInt8] = [1, 2, 3]) throws {
        try ledger.recordStudy(hash: study, submission: [9, 8], receivedAt: 100)
        try ledger.beginSession(id: id, study: study, secret: secret, hello: [4, 5], at: 110)
    }

    @Test func `a study is pending until a person decides, and the last decision counts`() throws {
        #expect(try ledger.study(study) == nil)
        #expect(try ledger.recordStudy(hash: study, submission: [9, 8], receivedAt: 100))
        #expect(
            try ledger.study(study)
                == StudyEntry(
                    hash: study, submission: [9, 8], receivedAt: 100, decision: .pending, outcome: nil))
        try ledger.approve(study, until: 500, by: "Dr. A", at: 120, policyHash: policy)
        #expect(
            try reopened().study(study)?.decision
                == .approved(until: 500, by: "Dr. A", at: 120, policyHash: policy))
        try ledger.decline(study, reason: "out of scope", by: "Dr. B", at: 130)
        #expect(
            try reopened().study(study)?.decision == .declined(reason: "out of scope", by: "Dr. B", at: 130))
        try ledger.approve(study, until: 600, by: "Dr. A", at: 140, policyHash: policy)
        try ledger.close(study, outcome: "finished", at: 150)
        let closed = try #require(try reopened().study(study))
        #expect(closed.decision == .approved(until: 600, by: "Dr. A", at: 140, policyHash: policy))
        #expect(closed.outcome == "finished")
    }

    @Test func `a hash keeps its first submission`() throws {
        #expect(try ledger.recordStudy(hash: study, submission: [1], receivedAt: 100))
        #expect(try !ledger.recordStudy(hash: study, submission: [2], receivedAt: 200))
        let other = SHA256Digest(of: "other".utf8)
        try ledger.recordStudy(hash: other, submission: [], receivedAt: 50)
        #expect(try ledger.studies().map(\.hash) == [other, study])
        #expect(try ledger.studies().map(\.submission) == [[], [1]])
    }

    @Test func `nothing is decided about a study that is unknown or closed`() throws {
        let unknown = LedgerError.unknownStudy(study)
        #expect(throws: unknown) { try ledger.approve(study, until: 5, by: "A", at: 1, policyHash: policy) }
        #expect(throws: unknown) { try ledger.decline(study, reason: "", by: "A", at: 1) }
        #expect(throws: unknown) { try ledger.close(study, outcome: "x", at: 1) }
        #expect(throws: unknown) {
            try ledger.beginSession(id: "s", study: study, secret: [], hello: [], at: 1)
        }
        try ledger.recordStudy(hash: study, submission: [], receivedAt: 1)
        #expect(throws: LedgerError.approvalInThePast) {
            try ledger.approve(study, until: 5, by: "A", at: 5, policyHash: policy)
        }
        try ledger.close(study, outcome: "finished", at: 2)
        let closed = LedgerError.studyClosed(study, outcome: "finished")
        #expect(throws: closed) { try ledger.approve(study, until: 5, by: "A", at: 3, policyHash: policy) }
        #expect(throws: closed) { try ledger.decline(study, reason: "", by: "A", at: 3) }
        #expect(throws: closed) { try ledger.close(study, outcome: "again", at: 3) }
        #expect(throws: closed) {
            try ledger.beginSession(id: "s", study: study, secret: [], hello: [], at: 3)
        }
    }

    @Test func `a session keeps its secret until it ends`() throws {
        try beginSession()
        try ledger.recordRoster(session: "s1", roster: [7, 7], ack: [6])
        var expected = SessionEntry(
            id: "s1", study: study, secret: [1, 2, 3], hello: [4, 5], roster: [7, 7], ack: [6], beganAt: 110,
            endedAt: nil, outcome: nil)
        #expect(try reopened().session("s1") == expected)
        try ledger.endSession("s1", outcome: "finished", at: 200)
        (expected.secret, expected.endedAt, expected.outcome) = (nil, 200, "finished")
        #expect(try reopened().session("s1") == expected)
        try ledger.beginSession(id: "s2", study: study, secret: [], hello: [], at: 210)
        #expect(try ledger.sessions(of: study).map(\.id) == ["s1", "s2"])
        #expect(try ledger.sessions(of: policy) == [])
        #expect(try ledger.session("s3") == nil)
    }

    @Test func `repeating a step does nothing, and another one in its place is refused`() throws {
        try beginSession()
        try beginSession()
        #expect(throws: LedgerError.sessionDiffers("s1")) { try beginSession(secret: [1]) }
        try ledger.recordRoster(session: "s1", roster: [7], ack: [6])
        try ledger.recordRoster(session: "s1", roster: [7], ack: [6])
        for (roster, ack) in [([8], [6]), ([7], [5])] as [([UInt8], [UInt8])] {
            #expect(throws: LedgerError.rosterDiffers("s1")) {
                try ledger.recordRoster(session: "s1", roster: roster, ack: ack)
            }
        }
        try ledger.endSession("s1", outcome: "finished", at: 200)
        try ledger.endSession("s1", outcome: "finished", at: 300)
        #expect(try ledger.session("s1")?.endedAt == 200)
        let ended = LedgerError.sessionEnded("s1", outcome: "finished")
        #expect(throws: ended) { try ledger.endSession("s1", outcome: "failed", at: 300) }
        #expect(throws: ended) { try ledger.recordRoster(session: "s1", roster: [7], ack: [6]) }
        #expect(throws: LedgerError.sessionDiffers("s1")) { try beginSession() }
        for body in [
            { try ledger.endSession("none", outcome: "x", at: 1) },
            { try ledger.recordRoster(session: "none", roster: [], ack: []) },
        ] {
            #expect(throws: LedgerError.unknownSession("none")) { try body() }
        }
    }

    @Test func `the secret of a session that ended is in no file any more`() throws {
        let secret: [UInt8] = Array("ZZ-this-is-the-session-secret-ZZ".utf8)
        try beginSession(secret: secret)
        let files = ["ledger.sqlite", "ledger.sqlite-wal"]
        #expect(files.contains { folder.bytes($0).range(of: Data(secret)) != nil })
        try ledger.endSession("s1", outcome: "finished", at: 200)
        for name in files { #expect(folder.bytes(name).range(of: Data(secret)) == nil, "\(name)") }
    }

    @Test func `a secret that was erased while somebody read is gone when the ledger is opened next`() throws
    {
        let secret: [UInt8] = Array("ZZ-this-is-the-session-secret-ZZ".utf8)
        do {
            let impatient = try NodeLedger(path: folder.file("other.sqlite"), patience: .milliseconds(10))
            try impatient.recordStudy(hash: study, submission: [], receivedAt: 1)
            try impatient.beginSession(id: "s1", study: study, secret: secret, hello: [], at: 2)
            let reader = try DatabaseQueue(path: folder.file("other.sqlite"))
            try reader.read { db in
                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sessions")
                try impatient.endSession("s1", outcome: "finished", at: 3)
            }
            #expect(folder.bytes("other.sqlite-wal").range(of: Data(secret)) != nil)
            try folder.copyDatabase("other.sqlite", to: "later.sqlite")
        }
        let later = try NodeLedger(path: folder.file("later.sqlite"))
        #expect(try later.session("s1")?.outcome == "finished")
        for name in ["later.sqlite", "later.sqlite-wal"] {
            #expect(folder.bytes(name).range(of: Data(secret)) == nil, "\(name)")
        }
    }

    @Test func `a round is answered once, ever`() throws {
        try beginSession()
        let (first, second) = (SHA256Digest(of: [1]), SHA256Digest(of: [2]))
        try ledger.recordAnswer(session: "s1", round: 2, requestDigest: second, request: [2], answer: [22])
        try ledger.recordAnswer(session: "s1", round: 1, requestDigest: first, request: [1], answer: [11])
        try ledger.recordAnswer(session: "s1", round: 1, requestDigest: first, request: [1], answer: [11])
        let expected = [
            RoundEntry(round: 1, requestDigest: first, request: [1], answer: [11]),
            RoundEntry(round: 2, requestDigest: second, request: [2], answer: [22]),
        ]
        for (digest, request, answer) in [
            (second, [1], [11]), (first, [1], [12]), (first, [3], [11]),
        ] as [(SHA256Digest, [UInt8], [UInt8])] {
            #expect(throws: LedgerError.answerDiffers(session: "s1", round: 1)) {
                try ledger.recordAnswer(
                    session: "s1", round: 1, requestDigest: digest, request: request, answer: answer)
            }
        }
        #expect(try reopened().rounds(of: "s1") == expected)
        try ledger.endSession("s1", outcome: "finished", at: 300)
        try ledger.recordAnswer(session: "s1", round: 1, requestDigest: first, request: [1], answer: [11])
        #expect(throws: LedgerError.sessionEnded("s1", outcome: "finished")) {
            try ledger.recordAnswer(session: "s1", round: 3, requestDigest: first, request: [1], answer: [11])
        }
        #expect(throws: LedgerError.unknownSession("none")) {
            try ledger.recordAnswer(session: "none", round: 1, requestDigest: first, request: [], answer: [])
        }
        #expect(try ledger.rounds(of: "s1") == expected)
    }

    @Test func `no answer is recorded after another decision than the one it was computed under`() throws {
        try beginSession()
        let digest = SHA256Digest(of: [1])
        let decided = try #require(try ledger.study(study)?.decision)
        func answer(_ round: Int) throws {
            try ledger.recordAnswer(
                session: "s1", round: round, requestDigest: digest, request: [1], answer: [11], under: decided
            )
        }
        try answer(1)
        try ledger.decline(study, reason: "an error", by: "admin", at: 120)
        #expect(throws: LedgerError.decidedMeanwhile(study)) { try answer(2) }
        #expect(try ledger.rounds(of: "s1").map(\.round) == [1])
    }

    @Test func `an answer is not changed, replaced or removed through SQL either`() throws {
        try beginSession()
        let digest = SHA256Digest(of: [1])
        try ledger.recordAnswer(session: "s1", round: 1, requestDigest: digest, request: [1], answer: [11])
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        for sql in [
            "UPDATE rounds SET answer = x'00'", "DELETE FROM rounds", "DELETE FROM sessions",
            "DELETE FROM studies",
            "INSERT OR REPLACE INTO rounds VALUES ('s1', 1, '', x'', x'')",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") { try raw.write { try $0.execute(sql: sql) } }
        }
        #expect(try ledger.rounds(of: "s1").map(\.answer) == [[11]])
    }

    @Test func `two connections of two processes decide and answer side by side`() throws {
        let commandLine = try reopened()
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 1)
        try commandLine.approve(study, until: 500, by: "A", at: 2, policyHash: policy)
        #expect(
            try ledger.study(study)?.decision == .approved(until: 500, by: "A", at: 2, policyHash: policy))
        try ledger.beginSession(id: "s1", study: study, secret: [1], hello: [], at: 3)
        try commandLine.append(kind: "looked", body: "{}", at: 4)
        try ledger.endSession("s1", outcome: "finished", at: 5)
        #expect(try commandLine.session("s1")?.secret == nil)
        #expect(try commandLine.verifyAudit() == 1)
    }

    @Test func `writers at the same time wait for each other and lose nothing`() async throws {
        let path = folder.file("ledger.sqlite")
        try await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask {
                    let ledger = try NodeLedger(path: path)
                    for index in 0..<25 { try ledger.append(kind: "w\(writer)", body: "\(index)", at: index) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try ledger.verifyAudit() == 100)
        for writer in 0..<4 {
            let bodies = try ledger.auditEntries().filter { $0.kind == "w\(writer)" }.map(\.body)
            #expect(bodies == (0..<25).map(String.init))
        }
    }

    @Test func `processes that make the same ledger at the same time make one`() async throws {
        for round in 0..<5 {
            let path = folder.file("new-\(round).sqlite")
            try await withThrowingTaskGroup { group in
                for maker in 0..<4 {
                    group.addTask {
                        try NodeLedger(path: path).append(kind: "made", body: "\(maker)", at: maker)
                    }
                }
                try await group.waitForAll()
            }
            let bodies = try NodeLedger(path: path).auditEntries().map(\.body)
            #expect(bodies.sorted() == (0..<4).map(String.init))
        }
    }

    @Test func `a change waits no longer than its patience for another writer, and is not made`() throws {
        let impatient = try NodeLedger(path: folder.file("ledger.sqlite"), patience: .milliseconds(20))
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        try raw.write { _ in
            let error = failure { () throws(LedgerError) in
                try impatient.recordStudy(hash: study, submission: [], receivedAt: 1)
            }
            #expect(error == .file(folder.file("ledger.sqlite"), .locked))
        }
        #expect(try ledger.studies() == [])
    }

    @Test func `a long log is taken into the database as the ledger is used`() throws {
        try beginSession()
        let megabyte = [UInt8](repeating: 7, count: 1 << 20)
        for round in 0..<12 {
            try ledger.recordAnswer(
                session: "s1", round: round, requestDigest: policy, request: [], answer: megabyte)
            #expect(folder.bytes("ledger.sqlite-wal").count < 6 << 20)
        }
    }

    /// A copy of the file and its log, taken while they are in use, is what a process leaves that is killed then.
    @Test func `whatever a call of the ledger recorded is there after a crash right behind it`() throws {
        var copies = 0
        func afterCrash() throws -> NodeLedger {
            copies += 1
            try folder.copyDatabase("ledger.sqlite", to: "crash-\(copies).sqlite")
            return try NodeLedger(path: folder.file("crash-\(copies).sqlite"), creating: false)
        }
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 1)
        #expect(try afterCrash().study(study)?.submission == [1])
        try ledger.approve(study, until: 9, by: "A", at: 2, policyHash: study)
        #expect(
            try afterCrash().study(study)?.decision == .approved(until: 9, by: "A", at: 2, policyHash: study))
        try ledger.beginSession(id: "s", study: study, secret: [5], hello: [6], at: 3)
        #expect(try afterCrash().session("s")?.secret == [5])
        try ledger.recordRoster(session: "s", roster: [7], ack: [8])
        #expect(try afterCrash().session("s")?.roster == [7])
        try ledger.recordAnswer(session: "s", round: 0, requestDigest: study, request: [1], answer: [2])
        #expect(try afterCrash().rounds(of: "s").map(\.answer) == [[2]])
        try ledger.append(kind: "k", body: "{}", at: 4)
        #expect(try afterCrash().verifyAudit() == 1)
        try ledger.endSession("s", outcome: "finished", at: 5)
        #expect(try afterCrash().session("s")?.secret == nil)
        try ledger.close(study, outcome: "finished", at: 6)
        #expect(try afterCrash().study(study)?.outcome == "finished")
    }
}
