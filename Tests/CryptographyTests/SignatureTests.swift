import Cryptography
import TestConsortia
import Testing

@Suite struct SignatureTests {
    @Test(arguments: [PrivateKey.Algorithm.p256, .ed25519])
    func `a signature holds for its key and message only`(algorithm: PrivateKey.Algorithm) throws {
        let consortium = try Consortium()
        let key = try PrivateKey.generate(algorithm)
        let certificate = try consortium.certificate(.node("hospital-1"), key: key)
        let message = Array("study 1, session 2".utf8)
        let signature = try key.sign(message)
        #expect(certificate.isValidSignature(signature, of: message))
        #expect(!certificate.isValidSignature(signature, of: message + [0]))
        #expect(!certificate.isValidSignature(signature, of: []))
        #expect(try !consortium.certificate(.node("hospital-1")).isValidSignature(signature, of: message))
        #expect(
            try !consortium.certificate(.node("hospital-1"), key: .generate(.ed25519)).isValidSignature(
                signature, of: message))
    }

    @Test(arguments: [PrivateKey.Algorithm.p256, .ed25519])
    func `no flipped bit and no shorter or longer signature passes`(algorithm: PrivateKey.Algorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let message: [UInt8] = [1, 2, 3]
        let signature = try key.sign(message)
        let publicKey = try key.publicKey
        for bit in 0..<8 * signature.count {
            var flipped = signature
            flipped[bit / 8] ^= 1 << (bit % 8)
            #expect(!publicKey.isValidSignature(flipped, of: message), "bit \(bit)")
        }
        for count in 0..<signature.count {
            #expect(
                !publicKey.isValidSignature(Array(signature.prefix(count)), of: message), "\(count) bytes")
        }
        #expect(!publicKey.isValidSignature(signature + [0], of: message))
    }

    // RFC 8032, section 7.1, test 2, the key in the PKCS#8 form of RFC 8410.
    @Test func `an Ed25519 signature is that of RFC 8032`() throws {
        let key = try PrivateKey(
            pem: """
                -----BEGIN PRIVATE KEY-----
                MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7
                -----END PRIVATE KEY-----
                """)
        #expect(
            try key.sign([0x72])
                == bytes(
                    """
                    92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                    085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
                    """))
    }

    @Test(arguments: [PrivateKey.Algorithm.p256, .ed25519])
    func `a key survives PEM`(algorithm: PrivateKey.Algorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let text = try key.pem
        #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        let again = try PrivateKey(pem: text)
        #expect(again.algorithm == algorithm)
        #expect(try key.publicKey.isValidSignature(again.sign([5]), of: [5]))
    }

    @Test func `a key of another kind is refused by name`() {
        let said = sentence { _ = try PrivateKey(pem: foreignKeys.p384) }
        #expect(said == "the private key is not accepted: a EC key; keys are ECDSA P-256 or Ed25519")
    }

    @Test func `an encrypted key is refused and no pass phrase asked for`() {
        let said = sentence { _ = try PrivateKey(pem: foreignKeys.encrypted) }
        #expect(said?.hasPrefix("the private key cannot be read (") == true)
    }

    @Test(arguments: ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
    func `text that is no key is refused`(text: String) {
        #expect(
            sentence { _ = try PrivateKey(pem: text) }?.hasPrefix("the private key cannot be read (") == true)
    }

    @Test func `a request hands over its key, and only whole`() throws {
        let key = try PrivateKey.generate()
        let request = try key.certificateRequest()
        let publicKey = try PublicKey(certificateRequest: request)
        #expect(try publicKey.isValidSignature(key.sign([1]), of: [1]))

        let other = try PrivateKey.generate().certificateRequest()
        let lines = request.split(separator: "\n"), otherLines = other.split(separator: "\n")
        let mixed = (lines.dropLast(2) + otherLines.suffix(2)).joined(separator: "\n") + "\n"
        #expect(sentence { _ = try PublicKey(certificateRequest: mixed) } != nil)
    }
}
