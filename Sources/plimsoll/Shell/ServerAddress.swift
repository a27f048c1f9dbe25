import ArgumentParser
import Foundation
import GRPCNIOTransportHTTP2Posix

/// A host and a port, as `--server`, `--listen` and the configuration write them.
struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: Int

    /// The port of a coordinator where none is named.
    static let portDefault = 7443

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host`, `host:port`, `[::1]` or `[::1]:port`; nil for anything else, a port alone too.
    init?(_ text: some StringProtocol, portDefault: Int = ServerAddress.portDefault) {
        var host = String(text)
        var port = portDefault
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let tail = host[host.index(after: end)...]
            if !tail.isEmpty {
                guard tail.first == ":", let number = Self.port(tail.dropFirst()) else { return nil }
                port = number
            }
            host = String(host[host.index(after: host.startIndex)..<end])
            guard Self.isIPv6(host) else { return nil }
        } else if let colon = host.lastIndex(of: ":"), !Self.isIPv6(host) {
            guard let number = Self.port(host[host.index(after: colon)...]) else { return nil }
            port = number
            host = String(host[..<colon])
        }
        // Digits alone are a port whose host was forgotten: no name on the Internet ends in a number.
        guard !host.utf8.allSatisfy({ (48...57).contains($0) }), host.utf8.count <= Self.hostCharactersMax,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") && !"/[]".utf8.contains($0) })
        else { return nil }
        self.init(host: host, port: port)
    }

    /// Reads a list with commas; nil when it is empty or any part of it is no address.
    static func list(_ text: String) -> [ServerAddress]? {
        let parts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
        let addresses = parts.compactMap { ServerAddress($0) }
        return addresses.isEmpty || addresses.count != parts.count ? nil : addresses
    }

    var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var isIPv4: Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
    }

    var isIPv6: Bool { Self.isIPv6(host) }

    /// An IP address is dialled as such, so that the certificate is checked for it and no name is looked up.
    var target: any ResolvableTarget {
        if isIPv4 { return .ipv4(address: host, port: port) }
        if isIPv6 { return .ipv6(address: host, port: port) }
        return .dns(host: host, port: port)
    }

    private static let hostCharactersMax = 253

    private static func isIPv6(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, host, &address) == 1
    }

    private static func port(_ text: some StringProtocol) -> Int? {
        guard let number = Int(text), (0...65_535).contains(number), !text.hasPrefix("+") else { return nil }
        return number
    }
}

extension ServerAddress: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
