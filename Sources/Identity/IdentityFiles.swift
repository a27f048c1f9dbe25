public import FoundationEssentials
import X509

/// The files of one identity in one directory: `key.pem` (mode 0600), `cert.pem` and `ca.pem`.
///
/// Every file is replaced as a whole, and a crash at any moment leaves a pair that `load` accepts (P12): a renewal
/// under the same key replaces one file; a renewal with a new key puts the new certificate beside the old one first,
/// so that `load` can finish what was begun.
public struct IdentityFiles: Sendable {
    /// Where the files are.
    public let directory: URL

    /// The private key inside the directory.
    public static let keyFileName = "key.pem"
    /// The certificate inside the directory.
    public static let certificateFileName = "cert.pem"
    /// The authorities inside the directory.
    public static let trustFileName = "ca.pem"
    /// The certificate of a change of keys that is under way.
    private static let nextCertificateFileName = "cert.pem.next"

    /// Names a directory; nothing is read or made yet.
    public init(directory: URL) { self.directory = directory }

    /// The key's path, as TLS libraries take it.
    public var keyPath: String { keyFile.path }
    /// The certificate's path, as TLS libraries take it.
    public var certificatePath: String { certificateFile.path }
    /// The authorities' path, as TLS libraries take it.
    public var trustPath: String { trustFile.path }

    private var keyFile: URL { directory.appendingPathComponent(Self.keyFileName) }
    private var certificateFile: URL { directory.appendingPathComponent(Self.certificateFileName) }
    private var trustFile: URL { directory.appendingPathComponent(Self.trustFileName) }
    private var nextCertificateFile: URL { directory.appendingPathComponent(Self.nextCertificateFileName) }

    /// Everything that a participant needs to speak.
    public struct Content: Sendable {
        /// The key that the certificate is for.
        public let key: KeyPair
        /// The leaf, or a chain that begins with it.
        public let certificatePEM: String
        /// The authorities to verify peers against.
        public let trust: TrustBundle
        /// What the certificate says.
        public let certificate: CertificateIdentity
    }

    /// Reads the three files and checks that they belong together.
    ///
    /// Says nothing about the clock: an expired certificate loads, so that its holder can be told and can renew; ask
    /// `Content.trust.verify`. Throws `fileMissing`, `fileUnsafe`, `fileFailed`, `unreadable`, `keyMismatch`, and the
    /// errors of `TrustBundle` and `CertificateIdentity`.
    public func load() throws(IdentityError) -> Content {
        let first = try readPair()
        guard !first.matches else { return try content(of: first) }
        // Another process may be between its two renames, or a former one may have ended there.
        return try content(of: DiskFile.locked(directory) { () throws(IdentityError) in try finishChangeOfKeys() })
    }

    /// What the certificate on disk says; needs the key file not at all. Throws as `load` does for the other two.
    public func certificate() throws(IdentityError) -> CertificateIdentity {
        let trust = try trust()
        return try CertificateIdentity(pem: DiskFile.read(certificateFile), trustDomain: trust.trustDomain)
    }

    /// Whether two thirds of the certificate's life have passed at `now`. Throws as `certificate()`.
    public func renewalDue(now: Date) throws(IdentityError) -> Bool {
        try certificate().renewalDue(now: now)
    }

    /// Makes the directory (mode 0700) and a new key in it, for a first request. Throws `fileExists` where there is a
    /// key.
    public func createKey() throws(IdentityError) -> KeyPair {
        try DiskFile.makePrivateDirectory(directory)
        return try KeyPair.create(at: keyFile)
    }

    /// The key on disk. Throws as `KeyPair.load`.
    public func key() throws(IdentityError) -> KeyPair { try KeyPair.load(from: keyFile) }

    /// Puts a certificate in place, with authorities and key where they are new.
    ///
    /// `trustPEM` nil keeps the authorities on disk; `key` nil means that the certificate is for the key on disk.
    /// Throws `keyMismatch` when it is not, `otherAuthority` when none of the authorities signed it, and the errors of
    /// `TrustBundle` and `CertificateIdentity` for what could not be used afterwards; nothing is written then. Durable
    /// when it returns.
    public func store(
        certificatePEM: String, trustPEM: String? = nil, key newKey: KeyPair? = nil
    ) throws(IdentityError) {
        try DiskFile.makePrivateDirectory(directory)
        try DiskFile.locked(directory) { () throws(IdentityError) in
            let trust: TrustBundle
            if let trustPEM { trust = try TrustBundle(pem: trustPEM) } else { trust = try self.trust() }
            try check(certificatePEM, trust: trust, newKey: newKey)
            if trustPEM != nil { try DiskFile.replace(trustFile, contents: trust.pem, mode: .open) }
            try replacePair(certificatePEM, newKey: newKey)
        }
    }

