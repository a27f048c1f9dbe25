import FoundationEssentials
import Identity
import TestSupport
import Testing

/// What a coordinator signs with its TLS key can be verified with the authority alone, and by nobody else's signature.
@Suite struct CoordinatorSealTests {
    private let now = Date()

    private func authority(_ name: String) throws -> CertificateAuthority {
        try CertificateAuthority.create(trustDomain: "seal.test", in: TestFolder.make(name), now: now)
    }

    private func holder(
        _ identity: PeerIdentity, of authority: CertificateAuthority, validity: Duration = .seconds(3_600)
    ) throws -> IdentityFiles.Content {
        let files = IdentityFiles(directory: try TestFolder.make("holder"))
        let key = KeyPair()
        let issued = try authority.issue(
            request: key.request(for: identity), as: identity, validity: validity, now: now)
        try files.store(issued, key: key)
        return try files.load()
    }

    @Test func aCoordinatorsSignatureIsVerifiedWithTheAuthority() throws {
        let authority = try authority("a")
        let content = try holder(.coordinator("one", trustDomain: "seal.test"), of: authority)
        let text = Array("some text".utf8)
        let signed = try content.sign(text)
        let signatures = CoordinatorSignatures(trust: authority.trust)
        // Twice: the second time the certificate is known.
        for _ in 0..<2 {
            let who = try signatures.verify(
                signature: signed.signature, certificate: signed.certificate, over: text, at: now)
            #expect(who.identity.name == "one" && who.serial == content.certificate.serial)
        }
        func refused(_ code: IdentityError.Code, _ body: () throws -> Void) {
            let error = #expect(throws: IdentityError.self) { try body() }
            #expect(error?.code == code)
        }
        refused(.badSignature) {
            try signatures.verify(
                signature: signed.signature, certificate: signed.certificate, over: text + [0], at: now)
        }
        refused(.badSignature) {
            try signatures.verify(signature: [1, 2], certificate: signed.certificate, over: text, at: now)
        }
        refused(.unreadable) {
            try signatures.verify(signature: signed.signature, certificate: [1, 2], over: text, at: now)
        }
        // When it was signed counts, also for a certificate that is known already.
        refused(.expired) {
            try signatures.verify(
                signature: signed.signature, certificate: signed.certificate, over: text, at: now + 3_700)
        }
        refused(.notYetValid) {
            try signatures.verify(
                signature: signed.signature, certificate: signed.certificate, over: text, at: now - 3_600)
        }
    }

    @Test func nobodyElseSignsForTheChain() throws {
        let authority = try authority("a")
        let text = Array("some text".utf8)
        let signatures = CoordinatorSignatures(trust: authority.trust)
        let olu = try holder(.operator("olu", trustDomain: "seal.test"), of: authority).sign(text)
        let role = #expect(throws: IdentityError.self) {
            try signatures.verify(signature: olu.signature, certificate: olu.certificate, over: text, at: now)
        }
        #expect(role?.code == .missingUsage)
        let stranger = try holder(.coordinator("one", trustDomain: "seal.test"), of: try self.authority("b")).sign(text)
        let foreign = #expect(throws: IdentityError.self) {
            try signatures.verify(signature: stranger.signature, certificate: stranger.certificate, over: text, at: now)
        }
        #expect(foreign?.code == .otherAuthority)
    }
}
