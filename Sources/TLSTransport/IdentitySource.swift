import Cryptography
import Glibc
import Logging
import Synchronization

/// The current TLS context: reads the identity's files again once one of them has changed.
///
/// If the new files do not fit together (they may be half replaced) the former ones stay in use; they are
/// tried again when they change again.
final class IdentitySource: Sendable {
    private struct State {
        var stamps: [TextFile.Stamp?]
        var context: TLSContext
        var warnedAt = 0
    }

    private let files: TLSIdentityFiles
    private let side: TLSContext.Side
    private let logger: Logger
    private let state: Mutex<State>

    init(_ files: TLSIdentityFiles, _ side: TLSContext.Side, logger: Logger) throws(TransportError) {
        (self.files, self.side, self.logger) = (files, side, logger)
        let stamps = Self.stamps(of: files)
        state = Mutex(State(stamps: stamps, context: try Self.load(files, side)))
        if TextFile.isOpenToOthers(files.privateKey) {
            logger.warning(
                "everybody on this computer can read the private key \(files.privateKey); chmod it to 600")
        }
    }

    /// Costs four calls of `stat` when nothing has changed.
    func current() -> TLSContext {
        state.withLock { state in
            let stamps = Self.stamps(of: files)
            if stamps != state.stamps {
                state.stamps = stamps
                reload(&state)
            }
            warn(&state)
            return state.context
        }
    }

    private func reload(_ state: inout State) {
        do throws(TransportError) {
            state.context = try Self.load(files, side)
            state.warnedAt = 0
            let identity = state.context.identity
            logger.info(
                """
                read the changed TLS files: certificate of \(identity.id) until \
                \(calendarDay(identity.certificate.notAfter)), revocation list until \
                \(calendarDay(identity.trust.crlExpires))
                """)
        } catch {
            logger.error("the changed TLS files are not usable, the former ones stay in use: \(error)")
        }
    }

    /// Once a day, so that a program that runs for months says what is going to stop it.
    private func warn(_ state: inout State) {
        let now = time(nil)
        guard now >= state.warnedAt + 86_400 else { return }
        state.warnedAt = now
        for warning in state.context.identity.warnings(at: now) { logger.warning("\(warning)") }
    }

    private static func stamps(of files: TLSIdentityFiles) -> [TextFile.Stamp?] {
        files.paths.map(TextFile.Stamp.init)
    }

    private static func load(
        _ files: TLSIdentityFiles, _ side: TLSContext.Side
    ) throws(TransportError) -> TLSContext {
        let identity = try TLSIdentity(files)
        let isUsable = side == .server ? identity.certificate.isForServer : identity.certificate.isForClient
        guard isUsable else {
            throw .setup("\(files.certificateChain): the certificate of \(identity.id) is not for a \(side)")
        }
        return try TLSContext(identity, side)
    }
}
