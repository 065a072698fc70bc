import Cryptography
import Federation
import Foundation
import HospitalNode
import Membership
import Survival

@testable import CohortStore
@testable import Coordinator
@testable import TLSTransport

/// A reader of bytes from outside, and what must hold for whatever bytes it gets: no trap, refusals that are sentences,
/// and what was read is written as it was read.
enum FuzzTarget: String, CaseIterable, Sendable {
    /// Canonical JSON: messages of the protocol, signed and bare, and the lists that the coordinator answers with.
    case message
    case maskedVector = "masked-vector"
    case study, dictionary, policy, configuration
    case formula
    case patients
    case certificatePEM = "certificate-pem"
    case certificateDER = "certificate-der"
    case privateKey = "private-key"
    case trust
    case requestHead = "request-head"

    /// Throws a `Finding` if something does not hold; a trap is the other way to find something.
    func check(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            try read(bytes, text)
        } catch let finding as Finding {
            throw finding
        } catch let error as any Error & CustomStringConvertible {
            try Self.requireSentence(error.description)
        }
    }

    private func read(_ bytes: [UInt8], _ text: String) throws {
        switch self {
        case .message: try Self.readMessages(bytes)
        case .maskedVector:
            if let vector = MaskedVector(bytes: bytes) {
                try require(vector.bytes == bytes, "a masked vector is written as it was read")
            }
            let quoted = Array("\"".utf8) + bytes + Array("\"".utf8)
            let vector = try CanonicalJSON.decode(MaskedVector.self, from: quoted)
            try require(CanonicalJSON.bytes(vector) == quoted, "base64 is written as it was read")
            _ = try MaskedVector.sum([vector, vector], count: vector.lanes.count - 2)
        case .study: try readStudy(text)
        case .dictionary:
            let dictionary = try DataDictionary(yaml: text, file: "d.yaml")
            try require(
                try DataDictionary(yaml: text, file: "d.yaml") == dictionary, "a dictionary is read one way")
        case .policy:
            let policy = try DisclosurePolicy(yaml: text, file: "p.yaml")
            let again = try CanonicalJSON.decode(
                DisclosurePolicy.self, from: CanonicalJSON.bytes(policy))
            try require(again == policy && again.hash == policy.hash, "a policy is written as it was read")
            try require(policy.sitesMin >= 3 && policy.peopleMin >= 10, "no policy is below the floors")
        case .configuration: try readConfiguration(bytes)
        case .formula: _ = try Expression(parsing: text)
        case .patients: try readPatients(bytes)
        case .certificatePEM:
            let certificate = try Certificate(pem: text)
            try require(try Certificate(pem: certificate.pem).der == certificate.der, "PEM is DER in letters")
        case .certificateDER:
            let certificate = try Certificate(der: bytes)
            try require(try Certificate(der: certificate.der).fingerprint == certificate.fingerprint, "DER")
        case .privateKey:
            let key = try PrivateKey(pem: text)
            try require(!key.pem.isEmpty, "a key is written")
        case .trust:
            let halves = text.components(separatedBy: "-----BEGIN X509 CRL")
            _ = try TrustStore(
                rootsPEM: halves[0], crlPEM: "-----BEGIN X509 CRL" + halves.dropFirst().joined())
        case .requestHead: try readRequestHead(text)
        }
    }

    private func require(_ condition: Bool, _ claim: String) throws { try Self.require(condition, claim) }

    private static func require(_ condition: Bool, _ claim: String) throws {
        guard condition else { throw Finding("it does not hold that \(claim)") }
    }

    /// One line, in letters, that says something; a terminal or a log can show it.
    static func requireSentence(_ text: String) throws {
        try require(text.contains(" ") && text.utf8.count < 4000, "\"\(text.prefix(200))\" is a sentence")
    }

    // MARK: Messages

    private static func readMessages(_ bytes: [UInt8]) throws {
        let types: [any Codable.Type] = [
            SignedMessage.self, StudySubmission.self, Decision.self, SessionOpening.self, Hello.self,
            Roster.self, RosterAcknowledgement.self, RoundRequest.self, RoundAnswer.self, RoundHeld.self,
            Refusal.self,
            StudyStatus.self, WorkList.self, ErrorReply.self, StudyResult.self,
        ]
        for type in types { try readMessage(type, bytes) }
    }

    private static func readMessage<Content: Codable>(_ type: Content.Type, _ bytes: [UInt8]) throws {
        do {
            let content = try CanonicalJSON.decode(type, from: bytes)
            try require(CanonicalJSON.bytes(content) == bytes, "a \(type) is written as it was read")
            if let signed = content as? SignedMessage { try open(signed) }
        } catch let error as ProtocolError { try requireSentence("\(error)") }
    }

    private static func open(_ message: SignedMessage) throws {
        let certificate = try? Certificate(pem: message.certificate)  // its own target judges the reasons
        _ = certificate?.isValidSignature(message.signature.bytes, of: Array(message.payload.utf8))
        try readMessages(Array(message.payload.utf8))
    }

    // MARK: Files

    private static let exampleDictionary = Result {
        try DataDictionary(yaml: text("Config/dictionaries/hcc-extrahepatic.yaml"), file: "d.yaml")
    }

    private static func text(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        return try String(contentsOf: root.appending(path: name), encoding: .utf8)
    }

    /// A study that can be read is planned, and its first questions are made.
    private func readStudy(_ text: String) throws {
        let study = try StudyFile(yaml: text, file: "s.yaml")
        let plan = try StudyPlan(
            study: study, dictionary: Self.exampleDictionary.get(), hash: SHA256Digest(of: text.utf8))
        let run = StudyRun(plan: plan, sites: [])
        try require(run.statements.count == run.queries.count, "every question has a statement")
    }

    private func readConfiguration(_ bytes: [UInt8]) throws {
        try withFile(bytes) { path in
            let file = try ConfigurationFile(path: path)
            for read in [
                { _ = try NodeConfiguration(file, environment: [:]) },
                { _ = try CoordinatorConfiguration(file, environment: [:]) },
            ] { do { try read() } catch let error as DocumentError { try Self.requireSentence("\(error)") } }
        }
    }

    private static let patientsDictionary = """
        dictionary: fuzz
        version: 1
        person: id
        variables:
          id: {type: identifier, required: true}
          days: {type: integer, range: [0, 5000]}
          died: {type: boolean}
          size: {type: number, range: [0, 10]}
          stage: {type: category, levels: [I, II, "III ä"]}
        """

    private func readPatients(_ bytes: [UInt8]) throws {
        let dictionary = try DataDictionary(yaml: Self.patientsDictionary, file: "d.yaml")
        try withFile(bytes) { path in
            let table = try LocalTable(
                csv: path, dictionary: dictionary, variables: ["days", "died", "size", "stage"],
                siteColumn: nil)
            let guessed = try InferredDictionary(
                csv: [path], name: "fuzz", version: 1, uses: .init(numbers: ["days"], conditions: ["died"]))
            try guessed.dictionary.validate()
            for site in table.sites {
                for (name, column) in site.table.columns {
                    try require(column.count == site.table.rowCount, "column \(name) is whole")
                }
            }
        }
    }

    /// The file is in memory where the system has such a place: thousands are written.
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let path = "\(folder)/coxswain-fuzz-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }  // nothing depends on it
        try body(path)
    }

    // MARK: Requests

    /// `METHOD target`: what remains of a head once NIO's own decoder has cut it into pieces.
    private func readRequestHead(_ text: String) throws {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2, let target = RequestTarget(parts[1]) else { return }
        try require(target.path.hasPrefix("/") && !target.path.contains("//"), "a path is plain")
        try require(!target.path.contains("%") && !target.path.contains("/.."), "a path has no way up")
        guard Endpoint(method: parts[0], path: target.path) != nil else { return }
        try require(Endpoint.isKnown(path: target.path), "what answers is known")
    }
}

/// Something that did not hold.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
