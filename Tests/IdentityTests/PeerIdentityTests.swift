import Identity
import Testing

@Suite struct PeerIdentityTests {
    @Test(
        arguments: [
            ("spiffe://plimsoll.test/engineer/ada/worker/desk-1", Role.engineer, "ada", "desk-1"),
            ("spiffe://plimsoll.test/supervisor/grace", .supervisor, "grace", nil),
            ("spiffe://plimsoll.test/reviewer/r.2_x", .reviewer, "r.2_x", nil),
            ("spiffe://plimsoll.test/operator/0", .operator, "0", nil),
            ("spiffe://plimsoll.test/coordinator/c1", .coordinator, "c1", nil),
        ] as [(String, Role, String, String?)])
    func `each role's URI is read into its parts and written back the same`(
        uri: String, role: Role, name: String, worker: String?
    ) throws {
        let identity = try PeerIdentity(uri: uri)
        #expect(identity.role == role)
        #expect(identity.name == name)
        #expect(identity.worker == worker)
        #expect(identity.trustDomain == "plimsoll.test")
        #expect(identity.uri == uri)
        #expect(try PeerIdentity(role: role, name: name, worker: worker, trustDomain: "plimsoll.test") == identity)
    }

    @Test(
        arguments: [
            ("https://d/engineer/ada/worker/w", .wrongScheme),
            ("SPIFFE://d/operator/ada", .wrongScheme),
            ("spiffe:/d/operator/ada", .wrongScheme),
            ("", .wrongScheme),
            (" spiffe://d/operator/ada", .wrongScheme),
            ("spiffe://", .badPath),
            ("spiffe://d", .badPath),
            ("spiffe://d/", .badPath),
            ("spiffe://d/operator", .badPath),
            ("spiffe://d/operator/ada/", .badPath),
            ("spiffe://d//operator/ada", .badPath),
            ("spiffe://d/operator/ada/worker/w", .badPath),
            ("spiffe://d/engineer/ada", .badPath),
            ("spiffe://d/engineer/ada/worker", .badPath),
            ("spiffe://d/engineer/ada/worker/w/x", .badPath),
            ("spiffe://d/engineer/ada/desk/w", .badPath),
            ("spiffe://d/Operator/ada", .badPath),
            ("spiffe://d/admiral/ada", .badPath),
            ("spiffe://d/operator/", .badName),
            ("spiffe://d/operator/..", .badName),
            ("spiffe://d/operator/Ada", .badName),
            ("spiffe://d/operator/ada?x=1", .badName),
            ("spiffe://d/operator/ada#x", .badName),
            ("spiffe://d/operator/%61da", .badName),
            ("spiffe://d/operator/ad\u{e5}", .badName),
            ("spiffe://d/operator/ada\u{0301}", .badName),
            ("spiffe://d/operator/ada\n", .badName),
            ("spiffe://d/operator/ada\u{0}", .badName),
            ("spiffe://d/engineer/ada/worker/-w", .badName),
            ("spiffe:///operator/ada", .badTrustDomain),
            ("spiffe://D/operator/ada", .badTrustDomain),
            ("spiffe://ada@d/operator/ada", .badTrustDomain),
            ("spiffe://d:443/operator/ada", .badTrustDomain),
        ] as [(String, IdentityError.Code)])
    func `a URI that is not the one spelling is refused`(uri: String, code: IdentityError.Code) {
        refused(code) { try PeerIdentity(uri: uri) }
    }

    @Test func `names have 1 to 63 characters and the error says the rule`() throws {
        let longest = String(repeating: "a", count: NameRule.nameCharactersMax)
        #expect(try PeerIdentity.operator(longest, trustDomain: domain).name == longest)
        refused(.badName) { try PeerIdentity.operator(longest + "a", trustDomain: domain) }
        let error = refused(.badName) { try PeerIdentity.reviewer("", trustDomain: domain) }
        #expect(error?.message.contains(NameRule.nameRule) == true)
    }

    @Test func `trust domains have at most 255 characters`() throws {
        let longest = String(repeating: "d", count: NameRule.trustDomainCharactersMax)
        #expect(try PeerIdentity.operator("ada", trustDomain: longest).trustDomain == longest)
        refused(.badTrustDomain) { try PeerIdentity.operator("ada", trustDomain: longest + "d") }
    }

    @Test func `an engineer has a worker and nobody else does`() throws {
        refused(.badPath) { try PeerIdentity(role: .engineer, name: "ada", trustDomain: domain) }
        for role in Role.allCases where role != .engineer {
            refused(.badPath) { try PeerIdentity(role: role, name: "ada", worker: "w", trustDomain: domain) }
        }
    }

    @Test func `a message repeats foreign text cut short and without control characters`() throws {
        let hostile = "spiffe://d/operator/\u{1b}[2J" + String(repeating: "x", count: 10_000)
        let error = try #require(refused(.badName) { try PeerIdentity(uri: hostile) })
        #expect(error.message.utf8.count < 400)
        #expect(error.message.utf8.allSatisfy { (0x20..<0x7f).contains($0) })
    }
}
