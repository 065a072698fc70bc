import Cryptography
import Federation
import Logging
import TLSTransport
import Testing

@testable import Coordinator

/// Who may use which endpoint: the whole matrix, made from `Sources/Coordinator/openapi.yaml`, which must be the program's.
struct EndpointTests {
    private static let roles: [String: SPIFFEID.Role] = [
        "operator": .operator("jane"), "node": .node("north"), "coordinator": .coordinator,
    ]

    /// The path that the description must have for an endpoint; a new endpoint does not compile without one.
    private static func path(of endpoint: Endpoint) -> String {
        switch endpoint {
        case .checkpoints: "/v1/checkpoints"
        case .studies: "/v1/studies"
        case .study: "/v1/studies/{study}"
        case .status: "/v1/studies/{study}/status"
        case .launch: "/v1/studies/{study}/launch"
        case .cancel: "/v1/studies/{study}/cancel"
        case .result: "/v1/studies/{study}/result"
        case .decision: "/v1/studies/{study}/decision"
        case .work: "/v1/work"
        case .opening: "/v1/sessions/{session}/opening"
        case .roster: "/v1/sessions/{session}/roster"
        case .message: "/v1/sessions/{session}/messages"
        case .round: "/v1/sessions/{session}/rounds/{round}"
        }
    }

    @Test func `the description has every method at every path that the program answers, and no other`()
        throws
    {
        let described = try Operation.description.get()
        #expect(described.count == 15 && Set(described.map(\.testDescription)).count == 15)
        for path in Set(described.map(\.path)) {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let operation = described.first { $0.path == path && $0.method == method }
                let filled = Operation(method: method, path: path, roles: [], scope: "").at()
                let endpoint = Endpoint(method: method, path: filled)
                #expect((endpoint != nil) == (operation != nil), "\(method) \(path)")
                if let endpoint { #expect(Self.path(of: endpoint) == path) }
            }
        }
    }

    @Test(arguments: Operation.all)
    func `each role reaches exactly its endpoints`(_ operation: Operation) throws {
        let endpoint = try #require(Endpoint(method: operation.method, path: operation.at()))
        for (name, role) in Self.roles {
            #expect(endpoint.allows(role) == operation.roles.contains(name), "\(name)")
        }
    }

    /// Whoever calls, with the status that a call without a body gets; strangers get no further than the handshake.
    @Test(arguments: Operation.all)
    func `a call is answered by role, and by whose study it is`(_ operation: Operation) async throws {
        let trial = try TrialConsortium()
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        let api = CoordinatorAPI(
            coordinator: coordinator, logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        let path = operation.at(study: study.hex, session: session.hex)
        func status(_ peer: SPIFFEID) async -> Int {
            let certificate = trial.signer(.coordinator).certificate
            let head = HTTPRequestHeadView(
                method: operation.method, path: path, query: [:], headers: [], peer: peer,
                certificate: certificate)
            if let refusal = CoordinatorAPI.authorize(head, consortium: "trial") { return refusal.status }
            return await api.respond(to: HTTPCall(head: head, body: [])).status
        }
        func member(_ role: SPIFFEID.Role, of consortium: String = "trial") -> SPIFFEID {
            SPIFFEID(consortium: consortium, role: role)
        }
        // Who has the right role goes on to the coordinator, which misses a body, a roster or a result.
        let onward: Set<Int> = [200, 204, 400, 409]
        let isNode = operation.roles.contains("node")
        let isOperator = operation.roles.contains("operator")
        #expect(await status(member(.coordinator)) == 403)
        for role in Self.roles.values {
            #expect(await status(member(role, of: "another")) == 403, "another consortium's \(role)")
        }
        let foreign = operation.scope == "any" || operation.method == "POST" && isNode ? onward : [404]
        let stranger = await status(member(.node("elsewhere")))
        #expect(isNode ? foreign.contains(stranger) || stranger == 404 : stranger == 403, "\(stranger)")
        let otherLead = await status(member(.operator("joe")))
        let refusesOthers = operation.scope == "submitter" || !isOperator
        #expect(refusesOthers ? otherLead == 403 : onward.contains(otherLead), "\(otherLead)")
        let own = await status(member(.node("north")))
        #expect(isNode ? onward.contains(own) : own == 403, "\(own)")
        let lead = await status(trial.operatorID)
        #expect(isOperator ? onward.contains(lead) : lead == 403, "\(lead)")
    }

    /// An answer's size is that of the longest round; nothing is let in for a session that is not there, or not the caller's.
    @Test(arguments: Operation.all)
    func `a body is as large as its endpoint needs, and none is read for a session that does not exist`(
        _ operation: Operation
    ) async throws {
        let trial = try TrialConsortium()
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        let api = CoordinatorAPI(
            coordinator: coordinator, logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        func head(_ path: String, _ role: SPIFFEID.Role = .node("north")) -> HTTPRequestHeadView {
            HTTPRequestHeadView(
                method: operation.method, path: path, query: [:], headers: [],
                peer: SPIFFEID(consortium: "trial", role: role),
                certificate: trial.signer(.coordinator).certificate)
        }
        let here = operation.at(study: study.hex, session: session.hex)
        let allowed = api.bodyBytesMax(of: head(here))
        #expect(
            operation.bodyBytesMax == "answer"
                ? allowed == BodyLimit.answer(lanes: 0) : "\(allowed)" == operation.bodyBytesMax)
        guard operation.method == "POST", here.contains("/sessions/") else { return }
        let answer = operation.bodyBytesMax == "answer"
        #expect(
            api.authorize(head(here), consortium: "trial")?.status == (answer ? 409 : nil),
            "no round is being asked")
        #expect(api.authorize(head(here, .node("elsewhere")), consortium: "trial")?.status == 404)
        #expect(api.authorize(head(operation.at(study: study.hex)), consortium: "trial")?.status == 404)
        #expect(answer ? api.bodyBytesMax(of: head(operation.at())) == 0 : true)
        // A new session takes the place of the former one.
        _ = try await coordinator.cancel(study, by: trial.operatorID)
        _ = try await coordinator.launch(study, by: trial.operatorID)
        #expect(api.authorize(head(here), consortium: "trial")?.status == 404)
    }

    @Test(arguments: [
        ("DELETE", "/v1/studies"), ("POST", "/v1/work"), ("GET", "/v1/studies/\(Operation.digest)/launch"),
        ("PUT", "/v1/sessions/\(Operation.digest)/rounds/1"),
        ("POST", "/v1/sessions/\(Operation.digest)/roster"),
    ])
    func `a known path with another method is refused`(method: String, path: String) {
        #expect(Endpoint(method: method, path: path) == nil)
        #expect(Endpoint.isKnown(path: path))
    }

    @Test(arguments: [
        "", "/", "/v1", "/v2/work", "/v1/work/", "/v1//work", "/v1/studies/abc",
        "/v1/studies/\(Operation.digest)/",
        "/v1/studies/\(Operation.digest)/status/x", "/v1/sessions/\(Operation.digest)",
        "/v1/sessions/\(Operation.digest)/rounds/0",
        "/v1/sessions/\(Operation.digest)/rounds/-1", "/v1/sessions/\(Operation.digest)/rounds/999999",
        "/v1/../v1/work",
    ])
    func `there is nothing at other paths`(path: String) {
        #expect(!Endpoint.isKnown(path: path))
    }
}
