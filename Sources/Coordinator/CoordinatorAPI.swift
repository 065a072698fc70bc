import Cryptography
import Federation
import Foundation
import Logging
import Membership
import Survival
import TLSTransport

/// The coordinator's HTTP interface: who may call what, and how calls become actions of `StudyCoordinator`.
///
/// Every request comes over mutual TLS; the role in the peer's certificate decides. A role that may not use an endpoint is
/// refused before the body is read.
struct CoordinatorAPI: Sendable {
    let coordinator: StudyCoordinator
    let logger: Logger

    /// Longest a poll is held, in seconds.
    static let waitMax = 55

    /// Refuses a request by its head alone; nil lets it in.
    static func authorize(_ head: HTTPRequestHeadView, consortium: String) -> HTTPAnswer? {
        guard head.peer.consortium == consortium else {
            return .error(403, "\(head.peer) does not belong to \(consortium)")
        }
        guard let endpoint = Endpoint(method: head.method, path: head.path) else {
            return Endpoint.isKnown(path: head.path)
                ? .error(405, "\(head.method) is not offered here")
                : .error(404, "there is nothing at this path")
        }
        guard endpoint.allows(head.peer.role) else {
            return .error(403, "\(head.peer) may not use this endpoint", hint: endpoint.audience)
        }
        return nil
    }

    /// The same, and refuses what is for no session that there is, or for a round that is not being asked.
    func authorize(_ head: HTTPRequestHeadView, consortium: String) -> HTTPAnswer? {
        if let refusal = Self.authorize(head, consortium: consortium) { return refusal }
        guard head.method == "POST", let endpoint = Endpoint(method: head.method, path: head.path),
            let session = endpoint.session
        else { return nil }
        guard let entry = coordinator.door[session], case .node(let site) = head.peer.role,
            entry.sites.contains(site)
        else { return .error(404, "no such session") }
        if case .round(_, let round) = endpoint, round > entry.round {
            return .error(409, "round \(round) is not being asked")
        }
        return nil
    }

    /// How large a body may be: no larger than its endpoint needs.
    func bodyBytesMax(of head: HTTPRequestHeadView) -> Int {
        guard head.method == "POST", let endpoint = Endpoint(method: head.method, path: head.path) else {
            return 0
        }
        return switch endpoint {
        case .studies: BodyLimit.study
        case .decision, .message: BodyLimit.message
        case .round(let session, _): coordinator.door[session]?.answerBytesMax ?? 0
        case .checkpoints, .study, .status, .launch, .cancel, .result, .work, .opening, .roster: 0
        }
    }

    func respond(to call: HTTPCall) async -> HTTPAnswer {
        guard let endpoint = Endpoint(method: call.head.method, path: call.head.path) else {
            return .error(404, "there is nothing at this path")
        }
        do {
            let versions = try versions(call)
            try requireProtocol(versions, of: call.head.peer)
            if case .node(let site) = call.head.peer.role { try await coordinator.meet(site, versions) }
            return try await answer(endpoint, call, versions)
        } catch let error as RefusedRequest {
            return .error(error.status.rawValue, error.description, hint: error.hint)
        } catch let error as ProtocolError {
            logger.warning("refused from \(call.head.peer): \(error)")
            return .error(error.status, "\(error)")
        } catch {
            logger.error(
                "\(call.head.method) \(call.head.path) from \(call.head.peer): \(sentence(of: error))")
            return .error(500, "the coordinator failed; its log says why")
        }
    }

    /// What the caller says it runs; nil of a program that does not say.
    private func versions(_ call: HTTPCall) throws -> Versions? {
        let query = call.head.query
        guard query["protocol"] != nil || query["engine"] != nil else { return nil }
        guard let version = query["protocol"].flatMap({ Int($0) }),
            let engine = query["engine"].flatMap({ Int($0) }), version > 0, engine > 0
        else { throw RefusedRequest(.badRequest, "protocol= and engine= are numbers from 1") }
        return Versions(protocol: version, engine: engine)
    }

