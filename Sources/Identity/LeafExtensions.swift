import X509

/// The extensions of a certificate that the rules for leaves look at, read once.
struct LeafExtensions {
    /// Whether anything in the certificate would let its key sign other certificates or revocation lists.
    let maySignCertificates: Bool
    /// Whether the key may sign TLS handshakes.
    let maySignHandshakes: Bool
    let usages: [ExtendedKeyUsage.Usage]
    private let alternativeNames: [GeneralName]

    /// The subject alternative names, sorted by what the rules ask of them.
    struct Names {
        /// The one URI.
        let uri: String
        /// How many DNS names and IP addresses there are.
        let hosts: Int
        /// Names of any other kind; there must be none.
        let otherKinds: [GeneralName]
    }

    init(of certificate: Certificate) throws(IdentityError) {
        let extensions = certificate.extensions
        let read = try IdentityError.wrapping(.unreadable, "this certificate's extensions cannot be read") {
            (
                constraints: try extensions.basicConstraints, keyUsage: try extensions.keyUsage,
                usages: try extensions.extendedKeyUsage, names: try extensions.subjectAlternativeNames
            )
        }
        // X509-SVID, section 4.3: a leaf sets neither keyCertSign nor cRLSign, and it sets digitalSignature.
        var mark = false
        if case .isCertificateAuthority? = read.constraints { mark = true }
        maySignCertificates = mark || read.keyUsage?.keyCertSign == true || read.keyUsage?.cRLSign == true
        maySignHandshakes = read.keyUsage?.digitalSignature == true
        usages = read.usages.map(Array.init) ?? []
        alternativeNames = read.names.map(Array.init) ?? []
    }

    /// Throws `noURI` or `severalURIs`.
    func names() throws(IdentityError) -> Names {
        var uris: [String] = []
        var hosts = 0
        var otherKinds: [GeneralName] = []
        for name in alternativeNames {
            switch name {
            case .uniformResourceIdentifier(let uri): uris.append(uri)
            case .dnsName, .ipAddress: hosts += 1
            default: otherKinds.append(name)
            }
        }
        guard let uri = uris.first else {
            throw IdentityError(
                .noURI, "this certificate has no URI as subject alternative name; a common name is not taken instead")
        }
        guard uris.count == 1 else {
            throw IdentityError(.severalURIs, "this certificate has \(uris.count) URIs; exactly one is allowed")
        }
        return Names(uri: uri, hosts: hosts, otherKinds: otherKinds)
    }
}
