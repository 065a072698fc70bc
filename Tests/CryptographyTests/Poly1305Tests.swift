import Cryptography
import Testing

@Suite struct Poly1305Tests {
    /// RFC 8439 §2.5.2, in pieces of every length.
    @Test(arguments: 1...34)
    func `the RFC's example has its tag, however the message is cut`(piece: Int) throws {
        let key = try #require(
            SHA256Digest(hex: "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"))
        let message = Array("Cryptographic Forum Research Group".utf8)
        let code = Poly1305(key: key)
        for start in stride(from: 0, to: message.count, by: piece) {
            message[start..<min(start + piece, message.count)].withUnsafeBytes { code.update($0) }
        }
        #expect(
            code.finish() == [
                0xA8, 0x06, 0x1D, 0xC1, 0x30, 0x51, 0x36, 0xC6, 0xC2, 0x2B, 0x8B, 0xAF, 0x0C, 0x01, 0x27,
                0xA9,
            ])
    }
}