    /// Refuses a caller whose messages could not be read here, or who could not read the answer.
    private func requireProtocol(_ versions: Versions?, of peer: SPIFFEID) throws {
        guard let versions, versions.protocol != Versions.current.protocol else { return }
        let name = if case .node(let site) = peer.role { site } else { "\(peer)" }
        let fault = Versions.fault(name, versions, beside: "the coordinator", .current)
        logger.warning("refused: \(fault ?? "")")
        throw RefusedRequest(
            .unprocessable, fault ?? "", hint: "all members of a consortium run the same version of coxswain")
    }

    private func answer(
        _ endpoint: Endpoint, _ call: HTTPCall, _ versions: Versions?
    ) async throws -> HTTPAnswer {
        let peer = call.head.peer
        switch (endpoint, peer.role) {
        case (.studies, .operator) where call.head.method == "POST":
            return .json(try await coordinator.submit(message(call), by: peer))
        case (.checkpoints, _): return .json(try await coordinator.checkpoints())
        case (.studies, .operator): return .json(try await coordinator.list(for: peer))
        case (.status(let study), .operator):
            return .json(try await coordinator.status(study, for: peer, after: seen(call), wait: wait(call)))
        case (.launch(let study), .operator): return .json(try await coordinator.launch(study, by: peer))
        case (.cancel(let study), .operator): return .json(try await coordinator.cancel(study, by: peer))
        case (.result(let study), _):
            return HTTPAnswer(
                status: 200, contentType: "application/json",
                body: try await coordinator.result(of: study, for: peer))
        case (.work, .node(let site)):
            var work = try await coordinator.work(for: site, after: seen(call), wait: wait(call))
            work.versions = versions == nil ? nil : .current
            return .json(work)
        case (.study(let study), .node(let site)):
            return .json(try await coordinator.submission(of: study, for: site))
        case (.decision(let study), .node(let site)):
            try await coordinator.decide(message(call), on: study, from: site)
            return .done
        case (.opening(let session), .node(let site)):
            return .json(try await coordinator.opening(of: session, for: site))
        case (.roster(let session), .node(let site)):
            return .json(try await coordinator.roster(of: session, for: site))
        case (.message(let session), .node(let site)):
            try await coordinator.receive(message(call), round: 0, session: session, from: site)
            return .done
        case (.round(let session, let round), .node(let site)) where call.head.method == "POST":
            try await coordinator.receive(message(call), round: round, session: session, from: site)
            return .done
        case (.round(let session, let round), .node(let site)):
            return HTTPAnswer(
                status: 200, contentType: "application/json",
                body: try await coordinator.requestBytes(round, of: session, for: site))
        default: return .error(403, "\(peer) may not use this endpoint", hint: endpoint.audience)
        }
    }

    private func message(_ call: HTTPCall) throws -> SignedMessage {
        try CanonicalJSON.decode(SignedMessage.self, from: call.body)
    }

    private func seen(_ call: HTTPCall) throws -> SHA256Digest? {
        guard let text = call.head.query["after"] else { return nil }
        guard let digest = SHA256Digest(hex: text) else {
            throw RefusedRequest(.badRequest, "after= is not a version")
        }
        return digest
    }

    private func wait(_ call: HTTPCall) throws -> Duration {
        guard let text = call.head.query["wait"] else { return .zero }
        guard let seconds = Int(text), (0...Self.waitMax).contains(seconds) else {
            throw RefusedRequest(.badRequest, "wait= is a number of seconds from 0 to \(Self.waitMax)")
        }
        return .seconds(seconds)
    }
}

/// The endpoints by path.
enum Endpoint: Hashable, Sendable {
    case checkpoints
    case studies
    case study(SHA256Digest)
    case status(SHA256Digest)
    case launch(SHA256Digest)
    case cancel(SHA256Digest)
    case result(SHA256Digest)
    case decision(SHA256Digest)
    case work
    case opening(SHA256Digest)
    case roster(SHA256Digest)
    case message(SHA256Digest)
    case round(SHA256Digest, Int)

