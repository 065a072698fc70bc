/// The version of this program, as `Deploy/CHANGELOG.md` names it.
///
/// `coxswain --version` shows it with those of protocol and engine; this file has all three.
package enum Program {
    package static let version = "0.2.0"
}

/// The arithmetic of this program, by a number.
package enum Engine {
    /// Raised whenever a computed bit may change: a question's, an answer's or a result's.
    ///
    /// A hospital computes each question and the result again and compares them to the last bit, so members of different engines
    /// would accuse each other of what is only a difference of versions. It is compared before the first round instead.
    package static let version = 3
}

/// What has to be the same at all members of a session: the protocol that they speak, and the engine that computes.
package struct Versions: Hashable, Sendable, Codable, CustomStringConvertible {
    package var `protocol`: Int
    package var engine: Int

    /// Those of this program.
    ///
    /// The protocol's number is raised whenever an older program could not read a message, or would read it otherwise. 1 did not
    /// tell versions, and took the form of its numbers from Foundation.
    package static let current = Versions(protocol: 2, engine: Engine.version)

    package init(protocol version: Int, engine: Int) { (self.protocol, self.engine) = (version, engine) }

    package var description: String { "protocol \(self.protocol), engine \(engine)" }

    /// Whether a program of these versions was made before one of the others.
    package func isOlder(than other: Versions) -> Bool {
        (self.protocol, engine) < (other.protocol, other.engine)
    }
}
