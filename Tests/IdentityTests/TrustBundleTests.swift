import Foundation
import Identity
import SwiftASN1
import TestSupport
import Testing
@_spi(FixedExpiryValidationTime) import X509

@Suite struct TrustBundleTests {
    @Test(arguments: BadCertificates.Kind.allCases)
    func `a bad certificate is refused for what is wrong with it`(kind: BadCertificates.Kind) throws {
        try withDirectory { directory in
            let authority = try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            let bad = try BadCertificates(authorityDirectory: directory, now: now).make(kind)
            refused(kind.code) { try authority.trust.verify(pem: bad.certificatePEM, now: now) }
            if kind.chainIsGood {
                refused(kind.code) { try CertificateIdentity(pem: bad.certificatePEM, trustDomain: domain) }
                refused(kind.code) { try CertificateIdentity(der: bad.certificateDER, trustDomain: domain) }
            } else {
                // Signature and clock are not the business of reading, so that a holder can be told.
                #expect(throws: Never.self) { try CertificateIdentity(der: bad.certificateDER, trustDomain: domain) }
            }
            #expect(try KeyPair(pem: bad.keyPEM).matches(certificatePEM: bad.certificatePEM))
        }
    }

    @Test func `a certificate as a peer shows it is verified like the same in a file`() throws {
        let authority = try makeAuthority()
        let issued = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
        let der = try PEMDocument(pemString: issued.pem).derBytes
        #expect(try authority.trust.verify(der: der, now: now).identity == ada())
        #expect(authority.trust.ends == [authority.notAfter])
        let late = now.addingTimeInterval(400 * 86_400)
        refused(.expired) { try authority.trust.verify(der: der, now: late) }
        refused(.unreadable) { try authority.trust.verify(der: [1, 2, 3], now: now) }
    }

    @Test func `signature and validity are judged as the library's own verifier judges them`() async throws {
        let made = try withDirectory { directory in
            let authority = try CertificateAuthority.create(trustDomain: domain, in: directory, now: now)
            return (authority, try BadCertificates(authorityDirectory: directory, now: now).all())
        }
        let root = try Certificate(pemEncoded: made.0.certificatePEM)
        func libraryAccepts(_ certificate: Certificate) async -> Bool {
            var verifier = Verifier(rootCertificates: CertificateStore([root])) {
                RFC5280Policy(fixedExpiryValidationTime: now)
            }
            let result = await verifier.validate(leaf: certificate, intermediates: CertificateStore())
            if case .validCertificate = result { return true }
            return false
        }
        for bad in made.1 {
            let accepted = await libraryAccepts(try Certificate(derEncoded: bad.certificateDER))
            #expect(accepted == bad.kind.chainIsGood, "\(bad.kind)")
        }
        let good = try made.0.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
        #expect(await libraryAccepts(try Certificate(pemEncoded: good.pem)))
    }

    @Test func `a certificate is valid from its first second to its last and not one longer`() throws {
        let authority = try makeAuthority()
        let issued = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
        func verify(at instant: Date) throws { _ = try authority.trust.verify(pem: issued.pem, now: instant) }
        refused(.notYetValid) { try verify(at: issued.notBefore.addingTimeInterval(-1)) }
        try verify(at: issued.notBefore)
        try verify(at: issued.notAfter)
        refused(.expired) { try verify(at: issued.notAfter.addingTimeInterval(1)) }
    }

    @Test func `while two authorities overlap, leaves of both are good`() throws {
        let old = try makeAuthority()
        let new = try makeAuthority()
        let both = try TrustBundle(pem: old.certificatePEM + new.certificatePEM)
        for authority in [old, new] {
            let issued = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
            #expect(try both.verify(pem: issued.pem, now: now).identity == ada())
        }
        let leaf = try old.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
        refused(.otherAuthority) { try new.trust.verify(pem: leaf.pem, now: now) }
    }

    @Test func `a bundle holds authorities of one trust domain and nothing else`() throws {
        let authority = try makeAuthority()
        let leaf = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
        refused(.unreadable) { try TrustBundle(pem: "") }
        refused(.unreadable) { try TrustBundle(pem: leaf.pem) }
        refused(.unreadable) { try TrustBundle(pem: KeyPair().pem) }
        refused(.otherTrustDomain) {
            try TrustBundle(pem: authority.certificatePEM + makeAuthority("other.test").certificatePEM)
        }
        let most = String(repeating: authority.certificatePEM, count: TrustBundle.authoritiesMax)
        #expect(try TrustBundle(pem: most).trustDomain == domain)
        refused(.unreadable) { try TrustBundle(pem: most + authority.certificatePEM) }
    }

    @Test func `renewal is due when two thirds of the life have passed`() throws {
        let identity = try ada()
        let issued = try makeAuthority().issue(
            request: KeyPair().request(for: identity), as: identity, validity: .seconds(3540), now: now)
        let read = try CertificateIdentity(pem: issued.pem, trustDomain: domain)
        #expect(read.notAfter.timeIntervalSince(read.notBefore) == 3600)
        #expect(!read.renewalDue(now: read.notBefore.addingTimeInterval(2399)))
        #expect(read.renewalDue(now: read.notBefore.addingTimeInterval(2400)))
        #expect(read.renewalDue(now: read.notAfter.addingTimeInterval(1)))
    }

    @Test func `what is no certificate is unreadable`() throws {
        refused(.unreadable) { try CertificateIdentity(pem: "", trustDomain: domain) }
        refused(.unreadable) { try CertificateIdentity(pem: "-----BEGIN CERTIFICATE-----", trustDomain: domain) }
        refused(.unreadable) { try CertificateIdentity(pem: KeyPair().pem, trustDomain: domain) }
        refused(.unreadable) { try CertificateIdentity(der: [], trustDomain: domain) }
        refused(.unreadable) { try CertificateIdentity(der: [0x30, 0x03, 1, 2, 3], trustDomain: domain) }
    }
}
