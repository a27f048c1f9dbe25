import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The address to listen on, and what to say when that fails.
enum ListenAddress {
    /// Resolves a name once. Throws `cannotBind`.
    static func resolve(_ bind: GatewayConfiguration.Bind) throws(GatewayError) -> GRPCNIOTransportCore.SocketAddress {
        guard (0...65_535).contains(bind.port) else {
            throw GatewayError(.cannotBind, "\(bind.port) is no port; use 0 to 65535")
        }
        do {
            switch try NIOCore.SocketAddress.makeAddressResolvingHost(bind.host, port: bind.port) {
            case .v4(let address): return .ipv4(host: address.host.isEmpty ? bind.host : address.host, port: bind.port)
            case .v6(let address): return .ipv6(host: address.host.isEmpty ? bind.host : address.host, port: bind.port)
            case .unixDomainSocket:
                throw GatewayError(.cannotBind, "\(bind.host) is no address to listen on")
            }
        } catch let error as GatewayError {
            throw error
        } catch {
            throw GatewayError(
                .cannotBind, "\(bind.host) is neither an IP address nor a name that resolves to one", cause: error)
        }
    }

    /// The server's error as one that says what to do; nil when it has nothing to do with the address.
    static func refusal(_ error: any Error, _ bind: GatewayConfiguration.Bind) -> GatewayError? {
        guard let number = errnoCode(of: error) else { return nil }
        let place = "\(bind.host):\(bind.port)"
        let text =
            switch number {
            case EADDRINUSE:
                "\(place) is in use by another process; end that one, or listen on another port (0 takes any free one)"
            case EADDRNOTAVAIL: "\(place) is not an address of this machine"
            case EACCES: "\(place) may not be used by this user; use a port above 1023"
            default: "cannot listen on \(place): error \(number) of the operating system"
            }
        return GatewayError(.cannotBind, text, cause: error)
    }

    private static func errnoCode(of error: any Error) -> CInt? {
        switch error {
        case let error as IOError: error.errnoCode
        case let error as RuntimeError: error.cause.flatMap(errnoCode(of:))
        default: nil
        }
    }
}
