import Cryptography
import Federation
import Testing

@testable import Coordinator

/// Who may use which endpoint: the whole matrix, so that an endpoint added without a thought fails here.
struct EndpointTests {
    private static let digest = String(repeating: "ab", count: 32)

    /// Method, path, and the roles that are let in.
    private static let matrix: [(method: String, path: String, roles: Set<String>)] = [
        ("GET", "/v1/studies", ["operator"]),
        ("POST", "/v1/studies", ["operator"]),
        ("GET", "/v1/studies/\(digest)/status", ["operator"]),
        ("POST", "/v1/studies/\(digest)/launch", ["operator"]),
        ("POST", "/v1/studies/\(digest)/cancel", ["operator"]),
        ("GET", "/v1/studies/\(digest)/result", ["operator", "node"]),
        ("GET", "/v1/studies/\(digest)", ["node"]),
        ("POST", "/v1/studies/\(digest)/decision", ["node"]),
        ("GET", "/v1/work", ["node"]),
        ("GET", "/v1/sessions/\(digest)/opening", ["node"]),
        ("GET", "/v1/sessions/\(digest)/roster", ["node"]),
        ("POST", "/v1/sessions/\(digest)/messages", ["node"]),
        ("GET", "/v1/sessions/\(digest)/rounds/1", ["node"]),
        ("POST", "/v1/sessions/\(digest)/rounds/1", ["node"]),
    ]

    private static let roles: [String: SPIFFEID.Role] = [
        "operator": .operator("jane"), "node": .node("north"), "coordinator": .coordinator,
    ]

    @Test(arguments: matrix.indices)
    func `each role reaches exactly its endpoints`(index: Int) throws {
        let (method, path, allowed) = Self.matrix[index]
        let endpoint = try #require(Endpoint(method: method, path: path))
        for (name, role) in Self.roles {
            #expect(endpoint.allows(role) == allowed.contains(name), "\(name) at \(method) \(path)")
        }
    }

    @Test(arguments: [
        ("DELETE", "/v1/studies"), ("POST", "/v1/work"), ("GET", "/v1/studies/\(digest)/launch"),
        ("PUT", "/v1/sessions/\(digest)/rounds/1"), ("POST", "/v1/sessions/\(digest)/roster"),
    ])
    func `a known path with another method is refused`(method: String, path: String) {
        #expect(Endpoint(method: method, path: path) == nil)
        #expect(Endpoint.isKnown(path: path))
    }

    @Test(arguments: [
        "", "/", "/v1", "/v2/work", "/v1/work/", "/v1//work", "/v1/studies/abc", "/v1/studies/\(digest)/",
        "/v1/studies/\(digest)/status/x", "/v1/sessions/\(digest)", "/v1/sessions/\(digest)/rounds/0",
        "/v1/sessions/\(digest)/rounds/-1", "/v1/sessions/\(digest)/rounds/999999", "/v1/../v1/work",
    ])
    func `there is nothing at other paths`(path: String) {
        #expect(!Endpoint.isKnown(path: path))
    }
}
