public import FoundationEssentials
import SwiftASN1
import X509

extension CertificateAuthority {
    /// Signs a certificate for the key in `request`, saying that its holder is `identity`.
    ///
    /// Nothing but the key is taken from the request. The leaf has exactly one URI; a coordinator's also the DNS names
    /// and IP addresses that clients connect to, which no other role may have. `validity` counts in whole seconds from
    /// `now`, cut off where the authority's own ends; the start is dated back by `backdating`.
    ///
    /// Throws `otherTrustDomain`, `requestForOther` when the request names another identity, `unsupportedKey` for the
    /// authority's own key, `badValidity` outside of `validityMin...leafValidityMax`, `authorityNotValid`,
    /// `otherNames`. The caller writes the issuance down (P11) before handing the certificate out.
    public func issue(
        request: CertificateRequest,
        as identity: PeerIdentity,
        validity: Duration = leafValidityDefault,
        dnsNames: [String] = [],
        ipAddresses: [String] = [],
        now: Date
    ) throws(IdentityError) -> IssuedCertificate {
        try check(request: request, for: identity, validity: validity, now: now)
        let hosts = try HostNames(dnsNames: dnsNames, ipAddresses: ipAddresses)
        guard identity.role == .coordinator || hosts.names.isEmpty else {
            throw IdentityError(
                .otherNames,
                "only a coordinator's certificate may carry DNS names or IP addresses, "
                    + "not one of role \(identity.role.rawValue)")
        }
        let serial = Certificate.SerialNumber.random()
        let start = max(now.wholeSecond(minus: Self.backdating), notBefore)
        let end = min(now.wholeSecond(plus: validity), notAfter)
        let leaf = try IdentityError.wrapping(.unreadable, "the certificate could not be written") {
            try Certificate(
                version: .v3,
                serialNumber: serial,
                publicKey: request.publicKey,
                notValidBefore: start,
                notValidAfter: end,
                issuer: certificate.subject,
                subject: DistinguishedName {
                    OrganizationName(SubjectRule.organization)
                    OrganizationalUnitName(identity.role.rawValue)
                },
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: extensions(for: identity, key: request.publicKey, hosts: hosts),
                issuerPrivateKey: key.signer)
        }
        return IssuedCertificate(
            pem: try leaf.pemText(), authorityPEM: certificatePEM, identity: identity, serial: serial.hexadecimal,
            notBefore: start, notAfter: end)
    }

    private func check(
        request: CertificateRequest, for identity: PeerIdentity, validity: Duration, now: Date
    ) throws(IdentityError) {
        guard identity.trustDomain == trustDomain else {
            throw IdentityError(
                .otherTrustDomain, "this authority issues for \(trustDomain), not for \(identity.trustDomain)")
        }
        if let requested = request.requested, requested != identity {
            throw IdentityError(
                .requestForOther,
                "the request is for \(requested.uri), not for \(identity.uri); "
                    + "issue it as what it asks for, or have a new request made")
        }
        guard request.publicKey != key.publicKey else {
            throw IdentityError(.unsupportedKey, "the authority's own key is nobody's key")
        }
        guard (Self.validityMin...Self.leafValidityMax).contains(validity) else {
            throw IdentityError(
                .badValidity,
                "a certificate is valid for \(Self.validityMin.wholeSeconds) to "
                    + "\(Self.leafValidityMax.wholeSeconds) s, not for \(validity)")
        }
        guard notBefore <= now, now < notAfter else {
            throw IdentityError(
                .authorityNotValid,
                now < notBefore
                    ? "the authority is not valid before \(notBefore.ISO8601Format()); look at the clock"
                    : "the authority's time ended at \(notAfter.ISO8601Format()); make a new one")
        }
    }

    private func extensions(
        for identity: PeerIdentity, key: Certificate.PublicKey, hosts: HostNames
    ) throws -> Certificate.Extensions {
        let usages = try ExtendedKeyUsage(UsageRule.usages(of: identity.role))
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            usages
            SubjectAlternativeNames([.uniformResourceIdentifier(identity.uri)] + hosts.names)
            SubjectKeyIdentifier(hash: key)
            AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: self.key.publicKey).keyIdentifier)
        }
    }
}