    init?(method: String, path: String) {
        guard let endpoint = Self.parse(path), endpoint.methods.contains(method) else { return nil }
        self = endpoint
    }

    static func isKnown(path: String) -> Bool { parse(path) != nil }

    private static func parse(_ path: String) -> Endpoint? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard parts.first == "v1" else { return nil }
        switch parts.count {
        case 2 where parts[1] == "checkpoints": return .checkpoints
        case 2 where parts[1] == "studies": return .studies
        case 2 where parts[1] == "work": return .work
        case 3 where parts[1] == "studies": return SHA256Digest(hex: parts[2]).map { .study($0) }
        case 4:
            guard let digest = SHA256Digest(hex: parts[2]) else { return nil }
            return parts[1] == "studies"
                ? studyPart(digest, parts[3])
                : parts[1] == "sessions"
                    ? sessionPart(digest, parts[3]) : nil
        case 5 where parts[1] == "sessions" && parts[3] == "rounds":
            guard let digest = SHA256Digest(hex: parts[2]), let round = Int(parts[4]), round > 0,
                round < 100_000
            else { return nil }
            return .round(digest, round)
        default: return nil
        }
    }

    private static func studyPart(_ study: SHA256Digest, _ part: String) -> Endpoint? {
        switch part {
        case "status": .status(study)
        case "launch": .launch(study)
        case "cancel": .cancel(study)
        case "result": .result(study)
        case "decision": .decision(study)
        default: nil
        }
    }

    private static func sessionPart(_ session: SHA256Digest, _ part: String) -> Endpoint? {
        switch part {
        case "opening": .opening(session)
        case "roster": .roster(session)
        case "messages": .message(session)
        default: nil
        }
    }

    private var methods: [String] {
        switch self {
        case .studies, .round: ["GET", "POST"]
        case .study, .status, .result, .work, .opening, .roster, .checkpoints: ["GET"]
        case .launch, .cancel, .decision, .message: ["POST"]
        }
    }

    func allows(_ role: SPIFFEID.Role) -> Bool {
        switch (self, role) {
        case (.studies, .operator), (.status, .operator), (.launch, .operator), (.cancel, .operator): true
        case (.result, .operator), (.result, .node), (.checkpoints, .operator), (.checkpoints, .node): true
        case (.study, .node), (.decision, .node), (.work, .node), (.opening, .node), (.roster, .node),
            (.message, .node), (.round, .node):
            true
        default: false
        }
    }

    /// The session that a message is for.
    var session: SHA256Digest? {
        switch self {
        case .message(let session), .round(let session, _): session
        case .checkpoints, .studies, .study, .status, .launch, .cancel, .result, .decision, .work, .opening,
            .roster:
            nil
        }
    }

    /// Whom the endpoint is for, as a hint.
    var audience: String {
        switch self {
        case .studies, .status, .launch, .cancel: "use an operator's certificate"
        case .result, .checkpoints: "use an operator's or a node's certificate"
        case .study, .decision, .work, .opening, .roster, .message, .round: "use a node's certificate"
        }
    }
}

extension HTTPAnswer {
    static let done = HTTPAnswer(status: 204, contentType: "application/json", body: [])

    static func json(_ value: some Encodable) -> HTTPAnswer {
        HTTPAnswer(status: 200, contentType: "application/json", body: CanonicalJSON.bytes(value))
    }

    static func error(_ status: Int, _ error: String, hint: String? = nil) -> HTTPAnswer {
        HTTPAnswer(
            status: status, contentType: "application/json",
            body: CanonicalJSON.bytes(ErrorReply(error: error, hint: hint)))
    }
}

extension ProtocolError {
    /// The HTTP status of a refusal.
    fileprivate var status: Int {
        switch self {
        case .malformed: 400
        case .untrusted: 403
        case .outOfPlace: 409
        case .incompatible, .refused, .broken, .failed: 422
        }
    }
}
