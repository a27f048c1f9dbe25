import Foundation

/// Looks before something is started whether a port can be had.
enum FreePort {
    /// Throws when `address` cannot be listened on, with the reason. A name is left to the coordinator to resolve.
    static func check(_ address: ServerAddress) throws {
        guard let number = trouble(address) else { return }
        let reason =
            switch number {
            case EADDRINUSE: "is in use by another process"
            case EADDRNOTAVAIL: "is no address of this machine"
            case EACCES: "may not be used by this user; ports below 1024 are for root"
            default: "cannot be listened on: \(String(cString: strerror(number)))"
            }
        throw CommandFailure(
            .failed, "\(address) \(reason)", next: "choose another with --listen HOST:PORT (port 0 takes any free one)")
    }

    /// A port that is free now on an IPv4 address.
    static func any(on host: String) throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { throw CommandFailure(.failed, "no socket: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, host, &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(file, raw, length) == 0 && getsockname(file, raw, &length) == 0 ? nil : errno
            }
        }
        if let number {
            throw CommandFailure(.failed, "\(host) cannot be listened on: \(String(cString: strerror(number)))")
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// The system's error number; nil when all is well or unknown.
    private static func trouble(_ address: ServerAddress) -> Int32? {
        guard address.isIPv4 || address.host == "localhost" else { return nil }
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { return errno }
        defer { close(file) }
        // As the server does, so that the last run's closing connections are no obstacle.
        var yes: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = UInt16(address.port).bigEndian
        inet_pton(AF_INET, address.isIPv4 ? address.host : "127.0.0.1", &target.sin_addr)
        return withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(file, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(file, 1) == 0 ? nil : errno
            }
        }
    }
}
