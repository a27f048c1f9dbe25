import Foundation
import Identity
import Testing

@Suite struct IdentityFilesTests {
    /// A directory of one engineer with a good identity in it, and its authority.
    private func withEnrolled(_ body: (IdentityFiles, CertificateAuthority) throws -> Void) throws {
        try withDirectory { parent in
            let authority = try CertificateAuthority.create(
                trustDomain: domain, in: parent.appendingPathComponent("ca"), now: now)
            let files = IdentityFiles(directory: parent.appendingPathComponent("ada"))
            let key = try files.createKey()
            try files.store(authority.issue(request: key.request(for: ada()), as: ada(), now: now))
            try body(files, authority)
        }
    }

    private func names(in files: IdentityFiles) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: files.directory.path).sorted()
    }

    @Test func `key, request, certificate and trust come back from their files`() throws {
        try withEnrolled { files, authority in
            let content = try files.load()
            #expect(try content.certificate.identity == ada())
            #expect(content.trust.trustDomain == domain)
            #expect(try content.key.matches(certificatePEM: content.certificatePEM))
            #expect(try content.trust.verify(pem: content.certificatePEM, now: now) == content.certificate)
            #expect(try files.certificate() == content.certificate)
            #expect(try !files.renewalDue(now: now))
            #expect(try files.renewalDue(now: now.addingTimeInterval(17 * 3600)))
            #expect(try names(in: files) == ["ca.pem", "cert.pem", "key.pem"])
            #expect(try mode(of: files.directory) == 0o700)
            #expect(try mode(of: URL(fileURLWithPath: files.keyPath)) == 0o600)
            #expect(try mode(of: URL(fileURLWithPath: files.certificatePath)) == 0o644)
            #expect(try mode(of: URL(fileURLWithPath: files.trustPath)) == 0o644)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o660, 0o644, 0o610])
    func `a key that others may touch is refused with the command that mends it`(bits: Int) throws {
        try withEnrolled { files, _ in
            try setMode(bits, of: URL(fileURLWithPath: files.keyPath))
            let error = refused(.fileUnsafe) { try files.load() }
            #expect(error?.message.contains("chmod 600 '\(files.keyPath)'") == true)
            #expect(error?.message.contains(String(bits, radix: 8)) == true)
            try setMode(0o400, of: URL(fileURLWithPath: files.keyPath))
            #expect(throws: Never.self) { try files.load() }
        }
    }

    @Test func `a key is not overwritten by a new one`() throws {
        try withEnrolled { files, _ in
            let before = try files.key().pem
            refused(.fileExists) { try files.createKey() }
            #expect(try files.key().pem == before)
            #expect(try names(in: files) == ["ca.pem", "cert.pem", "key.pem"])
        }
    }

    @Test func `a renewal under the same key replaces the certificate`() throws {
        try withEnrolled { files, authority in
            let old = try files.load()
            let later = now.addingTimeInterval(3600)
            let issued = try authority.issue(request: old.key.request(for: ada()), as: ada(), now: later)
            try files.store(issued)
            let new = try files.load()
            #expect(new.certificate.serial == issued.serial)
            #expect(new.key.pem == old.key.pem)
            #expect(try names(in: files) == ["ca.pem", "cert.pem", "key.pem"])
        }
    }

    @Test func `a renewal may bring a new key`() throws {
        try withEnrolled { files, authority in
            let key = KeyPair()
            let issued = try authority.issue(request: key.request(for: ada()), as: ada(), now: now)
            try files.store(issued, key: key)
            let content = try files.load()
            #expect(content.key.pem == key.pem)
            #expect(content.certificate.serial == issued.serial)
            #expect(try mode(of: URL(fileURLWithPath: files.keyPath)) == 0o600)
            #expect(try names(in: files) == ["ca.pem", "cert.pem", "key.pem"])
        }
    }

    @Test func `a change of keys that was cut short is finished by the next load`() throws {
        try withEnrolled { files, authority in
            let old = try files.load()
            let key = KeyPair()
            let issued = try authority.issue(request: key.request(for: ada()), as: ada(), now: now)
            let next = files.directory.appendingPathComponent("cert.pem.next")

            // Cut after the first step: the old pair is still whole.
            try issued.pem.write(to: next, atomically: true, encoding: .utf8)
            #expect(try files.load().certificate == old.certificate)

            // Cut after the second: the key is new already.
            try key.pem.write(toFile: files.keyPath, atomically: false, encoding: .utf8)
            let content = try files.load()
            #expect(content.certificate.serial == issued.serial)
            #expect(content.key.pem == key.pem)
            #expect(try names(in: files) == ["ca.pem", "cert.pem", "key.pem"])
        }
    }

    @Test func `a certificate for another key is neither stored nor loaded`() throws {
        try withEnrolled { files, authority in
            let before = try files.load()
            let foreign = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
            refused(.keyMismatch) { try files.store(foreign) }
            refused(.keyMismatch) { try files.store(foreign, key: KeyPair()) }
            #expect(try files.load().certificate == before.certificate)
            try foreign.pem.write(toFile: files.certificatePath, atomically: true, encoding: .utf8)
            refused(.keyMismatch) { try files.load() }
        }
    }

    @Test func `what could not be used afterwards is not stored`() throws {
        try withEnrolled { files, authority in
            let key = try files.key()
            let good = try authority.issue(request: key.request(for: ada()), as: ada(), now: now)
            let before = try files.load()
            refused(.unreadable) { try files.store(certificatePEM: "", trustPEM: good.authorityPEM) }
            refused(.unreadable) { try files.store(certificatePEM: good.pem, trustPEM: "") }
            refused(.authorityAsLeaf) {
                try files.store(certificatePEM: good.authorityPEM, trustPEM: good.authorityPEM)
            }
            refused(.otherTrustDomain) {
                try files.store(certificatePEM: good.pem, trustPEM: makeAuthority("other.test").certificatePEM)
            }
            refused(.otherAuthority) {
                try files.store(certificatePEM: good.pem, trustPEM: makeAuthority().certificatePEM)
            }
            #expect(try files.load().certificate == before.certificate)
            #expect(try files.load().trust.pem == before.trust.pem)
        }
    }

    @Test func `a new authority joins the old one instead of taking its place`() throws {
        try withEnrolled { files, old in
            let key = try files.key()
            let new = try makeAuthority()
            try files.store(new.issue(request: key.request(for: ada()), as: ada(), now: now))
            let both = try files.load().trust
            for authority in [old, new] {
                let peer = try authority.issue(request: KeyPair().request(for: ada()), as: ada(), now: now)
                #expect(try both.verify(pem: peer.pem, now: now).identity == ada())
            }
            // A certificate of an authority that is known already changes nothing there.
            try files.store(new.issue(request: key.request(for: ada()), as: ada(), now: now))
            #expect(try files.load().trust.pem == both.pem)
            let stranger = try makeAuthority("other.test")
            let identity = try PeerIdentity.engineer("ada", worker: "desk", trustDomain: "other.test")
            let foreign = try stranger.issue(request: key.request(for: identity), as: identity, now: now)
            refused(.otherTrustDomain) { try files.store(foreign) }
            #expect(try files.load().trust.pem == both.pem)
        }
    }

    @Test func `authorities on disk stay where none are given`() throws {
        try withEnrolled { files, authority in
            let before = try files.load()
            let issued = try authority.issue(request: before.key.request(for: ada()), as: ada(), now: now)
            try files.store(certificatePEM: issued.pem)
            #expect(try files.load().certificate.serial == issued.serial)
            #expect(try files.load().trust.pem == before.trust.pem)
        }
    }

    @Test func `missing and strange files are named`() throws {
        try withEnrolled { files, _ in
            try FileManager.default.removeItem(atPath: files.trustPath)
            #expect(refused(.fileMissing) { try files.load() }?.message.contains(files.trustPath) == true)
            try FileManager.default.createDirectory(atPath: files.trustPath, withIntermediateDirectories: false)
            refused(.fileFailed) { try files.load() }
            try Data([0xff, 0xfe]).write(to: URL(fileURLWithPath: files.certificatePath))
            refused(.unreadable) { try files.load() }
            try Data(repeating: 0x0a, count: 300 * 1024).write(to: URL(fileURLWithPath: files.certificatePath))
            refused(.unreadable) { try files.load() }
            try FileManager.default.removeItem(atPath: files.keyPath)
            refused(.fileMissing) { try files.load() }
        }
    }

    @Test func `readers beside a writer that changes keys always see a whole identity`() async throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("plimsoll-identity-\(UUID().uuidString.lowercased())")
        defer {
            do { try FileManager.default.removeItem(at: directory) } catch { Issue.record(error) }
        }
        let authority = try makeAuthority()
        let files = IdentityFiles(directory: directory)
        let first = try files.createKey()
        try files.store(authority.issue(request: first.request(for: ada()), as: ada(), now: now))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<50 {
                    let key = KeyPair()
                    let issued = try authority.issue(request: key.request(for: ada()), as: ada(), now: now)
                    try files.store(issued, key: key)
                }
            }
            group.addTask {
                for _ in 0..<200 {
                    let content = try files.load()
                    #expect(try content.key.matches(certificatePEM: content.certificatePEM))
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }
}
