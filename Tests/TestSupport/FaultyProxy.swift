import Glibc
import Synchronization

/// Stands between libpq and a real server on Unix sockets, and loses or holds what passes: for lost answers to COMMIT
/// and for peers that freeze.
public final class FaultyProxy: Sendable {
    /// What happens to bytes that pass.
    public enum Fault: Sendable, Equatable {
        /// Everything passes.
        case none
        /// Once the client has sent these bytes, they are delivered, the server's answer is swallowed, and both sides
        /// are cut.
        case loseAnswer(to: String)
        /// Once the server has said these bytes, they are delivered, what follows is not, and both sides are cut.
        case cutAfter(String)
        /// Nothing passes any more in either direction; the connections stay open.
        case freeze
        /// Where the server says the first of these, the client reads the second, which is of the same length.
        case rewrite(String, to: String)
    }

    private let fault = Mutex(Fault.none)
    private let isClosed = Mutex(false)
    private let listener: Int32
    private let upstream: String
    private let path: String
    /// The folder to name as `host`, with port 5432.
    public let directory: String

    /// Listens in `directory`, which must exist, and forwards to the server in `upstream`.
    public init(directory: String, upstream: String) throws {
        self.directory = directory
        self.upstream = upstream + "/.s.PGSQL.5432"
        path = directory + "/.s.PGSQL.5432"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        unlink(path)
        let status = FaultyProxy.withAddress(path) { bind(listener, $0, $1) }
        guard status == 0, listen(listener, 16) == 0 else { throw ProxyError(text: "no proxy socket, errno \(errno)") }
        start { [self] in accepting() }
    }

    struct ProxyError: Error { let text: String }

    /// From the next bytes on.
    public func set(_ fault: Fault) { self.fault.withLock { $0 = fault } }

    /// Cuts everything and removes the socket.
    public func close() {
        isClosed.withLock { $0 = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        unlink(path)
    }

    private func accepting() {
        while true {
            let client = accept(listener, nil, nil)
            if client < 0 { return }
            let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            if FaultyProxy.withAddress(upstream, { connect(server, $0, $1) }) != 0 {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            start { [self] in forward(client, server) }
        }
    }

    private func forward(_ client: Int32, _ server: Int32) {
        defer {
            Glibc.close(client)
            Glibc.close(server)
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        var isLosing = false
        while !isClosed.withLock({ $0 }) {
            var sockets = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&sockets, 2, 10) <= 0 { continue }
            let fault = fault.withLock { $0 }
            if fault == .freeze {
                usleep(10_000)
                continue
            }
            if sockets[0].revents != 0 {
                let count = recv(client, &buffer, buffer.count, 0)
                if count <= 0 { return }
                if case .loseAnswer(let text) = fault, contains(buffer[..<count], Array(text.utf8)) { isLosing = true }
                if !sendAll(server, buffer[..<count]) { return }
            }
            if sockets[1].revents != 0 {
                let count = recv(server, &buffer, buffer.count, 0)
                if count <= 0 || isLosing { return }
                if case .rewrite(let from, let to) = fault { rewrite(&buffer, count, Array(from.utf8), Array(to.utf8)) }
                if case .cutAfter(let text) = fault, let end = end(of: Array(text.utf8), in: buffer[..<count]) {
                    _ = sendAll(client, buffer[..<end])
                    return
                }
                if !sendAll(client, buffer[..<count]) { return }
            }
        }
    }

    private func contains(_ bytes: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool { end(of: needle, in: bytes) != nil }

    private func end(of needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - needle.count)).first { bytes[$0...].starts(with: needle) }
            .map { $0 + needle.count }
    }

    private func rewrite(_ buffer: inout [UInt8], _ count: Int, _ from: [UInt8], _ to: [UInt8]) {
        guard count >= from.count, from.count == to.count else { return }
        for start in 0...(count - from.count) where buffer[start..<(start + from.count)].elementsEqual(from) {
            buffer.replaceSubrange(start..<(start + to.count), with: to)
        }
    }

    private func sendAll(_ socket: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private func start(_ run: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(Body(run)).toOpaque())
        pthread_detach(thread)
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            for (index, byte) in path.utf8.prefix(target.count - 1).enumerated() { target[index] = byte }
        }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
