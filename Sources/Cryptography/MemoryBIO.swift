import COpenSSL

/// OpenSSL's in-memory stream: PEM text goes in or comes out.
struct MemoryBIO: ~Copyable {
    let raw: OpaquePointer

    init() throws(CryptographyError) {
        raw = try require(BIO_new(BIO_s_mem()), "allocate memory")
    }

    /// A stream that holds a copy of `text`.
    init(_ text: String) throws(CryptographyError) {
        let stream = try require(BIO_new(BIO_s_mem()), "allocate memory")
        let bytes = Array(text.utf8)
        var written = 0
        guard bytes.isEmpty || BIO_write_ex(stream, bytes, bytes.count, &written) == 1 else {
            BIO_free(stream)
            throw .failed(to: "allocate memory")
        }
        raw = stream  // last: nothing may throw once a value without copies is whole
    }

    deinit { BIO_free(raw) }

    /// What was written and not yet read.
    var text: String {
        var start: UnsafeMutablePointer<CChar>?
        let count = coxswain_bio_contents(raw, &start)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// Refuses encrypted PEM: without it OpenSSL would ask the terminal for a pass phrase and wait for ever.
func noPassphrase(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 { -1 }
