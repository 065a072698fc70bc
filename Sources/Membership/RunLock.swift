import Glibc

/// Held by the one program that works on a file, so that no second one started by mistake works against it.
///
/// An empty file beside it carries the lock (`flock`), which the system lifts when the process ends, however it ends. A
/// database itself is not touched: closing a second descriptor of it would lift SQLite's own locks.
package final class RunLock: Sendable {
    private let descriptor: Int32

    /// Throws a `MembershipError` if another process holds the lock, unless it is waited for, or if the lock cannot be made.
    package init(on file: String, waiting: Bool = false) throws(MembershipError) {
        let path = "\(file).lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unusable("\(path) cannot be written") }
        guard flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            close(descriptor)
            throw .unusable(
                isHeld
                    ? "another program runs on \(file) already; stop that one first"
                    : "\(path) cannot be locked")
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
