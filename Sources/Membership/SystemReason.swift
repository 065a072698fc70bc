import Foundation

/// Why the system said no, in the words of somebody who has to repair it; nil for an error that has a sentence of its own.
///
/// Errors of Foundation and of the operating system describe themselves by domains and codes, with paths in the middle. Every text
/// for people is made of errors by `sentence(of:)`, or where a better one is known, there.
package func systemReason(of error: any Error) -> String? {
    switch error {
    case let error as POSIXError: return words(ofSystem: Int32(error.code.rawValue))
    case is DecodingError, is EncodingError: return "it is not what this program writes"
    default: break
    }
    // CocoaError, URLError and NSError itself are of modules whose names begin so.
    guard String(reflecting: type(of: error)).hasPrefix("Foundation") else { return nil }
    let foreign = error as NSError
    if foreign.domain == NSPOSIXErrorDomain { return words(ofSystem: Int32(foreign.code)) }
    switch foreign.userInfo[NSUnderlyingErrorKey] {
    case let cause as POSIXError: return words(ofSystem: Int32(cause.code.rawValue))
    case let cause as NSError where cause.domain == NSPOSIXErrorDomain:
        return words(ofSystem: Int32(cause.code))
    default: return words(ofFoundation: CocoaError.Code(rawValue: foreign.code))
    }
}

/// An error as a sentence, whatever made it.
package func sentence(of error: any Error) -> String {
    guard let reason = systemReason(of: error) else { return "\(error)" }
    let details = (error as NSError).userInfo
    let path = details[NSFilePathErrorKey] as? String ?? (details[NSURLErrorKey] as? URL)?.path
    return path.map { "\($0): \(reason)" } ?? "the system says: \(reason)"
}

private func words(ofSystem number: Int32) -> String { String(cString: strerror(number)).lowercased() }

private func words(ofFoundation code: CocoaError.Code) -> String {
    switch code {
    case .fileNoSuchFile, .fileReadNoSuchFile: "no such file or directory"
    case .fileWriteFileExists: "there is a file of that name already"
    case .fileReadNoPermission, .fileWriteNoPermission: "permission denied"
    case .fileWriteOutOfSpace: "no space left on device"
    case .fileWriteVolumeReadOnly: "read-only file system"
    case .fileReadTooLarge: "the file is too large"
    case .fileReadInapplicableStringEncoding, .fileReadUnknownStringEncoding, .fileReadCorruptFile:
        "it is not UTF-8 text"
    case .fileReadInvalidFileName, .fileWriteInvalidFileName: "the name is not a file's"
    default: "it is not possible there (error \(code.rawValue) of the system's library)"
    }
}
