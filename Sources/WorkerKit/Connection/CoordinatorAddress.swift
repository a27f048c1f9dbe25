import GRPCNIOTransportHTTP2Posix
import NIOCore

/// Where a coordinator listens: a host name or an IP address, and a port.
public struct CoordinatorAddress: Sendable, Hashable {
    /// A DNS name, or an IP address without brackets.
    public let host: String
    /// 1 to 65535.
    public let port: Int

    /// The longest text that can be an address (a DNS name has at most 253 characters).
    static let charactersMax = 262

    /// Reads `host:port` or `[IPv6]:port`; throws `badConfiguration` for anything else.
    public init(_ text: String) throws(WorkerError) {
        let host: Substring
        guard text.count <= Self.charactersMax, let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port)
        else { throw Self.refused(text) }
        if text.hasPrefix("["), text[..<colon].hasSuffix("]") {
            host = text[..<colon].dropFirst().dropLast()
        } else {
            host = text[..<colon]
            guard !host.contains(":") else { throw Self.refused(text) }
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace && !"/?#@[]".contains($0) }) else {
            throw Self.refused(text)
        }
        self.host = String(host)
        self.port = port
    }

    /// What the transport resolves. An address in digits must not be looked up as a name: TLS forbids it as server name
    /// (RFC 6066, section 3), and its check is against the certificate's IP addresses.
    var target: any ResolvableTarget {
        // An error only means that the host is a name.
        switch try? SocketAddress(ipAddress: host, port: port) {
        case .v4?: .ipv4(address: host, port: port)
        case .v6?: .ipv6(address: host, port: port)
        default: .dns(host: host, port: port)
        }
    }

    private static func refused(_ text: String) -> WorkerError {
        WorkerError(
            .badConfiguration,
            "'\(text.prefix(charactersMax))' is no address of a coordinator; write host:port, or [IPv6]:port")
    }
}

extension CoordinatorAddress: CustomStringConvertible {
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
