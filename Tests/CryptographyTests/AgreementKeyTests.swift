import Cryptography
import Testing

@Suite struct AgreementKeyTests {
    // RFC 7748, section 6.1.
    @Test func `Alice and Bob of RFC 7748 agree`() throws {
        let alice = try AgreementKey(
            secret: bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = try AgreementKey(
            secret: bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(alice.publicKey == bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(bob.publicKey == bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(try alice.sharedSecret(with: bob.publicKey) == shared)
        #expect(try bob.sharedSecret(with: alice.publicKey) == shared)
    }

    /// The points whose multiples by every clamped secret are zero, in all encodings below 2²⁵⁵ and one
    /// above.
    static let lowOrder = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
    ]

    @Test(arguments: lowOrder)
    func `a point of low order is refused`(point: String) throws {
        let key = try AgreementKey(secret: [UInt8](repeating: 0x42, count: 32))
        #expect {
            try key.sharedSecret(with: bytes(point))
        } throws: {
            "\($0)" == "the X25519 public key is not accepted: it is a point of low order"
        }
    }

    @Test(arguments: [0, 31, 33])
    func `keys have 32 bytes`(count: Int) throws {
        let wrong = [UInt8](repeating: 9, count: count)
        #expect(throws: CryptographyError.self) { try AgreementKey(secret: wrong) }
        let key = try AgreementKey(secret: [UInt8](repeating: 0x42, count: 32))
        #expect(throws: CryptographyError.self) { try key.sharedSecret(with: wrong) }
    }
}
