import Cryptography
import Foundation
import Testing

@Suite struct SPIFFEIDTests {
    @Test(arguments: [
        ("spiffe://liver/node/hospital-1", SPIFFEID(consortium: "liver", role: .node("hospital-1"))),
        ("spiffe://liver/coordinator", SPIFFEID(consortium: "liver", role: .coordinator)),
        ("spiffe://l-9/operator/ada", SPIFFEID(consortium: "l-9", role: .operator("ada"))),
    ])
    func `text and value are two forms of one id`(text: String, id: SPIFFEID) throws {
        #expect(SPIFFEID(text) == id)
        #expect(id.description == text)
        #expect(try JSONDecoder().decode([SPIFFEID].self, from: JSONEncoder().encode([id])) == [id])
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe://liver", "spiffe://liver/", "spiffe://liver/node", "spiffe://liver/node/",
        "spiffe://liver/node/a/", "spiffe://liver/node/a/b", "spiffe://liver/coordinator/",
        "spiffe://liver/coordinator/x",
        "spiffe://liver/admin/x", "spiffe:///node/a", "SPIFFE://liver/node/a", "spiffe://Liver/node/a",
        "spiffe://liver/node/A", "spiffe://liver/node/é", "spiffe://liver/node/a b",
        "spiffe://liver/node/a%20b",
        "spiffe://liver/node/a\u{0}", "spiffe://liver/node/a\n", "spiffe://liver/node/a?x",
        "spiffe://liver/node/a#x",
        "spiffe://liver:1/node/a", "spiffe://u@liver/node/a", "spiffe://liver/node/..",
        "https://liver/node/a",
        " spiffe://liver/node/a", "spiffe://liver/node/\(String(repeating: "a", count: 64))",
        "spiffe://liver/node/a\u{301}",
    ])
    func `any other spelling is refused`(text: String) {
        #expect(SPIFFEID(text) == nil)
    }

    @Test func `names have up to 63 characters`() {
        #expect(SPIFFEID.isName(String(repeating: "a", count: 63)))
        #expect(!SPIFFEID.isName(String(repeating: "a", count: 64)))
        #expect(!SPIFFEID.isName(""))
    }
}
