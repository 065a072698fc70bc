package import Cryptography
import Foundation
package import GRDB

/// A stored value that is absent or of another type than our schema says: the file was changed from outside.
package struct UnexpectedValue: Error {
    package init() {}
}

extension Row {
    /// A value of one of our own tables, as the type that the column has.
    ///
    /// GRDB's subscript would end the process on a value of another type.
    package func stored<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
        guard let value: Value = try storedOptional(column) else { throw UnexpectedValue() }
        return value
    }

    package func storedOptional<Value: DatabaseValueConvertible>(_ column: String) throws -> Value? {
        guard let stored = self[column] as DatabaseValue?, !stored.isNull else { return nil }
        guard let value = Value.fromDatabaseValue(stored) else { throw UnexpectedValue() }
        return value
    }

    package func stored(_ column: String) throws -> SHA256Digest {
        guard let digest = SHA256Digest(hex: try stored(column) as String) else { throw UnexpectedValue() }
        return digest
    }

    package func stored(_ column: String) throws -> [UInt8] { [UInt8](try stored(column) as Data) }

    package func storedOptional(_ column: String) throws -> [UInt8]? {
        (try storedOptional(column) as Data?).map { [UInt8]($0) }
    }
}
