internal import CLibPQ
import Glibc
import Synchronization

/// Lets any thread stop what a connection's thread is waiting for: a cancel request to the server, and a byte in a
/// pipe that ends `poll`.
final class Interrupt: Sendable {
    private struct State {
        /// From PQgetCancel; PQcancel may use it on any thread (libpq manual, section 34.7).
        var handle: CancelHandle?
        /// Someone asked to stop the running call.
        var isRequested = false
        /// The helper thread has not come back yet.
        var isSending = false
    }

    private let state = Mutex(State())
    private let readEnd: Int32
    private let writeEnd: Int32

    init() throws(PostgresError) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { bytes in
            pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        guard status == 0 else {
            throw PostgresError(.connection, "no file descriptor for a database connection (errno \(errno))")
        }
        (readEnd, writeEnd) = ends
        for end in [readEnd, writeEnd] {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Readable when something was requested.
    var descriptor: Int32 { readEnd }

    func attach(_ handle: CancelHandle?) { state.withLock { $0.handle = handle } }

    /// Asks the running call to stop. Never blocks; the connection's thread does the rest.
    func request() {
        state.withLock { $0.isRequested = true }
        wake()
    }

    var isRequested: Bool { state.withLock { $0.isRequested } }
    var isSending: Bool { state.withLock { $0.isSending } }

    /// Forgets a request that came for a call that has ended.
    func reset() {
        drain()
        state.withLock { $0.isRequested = false }
    }

    func wake() {
        var byte: UInt8 = 1
        // A full pipe is as good as a written one: the reader wakes either way.
        _ = write(writeEnd, &byte, 1)
    }

    func drain() {
        var bytes: UInt64 = 0
        while read(readEnd, &bytes, 8) > 0 {}
    }

    /// Sends the cancel request from a thread of its own, because PQcancel connects and blocks. `done` runs there.
    func sendCancel(_ done: @escaping @Sendable () -> Void = {}) {
        let handle = state.withLock { state -> CancelHandle? in
            guard let handle = state.handle, !state.isSending else { return nil }
            state.isSending = true
            return handle
        }
        guard let handle else { return done() }
        let finish: @Sendable () -> Void = { [self] in
            state.withLock { $0.isSending = false }
            wake()
            done()
        }
        let started = PlainThread.start {
            handle.cancel()
            finish()
        }
        if !started { finish() }
    }
}

/// A PGcancel.
///
/// `@unchecked Sendable`: libpq documents PQcancel as safe from any thread, and the object never changes.
final class CancelHandle: @unchecked Sendable {
    private let handle: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let handle = PQgetCancel(connection) else { return nil }
        self.handle = handle
    }

    deinit { PQfreeCancel(handle) }

    func cancel() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // A failure leaves the statement running; whoever waits has a time limit and then closes.
            _ = PQcancel(handle, buffer.baseAddress, 256)
        }
    }
}
