import Cryptography
import Federation
import Foundation
import Logging
import Synchronization
import TLSTransport

@testable import Coordinator

/// A coordinator in the hands of an attacker, who has its key and that of one hospital: the real coordinator on the real
/// transport, but what it tells `site-1` is forged on the way out.
struct HostileCoordinator: Sendable {
    private let memory: Memory
    private let api: CoordinatorAPI
    private let signer: Signer
    private let accomplice: Signer
    private let lead: Signer
    /// Another operator, if there is one.
    private let rival: Signer?

    private final class Memory: Sendable {
        /// What it does at present.
        let forgery = Mutex(Forgery.none)
        /// The request of round 2, kept to be sent again.
        let request = Mutex<RoundRequest?>(nil)
        /// The opening of the first session, likewise.
        let opening = Mutex<SignedMessage?>(nil)
    }

    private static let consortium = "demo-consortium"

    /// Stands in the coordinator's place while `body` runs; the consortium's nodes are not started yet.
    static func with(
        _ consortium: Consortium, _ body: (HostileCoordinator) async throws -> Void
    ) async throws {
        let folder = consortium.folder
        func file(_ name: String, of party: String) -> String { folder("\(party)/identity/\(name)") }
        let identity = TLSIdentityFiles(
            certificateChain: file("identity.pem", of: "coordinator"),
            privateKey: file("identity.key", of: "coordinator"),
            trustRoots: file("authority.pem", of: "coordinator"),
            revocationList: file("revocations.pem", of: "coordinator"))
        let trust = try TrustStore(
            rootsPEM: folder.text("coordinator/identity/authority.pem"),
            crlPEM: folder.text("coordinator/identity/revocations.pem"))
        let silence = Logger(label: "hostile") { _ in SwiftLogNoOpLogHandler() }
        let signer = try signer(of: "coordinator", folder)
        let coordinator = StudyCoordinator(
            store: try CoordinatorStore(path: folder("coordinator/hostile.sqlite")), signer: signer,
            environment: .init(
                trustView: {
                    TrustView(
                        trust: trust, consortium: Self.consortium, time: Int(Date().timeIntervalSince1970))
                }, randomBytes: { try randomBytes(32) }), logger: silence)
        let hostile = HostileCoordinator(
            api: CoordinatorAPI(coordinator: coordinator, logger: silence), signer: signer,
            accomplice: try Self.signer(of: "site-2", folder),
            lead: try Self.signer(of: "study-lead", folder),
            rival: try? Self.signer(of: "rival", folder))
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        let server = MutualTLSServer(
            host: "127.0.0.1", port: 0, identity: identity, limits: ServerLimits(), logger: silence,
            authorize: { CoordinatorAPI.authorize($0, consortium: Self.consortium) },
            onBound: { bound.yield($0) }, respond: { await hostile.respond(to: $0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            guard let port = await ports.first(where: { _ in true }) else {
                throw Failure("the hostile coordinator was not bound")
            }
            consortium.dial(port: port)
            for site in consortium.scenario.siteNames { try consortium.startNode(site) }
            try await body(hostile)
            await coordinator.shutDown()
        }
    }

    private static func signer(of party: String, _ folder: Folder) throws -> Signer {
        Signer(
            certificate: try Certificate(pem: folder.text("\(party)/identity/identity.pem")),
            key: try PrivateKey(pem: folder.text("\(party)/identity/identity.key")))
    }

    private init(api: CoordinatorAPI, signer: Signer, accomplice: Signer, lead: Signer, rival: Signer?) {
        (self.api, self.signer, self.accomplice) = (api, signer, accomplice)
        (self.lead, self.rival) = (lead, rival)
        memory = Memory()
    }

    /// From now on.
    func lie(_ forgery: Forgery) { memory.forgery.withLock { $0 = forgery } }

    private func respond(to call: HTTPCall) async -> HTTPAnswer {
        let answer = await api.respond(to: call)
        guard answer.status == 200, call.head.peer.role == .node("site-1") else { return answer }
        do {
            return try forged(answer, call.head.path)
        } catch {
            return HTTPAnswer(status: 500, contentType: "text/plain", body: Array("\(error)".utf8))
        }
    }

    private func forged(_ answer: HTTPAnswer, _ path: String) throws -> HTTPAnswer {
        let forgery = memory.forgery.withLock { $0 }
        if path.hasSuffix("/roster") {
            var roster = try CanonicalJSON.decode(Roster.self, from: answer.body)
            try forgery.forge(&roster, by: signer, accomplice)
            return .json(roster)
        }
        if Forgery.ofStudies.contains(forgery), path.hasPrefix("/v1/studies/"), !path.hasSuffix("/result") {
            let message = try CanonicalJSON.decode(SignedMessage.self, from: answer.body)
            var study = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
            if forgery == .changedStudy { study.study += "cohort: age == 53\n" }
            return .json(try SignedMessage(study, by: forgery == .changedStudy ? lead : rival ?? lead))
        }
        guard path.contains("/rounds/") || path.hasSuffix("/opening") else { return answer }
        let message = try CanonicalJSON.decode(SignedMessage.self, from: answer.body)
        guard path.contains("/rounds/") else { return try opening(message, forgery) }
        let honest = try CanonicalJSON.decode(RoundRequest.self, from: Array(message.payload.utf8))
        if honest.round == 2 { memory.request.withLock { $0 = honest } }
        if forgery == .requestOfAHospital, honest.round == 3 {
            return .json(try SignedMessage(honest, by: accomplice))
        }
        var request = honest
        try forgery.forge(&request, kept: memory.request.withLock { $0 }, by: signer)
        return request == honest ? answer : .json(try SignedMessage(request, by: signer))
    }

    private func opening(_ honest: SignedMessage, _ forgery: Forgery) throws -> HTTPAnswer {
        let first = memory.opening.withLock { kept in
            kept = kept ?? honest
            return kept
        }
        switch forgery {
        case .openingOfAHospital:
            let opening = try CanonicalJSON.decode(SessionOpening.self, from: Array(honest.payload.utf8))
            return .json(try SignedMessage(opening, by: accomplice))
        case .openingOfAnotherSession: return .json(first)
        default: return .json(honest)
        }
    }
}

/// One lie of a hostile coordinator, and the sentence with which a hospital refuses it.
enum Forgery: String, CaseIterable, Sendable {
    case coefficientInItsLastBit, chosenCoefficients, oneMoreQuestion, earlyEnd
    case replacedVector, ownVector, replayedRound, keyOfLowOrder, smallerRoster, strangeSignature
    case openingOfAHospital, openingOfAnotherSession, requestOfAHospital, none
    /// The text under a study's hash is another than was submitted; the study lead helps.
    case changedStudy
    /// A study is in the name of an operator who never saw it: another one, `rival`, signed it.
    case studySignedByAnotherOperator

    static let ofStudies: [Forgery] = [.changedStudy, .studySignedByAnotherOperator]

    /// Lies that are told once a session runs.
    static let ofSessions = allCases.filter { !ofStudies.contains($0) }

    /// Nil if there is nothing to refuse.
    var refusal: String? {
        switch self {
        case .none, .changedStudy, .studySignedByAnotherOperator: nil
        case .coefficientInItsLastBit, .chosenCoefficients, .oneMoreQuestion, .earlyEnd:
            "asks what does not follow from the study and the sums so far"
        case .replacedVector, .ownVector: "the answer of site-2 to round"
        case .replayedRound: "answered another question than round"
        case .keyOfLowOrder: "low order"
        case .smallerRoster: "the roster belongs to another session, or to other hospitals than were asked"
        case .strangeSignature: "the roster's entry for site-2 is not from site-2"
        case .openingOfAHospital, .openingOfAnotherSession: "the session's opening is not the coordinator's"
        case .requestOfAHospital: "round 3 is not the coordinator's"
        }
    }

    fileprivate func forge(_ roster: inout Roster, by coordinator: Signer, _ accomplice: Signer) throws {
        let second = roster.hellos[1]
        var hello = try CanonicalJSON.decode(Hello.self, from: Array(second.payload.utf8))
        switch self {
        case .keyOfLowOrder:
            hello.key = HexBytes([UInt8](repeating: 0, count: 32))
            roster.hellos[1] = try SignedMessage(hello, by: accomplice)
        case .strangeSignature:
            roster.hellos[1] = try SignedMessage(hello, by: coordinator)
        case .smallerRoster:
            var opening = try CanonicalJSON.decode(
                SessionOpening.self, from: Array(roster.opening.payload.utf8))
            opening.sites.removeLast()
            roster = Roster(
                opening: try SignedMessage(opening, by: coordinator), hellos: Array(roster.hellos.dropLast()))
        default: return
        }
    }

    fileprivate func forge(_ request: inout RoundRequest, kept: RoundRequest?, by coordinator: Signer) throws
    {
        let moved = request.statements.firstIndex { $0.beta?.contains { $0 != 0 } == true }
        switch self {
        case .coefficientInItsLastBit, .chosenCoefficients:
            guard let moved, var beta = request.statements[moved].beta else { return }
            beta[0] = self == .chosenCoefficients ? 40 : beta[0].nextUp
            request.statements[moved].beta = beta
        case .oneMoreQuestion where request.round == 3:
            request.statements.append(request.statements[0])
        case .earlyEnd where request.round == 3: request.statements = []
        case .replacedVector where request.round == 3: request.previous[1] = request.previous[2]
        case .ownVector where request.round == 3:
            var answer = try CanonicalJSON.decode(
                RoundAnswer.self, from: Array(request.previous[1].payload.utf8))
            answer.lanes = MaskedVector(lanes: answer.lanes.lanes.map { $0 &+ 1 })
            request.previous[1] = try SignedMessage(answer, by: coordinator)
        case .replayedRound where request.round == 3:
            guard let kept else { return }
            request = kept
            request.round = 3
        default: return
        }
    }
}