    /// Puts in place what the authority issued.
    ///
    /// An authority that is not among those on disk is added to them rather than put in their place: while an old and
    /// a new authority overlap, peers still have certificates of both. Throws as the other `store`.
    public func store(_ issued: IssuedCertificate, key newKey: KeyPair? = nil) throws(IdentityError) {
        try DiskFile.makePrivateDirectory(directory)
        try DiskFile.locked(directory) { () throws(IdentityError) in
            let leaf = try Certificate(leafPEM: issued.pem)
            var trust = try TrustBundle(pem: issued.authorityPEM)
            var isNew = true
            if DiskFile.exists(trustFile) {
                let known = try self.trust()
                isNew = known.signers(of: leaf).isEmpty
                trust = isNew ? try known.adding(authorityPEM: issued.authorityPEM) : known
            }
            try check(issued.pem, trust: trust, newKey: newKey)
            if isNew { try DiskFile.replace(trustFile, contents: trust.pem, mode: .open) }
            try replacePair(issued.pem, newKey: newKey)
        }
    }

    // MARK: - Steps

    private func trust() throws(IdentityError) -> TrustBundle { try TrustBundle(pem: DiskFile.read(trustFile)) }

    /// Refuses before anything is written what could not be used afterwards.
    private func check(_ certificatePEM: String, trust: TrustBundle, newKey: KeyPair?) throws(IdentityError) {
        let leaf = try Certificate(leafPEM: certificatePEM)
        _ = try CertificateIdentity(certificate: leaf, trustDomain: trust.trustDomain)
        guard !trust.signers(of: leaf).isEmpty else {
            throw IdentityError(.otherAuthority, "no authority in \(trustFile.path) signed the certificate")
        }
        let key: KeyPair
        if let newKey { key = newKey } else { key = try self.key() }
        guard key.matches(leaf) else {
            let what = newKey == nil ? keyFile.path : "the key given with it"
            throw IdentityError(.keyMismatch, "the certificate is not for \(what)")
        }
    }

    /// The order makes a crash harmless; see `finishChangeOfKeys`.
    private func replacePair(_ certificatePEM: String, newKey: KeyPair?) throws(IdentityError) {
        guard let newKey else {
            return try DiskFile.replace(certificateFile, contents: certificatePEM, mode: .open)
        }
        try DiskFile.replace(nextCertificateFile, contents: certificatePEM, mode: .open)
        try DiskFile.replace(keyFile, contents: newKey.pem, mode: .secret)
        try DiskFile.move(nextCertificateFile, to: certificateFile)
    }

    private struct Pair {
        let key: KeyPair
        let certificatePEM: String
        let matches: Bool
    }

    private func readPair() throws(IdentityError) -> Pair {
        let key = try self.key()
        let pem = try DiskFile.read(certificateFile)
        return Pair(key: key, certificatePEM: pem, matches: try key.matches(certificatePEM: pem))
    }

    /// Called under the lock, so nobody is at work: a next certificate that is for the key was meant to be in place.
    private func finishChangeOfKeys() throws(IdentityError) -> Pair {
        let pair = try readPair()
        guard !pair.matches else { return pair }
        guard DiskFile.exists(nextCertificateFile),
            try pair.key.matches(certificatePEM: DiskFile.read(nextCertificateFile))
        else {
            throw IdentityError(
                .keyMismatch,
                "\(certificateFile.path) is not for \(keyFile.path); restore both from one copy, "
                    + "or request a new certificate")
        }
        try DiskFile.move(nextCertificateFile, to: certificateFile)
        return try readPair()
    }

    private func content(of pair: Pair) throws(IdentityError) -> Content {
        let trust = try trust()
        let certificate = try CertificateIdentity(pem: pair.certificatePEM, trustDomain: trust.trustDomain)
        return Content(key: pair.key, certificatePEM: pair.certificatePEM, trust: trust, certificate: certificate)
    }
}
