public import FoundationEssentials
public import GRPCCore
import GRPCNIOTransportHTTP2Posix
public import Identity

/// Who makes a call: proved by a certificate of the deployment, authorized for the method called.
///
/// This is all a handler sees of a certificate. It is put in place of the transport's own context by the gateway's
/// interceptor, so a handler that finds none was reached past it, and must refuse.
public struct Caller: ServerContext.TransportSpecific, Sendable, Hashable {
    public let identity: PeerIdentity
    /// Of the certificate, lower-case hexadecimal: what consent events and the deny-list name.
    public let serial: String
    /// The end of the certificate; a work stream ends with it.
    public let notAfter: Date

    public init(identity: PeerIdentity, serial: String, notAfter: Date) {
        self.identity = identity
        self.serial = serial
        self.notAfter = notAfter
    }

    /// The person's name (a coordinator's id for coordinators).
    public var name: String { identity.name }
    public var role: Role { identity.role }

    /// Reads the certificate of the connection that a call came by.
    ///
    /// The transport gives no certificate when anything at all went wrong, so none means nobody. Throws
    /// `unauthenticated`. Cost: one parse of the certificate's extensions.
    init(provedBy context: ServerContext, trustDomain: String) throws(GatewayError) {
        guard let transport = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
            let certificate = transport.peerCertificate
        else {
            throw GatewayError(.unauthenticated, "this call came without a client certificate")
        }
        do {
            let holder = try CertificateIdentity(certificate: certificate, trustDomain: trustDomain)
            self.init(identity: holder.identity, serial: holder.serial, notAfter: holder.notAfter)
        } catch {
            throw GatewayError(.unauthenticated, error.message, cause: error)
        }
    }
}

extension ServerContext {
    /// Who makes this call. Throws `unauthenticated` where no interceptor has proved it.
    public var caller: Caller {
        get throws(GatewayError) {
            guard let caller = transportSpecific as? Caller else {
                throw GatewayError(.unauthenticated, "nobody has proved who makes this call")
            }
            return caller
        }
    }
}
