import Cryptography
import Testing

@Suite struct KeyDerivationTests {
    // RFC 5869, appendix A.
    @Test func `HKDF gives test case 1`() throws {
        let derived = try hkdfSHA256(
            secret: [UInt8](repeating: 0x0b, count: 22), salt: Array(0...0x0c), info: Array(0xf0...0xf9),
            count: 42)
        #expect(
            derived
                == bytes(
                    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
    }

    @Test func `HKDF gives test case 2`() throws {
        let derived = try hkdfSHA256(
            secret: Array(0...0x4f), salt: Array(0x60...0xaf), info: Array(0xb0...0xff), count: 82)
        #expect(
            derived
                == bytes(
                    """
                    b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                    59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                    cc30c58179ec3e87c14c01d5c1f3434f1d87
                    """))
    }

    @Test func `HKDF gives test case 3, without salt and info`() throws {
        let derived = try hkdfSHA256(
            secret: [UInt8](repeating: 0x0b, count: 22), salt: [], info: [], count: 42)
        #expect(
            derived
                == bytes(
                    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
    }

    @Test(arguments: [0, 8161])
    func `HKDF refuses a length it cannot give`(count: Int) {
        #expect(throws: CryptographyError.self) {
            try hkdfSHA256(secret: [1], salt: [], info: [], count: count)
        }
    }

    @Test func `HKDF refuses an empty secret`() {
        #expect(throws: CryptographyError.self) { try hkdfSHA256(secret: [], salt: [], info: [], count: 32) }
    }

    @Test func `random bytes differ`() throws {
        #expect(try randomBytes(32) != randomBytes(32))
        #expect(try randomBytes(0) == [])
    }
}
