import Crypto
import Foundation
import Identity
import SwiftASN1
import Testing
import X509

@Suite struct CertificateRequestTests {
    @Test func `a request comes back from its text with the identity it names`() throws {
        let request = try CertificateRequest(pem: KeyPair().request(for: ada()).pem)
        #expect(try request.requested == ada())
    }

    @Test func `a request whose signature is by another key is refused`() throws {
        let holder = P256.Signing.PrivateKey()
        let thief = try signedRequest(by: P256.Signing.PrivateKey())
        let forged = try CertificateSigningRequest(
            version: thief.version, subject: thief.subject, publicKey: .init(holder.publicKey),
            attributes: thief.attributes, signatureAlgorithm: thief.signatureAlgorithm, signature: thief.signature)
        refused(.badSignature) { try CertificateRequest(pem: forged.serializeAsPEM().pemString) }
    }

    @Test func `a request that was changed after signing is refused`() throws {
        var document = try PEMDocument(pemString: KeyPair().request(for: ada()).pem)
        let name = Array("engineer/ada".utf8)
        let bytes = document.derBytes
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
        var changed = bytes
        changed.replaceSubrange(start..<(start + name.count), with: Array("engineer/eve".utf8))
        document.derBytes = changed
        refused(.badSignature) { try CertificateRequest(pem: document.pemString) }
    }

    @Test func `a request without a URI is issued as whoever the authority says`() throws {
        let pem = try signedRequest(by: P256.Signing.PrivateKey()).serializeAsPEM().pemString
        let request = try CertificateRequest(pem: pem)
        #expect(request.requested == nil)
        let issued = try makeAuthority().issue(request: request, as: ada(), now: now)
        #expect(try CertificateIdentity(pem: issued.pem, trustDomain: domain).identity == ada())
    }

    @Test func `what a request asks for besides its URI is not granted`() throws {
        let greedy = try signedRequest(
            by: P256.Signing.PrivateKey(),
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([.uniformResourceIdentifier(try ada().uri), .dnsName("localhost")])
            })
        let request = try CertificateRequest(pem: greedy.serializeAsPEM().pemString)
        let issued = try makeAuthority().issue(request: request, as: ada(), now: now)
        let leaf = try Certificate(pemEncoded: issued.pem)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try usages(of: leaf) == [.clientAuth])
        #expect(try leaf.extensions.subjectAlternativeNames?.count == 1)
        #expect(!String(describing: leaf.subject).contains("mallory"))
    }

    @Test func `two URIs, bad URIs and other keys are refused`() throws {
        let key = P256.Signing.PrivateKey()
        func pem(_ uris: [String]) throws -> String {
            let names = SubjectAlternativeNames(uris.map { .uniformResourceIdentifier($0) })
            return try signedRequest(by: key, extensions: Certificate.Extensions { names }).serializeAsPEM().pemString
        }
        let uri = try ada().uri
        refused(.severalURIs) { try CertificateRequest(pem: pem([uri, uri])) }
        refused(.wrongScheme) { try CertificateRequest(pem: pem(["https://plimsoll.test/"])) }
        refused(.badPath) { try CertificateRequest(pem: pem(["spiffe://plimsoll.test/admiral/ada"])) }

        let large = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), privateKey: .init(P384.Signing.PrivateKey()),
            attributes: .init(), signatureAlgorithm: .ecdsaWithSHA384)
        refused(.unsupportedKey) { try CertificateRequest(pem: large.serializeAsPEM().pemString) }
    }

    @Test func `what is no request is unreadable, and long text is not even parsed`() throws {
        refused(.unreadable) { try CertificateRequest(pem: "") }
        refused(.unreadable) { try CertificateRequest(pem: makeAuthority().certificatePEM) }
        let longest = String(repeating: "\n", count: CertificateRequest.pemBytesMax)
        refused(.unreadable) { try CertificateRequest(pem: longest + "\n") }
    }

    /// What another tool might send: a common name that means nothing, and no extensions unless told.
    private func signedRequest(
        by key: P256.Signing.PrivateKey, extensions: Certificate.Extensions? = nil
    ) throws -> CertificateSigningRequest {
        var attributes = CertificateSigningRequest.Attributes()
        if let extensions { attributes.insert(try .init(ExtensionRequest(extensions: extensions))) }
        return try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("mallory") }, privateKey: .init(key),
            attributes: attributes, signatureAlgorithm: .ecdsaWithSHA256)
    }
}
