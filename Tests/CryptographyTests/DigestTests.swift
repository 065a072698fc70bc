import Cryptography
import Foundation
import Testing

@Suite struct DigestTests {
    // FIPS 180-2, appendix B.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `digests are those of FIPS 180`(text: String, hex: String) {
        #expect(SHA256Digest(of: Array(text.utf8)).hex == hex)
        #expect(SHA256Digest(of: text.unicodeScalars.lazy.map { UInt8($0.value) }).hex == hex)
    }

    @Test func `pieces hash as the whole`() {
        let whole = [UInt8]((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        var hasher = SHA256Hasher()
        whole[..<1].withUnsafeBytes { hasher.update($0) }
        whole[1..<77_777].withUnsafeBytes { hasher.update($0) }
        hasher.update(UnsafeRawBufferPointer(start: nil, count: 0))
        whole[77_777...].withUnsafeBytes { hasher.update($0) }
        #expect(hasher.finish() == SHA256Digest(of: whole))
    }

    @Test func `a digest survives JSON as its hexadecimal text`() throws {
        let digest = SHA256Digest(of: "abc".utf8)
        let json = try JSONEncoder().encode([digest])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(digest.hex)\"]")
        #expect(try JSONDecoder().decode([SHA256Digest].self, from: json) == [digest])
    }

    @Test(arguments: ["", "ab", String(repeating: "A", count: 64), String(repeating: "g", count: 64)])
    func `only 64 lower-case digits are a digest`(text: String) {
        #expect(SHA256Digest(hex: text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([SHA256Digest].self, from: Data("[\"\(text)\"]".utf8))
        }
    }
}
