import Crypto
import Foundation
import Identity
import SwiftASN1
import Testing
import X509

@Suite struct CertificateAuthorityTests {
    @Test func `an issued certificate says who, from when and to when`() throws {
        let authority = try makeAuthority()
        let identity = try ada()
        let issued = try authority.issue(request: KeyPair().request(for: identity), as: identity, now: now)

        let read = try CertificateIdentity(pem: issued.pem, trustDomain: domain)
        #expect(read.identity == identity)
        #expect(read.serial == issued.serial)
        #expect(read.notBefore == wholeNow.addingTimeInterval(-60))
        #expect(read.notAfter == wholeNow.addingTimeInterval(24 * 3600))
        #expect(issued.identity == identity)
        #expect(issued.notBefore == read.notBefore)
        #expect(issued.notAfter == read.notAfter)
        #expect(try authority.trust.verify(pem: issued.pem, now: now) == read)
        #expect(try TrustBundle(pem: issued.authorityPEM).verify(pem: issued.chainPEM, now: now) == read)
    }

    @Test func `a leaf has one URI, no common name, and may sign handshakes and nothing else`() throws {
        let identity = try ada()
        let issued = try makeAuthority().issue(request: KeyPair().request(for: identity), as: identity, now: now)
        let leaf = try Certificate(pemEncoded: issued.pem)
        let authority = try Certificate(pemEncoded: issued.authorityPEM)

        #expect(try alternativeNames(of: leaf) == [.uniformResourceIdentifier(identity.uri)])
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(leaf.extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(leaf.extensions[oid: .X509ExtensionID.keyUsage]?.critical == true)
        #expect(try usages(of: leaf) == [.clientAuth])
        #expect(
            try leaf.extensions.authorityKeyIdentifier?.keyIdentifier
                == authority.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(try leaf.extensions.subjectKeyIdentifier != nil)
        #expect(!String(describing: leaf.subject).contains("CN="))
        #expect(leaf.signatureAlgorithm == .ecdsaWithSHA256)
        #expect(leaf.version == .v3)
    }

    @Test func `serial numbers are sixteen bytes of lower-case hexadecimal and never the same`() throws {
        let authority = try makeAuthority()
        let request = try KeyPair().request(for: ada())
        let serials = try (0..<64).map { _ in try authority.issue(request: request, as: ada(), now: now).serial }
        #expect(Set(serials).count == serials.count)
        for serial in serials {
            #expect(serial.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        }
    }

    @Test func `a coordinator is server and client under the names it is reached by`() throws {
        let authority = try makeAuthority()
        let identity = try PeerIdentity.coordinator("c1", trustDomain: domain)
        let issued = try authority.issue(
            request: KeyPair().request(for: identity), as: identity, dnsNames: ["localhost", "c1.plimsoll.test"],
            ipAddresses: ["127.0.0.1", "::1"], now: now)
        let leaf = try Certificate(pemEncoded: issued.pem)
        #expect(
            try alternativeNames(of: leaf) == [
                .uniformResourceIdentifier(identity.uri), .dnsName("localhost"), .dnsName("c1.plimsoll.test"),
                .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                .ipAddress(ASN1OctetString(contentBytes: ArraySlice([UInt8](repeating: 0, count: 15) + [1]))),
            ])
        #expect(try usages(of: leaf) == [.serverAuth, .clientAuth])
        #expect(try authority.trust.verify(pem: issued.pem, now: now).identity == identity)
    }

    @Test(arguments: Role.allCases.filter { $0 != .coordinator })
    func `nobody but a coordinator gets a host name`(role: Role) throws {
        let authority = try makeAuthority()
        let identity = try PeerIdentity(
            role: role, name: "ada", worker: role == .engineer ? "w" : nil, trustDomain: domain)
        let request = try KeyPair().request(for: identity)
        refused(.otherNames) { try authority.issue(request: request, as: identity, dnsNames: ["localhost"], now: now) }
        refused(.otherNames) {
            try authority.issue(request: request, as: identity, ipAddresses: ["127.0.0.1"], now: now)
        }
    }

    @Test(arguments: ["", ".", "a.", "*.plimsoll.test", "UPPER", "a_b", "-a", "a-", "127.0.0.1", "a b", "a\u{0}b"])
    func `what is no host name is not certified`(name: String) throws {
        let identity = try PeerIdentity.coordinator("c1", trustDomain: domain)
        let request = try KeyPair().request(for: identity)
        let authority = try makeAuthority()
        refused(.otherNames) { try authority.issue(request: request, as: identity, dnsNames: [name], now: now) }
    }

    @Test(arguments: ["", "localhost", "127.1", "256.0.0.1", "::g", "127.0.0.1 ", "127.0.0.1\u{0}"])
    func `what is no address is not certified`(address: String) throws {
        let identity = try PeerIdentity.coordinator("c1", trustDomain: domain)
        let request = try KeyPair().request(for: identity)
        let authority = try makeAuthority()
        refused(.otherNames) { try authority.issue(request: request, as: identity, ipAddresses: [address], now: now) }
    }

    @Test func `a request is issued only as the identity it names`() throws {
        let authority = try makeAuthority()
        let request = try KeyPair().request(for: ada())
        refused(.requestForOther) { try authority.issue(request: request, as: ada(worker: "other"), now: now) }
        refused(.requestForOther) {
            try authority.issue(request: request, as: .operator("ada", trustDomain: domain), now: now)
        }
    }

    @Test func `an authority issues for its own trust domain only`() throws {
        let stranger = try PeerIdentity.operator("ada", trustDomain: "other.test")
        let request = try KeyPair().request(for: stranger)
        let authority = try makeAuthority()
        refused(.otherTrustDomain) { try authority.issue(request: request, as: stranger, now: now) }
    }

    @Test func `the authority's own key gets no certificate`() throws {
        try withDirectory { directory in
            let authority = try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            let key = try KeyPair.load(from: directory.appendingPathComponent(CertificateAuthority.keyFileName))
            let request = try key.request(for: ada())
            refused(.unsupportedKey) { try authority.issue(request: request, as: ada(), now: now) }
        }
    }

    @Test func `validity has a least and a greatest value`() throws {
        let authority = try makeAuthority()
        let request = try KeyPair().request(for: ada())
        func issue(_ validity: Duration) throws -> IssuedCertificate {
            try authority.issue(request: request, as: ada(), validity: validity, now: now)
        }
        #expect(try issue(.seconds(1)).notAfter == wholeNow.addingTimeInterval(1))
        #expect(try issue(CertificateAuthority.leafValidityMax).notAfter == wholeNow.addingTimeInterval(90 * 86_400))
        refused(.badValidity) { try issue(.milliseconds(999)) }
        refused(.badValidity) { try issue(.zero) }
        refused(.badValidity) { try issue(.seconds(-1)) }
        refused(.badValidity) { try issue(CertificateAuthority.leafValidityMax + .seconds(1)) }
    }

    @Test func `a leaf does not outlive its authority, and an authority past its time issues nothing`() throws {
        let authority = try makeAuthority(validity: .seconds(3600))
        let request = try KeyPair().request(for: ada())
        func issue(after seconds: Double) throws -> IssuedCertificate {
            try authority.issue(request: request, as: ada(), now: wholeNow.addingTimeInterval(seconds))
        }
        #expect(try issue(after: 0).notAfter == authority.notAfter)
        #expect(try issue(after: 3599).notAfter == authority.notAfter)
        #expect(try issue(after: -60).notBefore == authority.notBefore)
        refused(.authorityNotValid) { try issue(after: 3600) }
        refused(.authorityNotValid) { try issue(after: -61) }
    }

    @Test func `an authority comes back from its directory as it was`() throws {
        try withDirectory { parent in
            let directory = parent.appendingPathComponent("ca")
            let made = try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            let loaded = try CertificateAuthority.load(from: directory)
            #expect(loaded.trustDomain == domain)
            #expect(loaded.certificatePEM == made.certificatePEM)
            #expect(loaded.notAfter == wholeNow.addingTimeInterval(10 * 365 * 86_400))
            let issued = try loaded.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
            #expect(try made.trust.verify(pem: issued.pem, now: now).identity == ada())
            #expect(try mode(of: directory) == 0o700)
            #expect(try mode(of: directory.appendingPathComponent("ca.key")) == 0o600)
            #expect(try mode(of: directory.appendingPathComponent("ca.pem")) == 0o644)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["ca.key", "ca.pem"])
        }
    }

    @Test(arguments: ["ca.key", "ca.pem"])
    func `an authority is never overwritten, not even by half`(file: String) throws {
        try withDirectory { directory in
            try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            let kept = directory.appendingPathComponent(file)
            for name in ["ca.key", "ca.pem"] where name != file {
                try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
            }
            let before = try Data(contentsOf: kept)
            refused(.fileExists) { try CertificateAuthority.create(trustDomain: domain, in: directory, now: now) }
            #expect(try Data(contentsOf: kept) == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [file])
        }
    }

    @Test func `files that do not make an authority are refused`() throws {
        try withDirectory { directory in
            refused(.fileMissing) { try CertificateAuthority.load(from: directory) }
            try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            let key = directory.appendingPathComponent("ca.key")
            let certificate = directory.appendingPathComponent("ca.pem")
            let good = try String(contentsOf: certificate, encoding: .utf8)

            try makeAuthority().certificatePEM.write(to: certificate, atomically: true, encoding: .utf8)
            refused(.keyMismatch) { try CertificateAuthority.load(from: directory) }

            // A leaf for the very key of the authority is still no authority.
            let pair = try KeyPair.load(from: key)
            let leaf = try makeAuthority().issue(request: pair.request(for: ada()), as: ada(), now: now)
            try leaf.pem.write(to: certificate, atomically: true, encoding: .utf8)
            refused(.unreadable) { try CertificateAuthority.load(from: directory) }

            try good.write(to: certificate, atomically: true, encoding: .utf8)
            try setMode(0o640, of: key)
            refused(.fileUnsafe) { try CertificateAuthority.load(from: directory) }
        }
    }

    @Test(arguments: [Duration.zero, .seconds(-1), CertificateAuthority.authorityValidityMax + .seconds(1)])
    func `an authority with a senseless validity is not made`(validity: Duration) throws {
        refused(.badValidity) { try makeAuthority(validity: validity) }
    }

    @Test func `an authority's trust domain keeps the rule`() throws {
        refused(.badTrustDomain) { try makeAuthority("Plimsoll.test") }
        refused(.badTrustDomain) { try makeAuthority("") }
    }
}
