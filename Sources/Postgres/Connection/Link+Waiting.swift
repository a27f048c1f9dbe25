internal import CLibPQ
import Glibc

// Sleeping, reading and writing: every wait of a connection's thread is here, and each has a limit or can be stopped.

extension Link {
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Sleeps until the server sent something, or, with `write`, until more can be sent. Acts on requests to stop,
    /// and throws when time limits pass.
    func wait(write: Bool = false) throws(PostgresError) {
        let silence = responseTimeoutNanoseconds.map { Link.now() + $0 }
        while true {
            let socket = PQsocket(handle)
            guard socket >= 0 else { throw lost() }
            var descriptors = (
                pollfd(fd: socket, events: Int16(POLLIN | (write ? POLLOUT : 0)), revents: 0),
                pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
            )
            let milliseconds = Link.milliseconds(until: silence, cancelDeadline)
            let ready = withUnsafeMutablePointer(to: &descriptors) {
                $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, milliseconds) }
            }
            if ready < 0, errno != EINTR { throw broken(.connection, "poll failed (errno \(errno))") }
            if ready > 0, descriptors.1.revents != 0 {
                interrupt.drain()
                if interrupt.isRequested, cancelDeadline == nil {
                    limitWaiting()
                    if cancelReachesServer { interrupt.sendCancel() }
                }
            }
            if ready > 0, descriptors.0.revents != 0 { return }
            if silence == nil && cancelDeadline == nil { continue }
            let after = Link.now()
            if let cancelDeadline, after >= cancelDeadline {
                throw broken(.cancelled, "cancelled, and the server did not answer in time", outcomeUnknown: true)
            }
            if let silence, after >= silence { throw broken(.connection, "the server did not answer in time") }
        }
    }

    /// For `poll`: until the earlier of two monotonic instants; -1 when there is neither.
    private static func milliseconds(until a: UInt64?, _ b: UInt64?) -> Int32 {
        guard let deadline = [a, b].lazy.compactMap({ $0 }).min() else { return -1 }
        let now = Link.now()
        return deadline <= now ? 0 : Int32(min((deadline - now) / 1_000_000 + 1, 3_600_000))
    }

    /// Sleeps until the server sent something by itself or a request to stop came; false at the monotonic `until`.
    func waitIdle(until: UInt64) throws(PostgresError) -> Bool {
        while true {
            let socket = PQsocket(handle)
            guard socket >= 0 else { throw lost() }
            var descriptors = (
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
            )
            let now = Link.now()
            guard now < until else { return false }
            let milliseconds = Int32(min((until - now) / 1_000_000 + 1, 3_600_000))
            let ready = withUnsafeMutablePointer(to: &descriptors) {
                $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, milliseconds) }
            }
            if ready < 0, errno != EINTR { throw broken(.connection, "poll failed (errno \(errno))") }
            if ready > 0, descriptors.1.revents != 0 { interrupt.drain() }
            if ready > 0 { return true }
        }
    }

    /// Reads what an idle server has sent by itself, without waiting; false when it has ended the session.
    func isAlive() -> Bool {
        var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        // More than once: a farewell comes first, the end of the stream after it.
        while !isBroken, poll(&descriptor, 1, 0) > 0 {
            if PQconsumeInput(handle) == 0 || PQstatus(handle) == CONNECTION_BAD { isBroken = true }
            if PQisBusy(handle) != 0 || notices.sawFatal { isBroken = true }
        }
        return !isBroken
    }

    /// Takes what the socket has. An error shows up as a result or as a bad status later.
    func consume() {
        for _ in 0..<readRounds {
            if PQconsumeInput(handle) == 0 { return }
            if PQisBusy(handle) == 0 { return }
        }
    }

    /// Pushes everything out, reading meanwhile so that a server that only writes cannot block us.
    func flush(_ whileWaiting: () throws(PostgresError) -> Void = {}) throws(PostgresError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                try wait(write: true)
                consume()
                try whileWaiting()
            default: throw lost()
            }
        }
    }

    /// The next result outside pipeline mode; nil at the end of the command.
    func nextResult() throws(PostgresError) -> OpaquePointer? {
        while PQisBusy(handle) != 0 {
            try wait()
            consume()
        }
        return PQgetResult(handle)
    }

    /// From now on the running call may take no longer than the grace after a cancel request.
    func limitWaiting() {
        cancelDeadline = Link.now() + UInt64(Link.Limits.cancelGrace.millisecondsRoundedUp) * 1_000_000
    }

    /// To be called once a call has ended: waits until no cancel request is under way that could hit the next one.
    func settleCancel() {
        guard let deadline = cancelDeadline else { return }
        while interrupt.isSending, Link.now() < deadline {
            var descriptor = pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&descriptor, 1, Int32(max(1, (deadline &- Link.now()) / 1_000_000)))
            interrupt.drain()
        }
        if interrupt.isSending { isBroken = true }
        cancelDeadline = nil
    }
}
