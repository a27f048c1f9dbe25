import FoundationEssentials
import Identity
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import Gateway

extension RunningGateway {
    /// The serial of the certificate that the server presents to a new connection.
    func serverSerial(_ holder: Deployment.Holder) async throws -> String {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(deployment.authority.certificatePEM.utf8)))
        tls.applicationProtocols = ["h2"]
        tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(holder.certificatePEM.utf8))
            .map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(holder.keyPEM.utf8), format: .pem))
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        defer { channel.close(promise: nil) }
        let found = Mutex<String?>(nil)
        _ = try await eventually {
            guard let certificate = try await channel.nioSSL_peerCertificate().get() else { return false }
            let holder = try CertificateIdentity(
                der: try certificate.toDERBytes(), trustDomain: Deployment.trustDomain)
            found.withLock { $0 = holder.serial }
            return true
        }
        return found.withLock { $0 } ?? ""
    }
}

extension [UInt8] {
    /// Replaces a file.
    func write(to path: String) throws { try Data(self).write(to: URL(fileURLWithPath: path)) }
}
