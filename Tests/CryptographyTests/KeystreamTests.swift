import Cryptography
import Testing

@Suite struct KeystreamTests {
    /// RFC 8439, appendix A.1: the test vectors with a zero nonce; a block has four lanes.
    static let vectors: [(key: [UInt8], block: Int, stream: String)] = [
        (
            [UInt8](repeating: 0, count: 32), 0,
            """
            76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
            da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586
            """
        ),
        (
            [UInt8](repeating: 0, count: 32), 1,
            """
            9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
            29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f
            """
        ),
        (
            [UInt8](repeating: 0, count: 31) + [1], 1,
            """
            3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a
            8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0
            """
        ),
        (
            [0, 0xff] + [UInt8](repeating: 0, count: 30), 2,
            """
            72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca
            13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096
            """
        ),
    ]

    @Test(arguments: vectors.indices)
    func `the stream is that of RFC 8439`(index: Int) throws {
        let vector = Self.vectors[index]
        var stream = try Keystream(key: vector.key)
        _ = try stream.next(4 * vector.block)
        let lanes = try stream.next(4)
        let littleEndian = lanes.flatMap { lane in
            (0..<16).map { UInt8(truncatingIfNeeded: lane >> (8 * $0)) }
        }
        #expect(littleEndian == bytes(vector.stream))
    }

    @Test func `pieces join to the whole across the mebibyte that one call encrypts`() throws {
        let key = [UInt8](repeating: 7, count: 32)
        var whole = try Keystream(key: key)
        var pieces = try Keystream(key: key)
        let joined = try pieces.next(3) + pieces.next(70_000) + pieces.next(0) + pieces.next(65_535)
        #expect(try whole.next(135_538) == joined)
    }

    @Test(arguments: [0, 16, 31, 33])
    func `a key has 32 bytes`(count: Int) {
        #expect(throws: CryptographyError.self) {
            _ = try Keystream(key: [UInt8](repeating: 1, count: count))
        }
    }
}
