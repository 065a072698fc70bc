import Testing

@testable import TLSTransport

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", "/", [:]),
        ("/v1/rounds/7", "/v1/rounds/7", [:]),
        ("/a-b._~C?x", "/a-b._~C", ["x": ""]),
        ("/a?x=1&y=a%20b%C3%A9&z=+", "/a", ["x": "1", "y": "a bé", "z": "+"]),
        ("/a?x=1=2&&", "/a", ["x": "1=2"]),
        ("/a?x=?/", "/a", ["x": "?/"]),
    ])
    func `path and query are taken apart`(target: String, path: String, query: [String: String]) {
        let parsed = RequestTarget(target)
        #expect(parsed?.path == path)
        #expect(parsed?.query == query)
    }

    @Test(arguments: [
        "", "a", "*", "http://c/a", "//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/a%2e", "/%2e%2e/b",
        "/a b", "/é",
        "/a;b", "/a\\b", "/a#b", "/a?x=%", "/a?x=%2", "/a?x=%zz", "/a?x=%ff", "/a?x=1&x=2", "/a?x&x",
        "/a\u{0}",
    ])
    func `anything ambiguous is refused`(target: String) {
        #expect(RequestTarget(target) == nil)
    }
}
