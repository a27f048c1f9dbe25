import Foundation
import Identity
import PlimsollModel
import Testing

@testable import plimsoll

@Suite struct DoctorTests {
    private let now = Date(timeIntervalSince1970: 1_774_861_200)
    private let address = ServerAddress(host: "localhost", port: 7443)

    /// An authority that is gone from the disk when this returns.
    private func authority() throws -> CertificateAuthority {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("plimsoll-doctor-\(UUID().uuidString.lowercased())")
        defer { try? FileManager.default.removeItem(at: directory) }
        return try CertificateAuthority.create(trustDomain: "plimsoll.test", in: directory, now: now)
    }

    private func certificate(_ identity: PeerIdentity, _ authority: CertificateAuthority) throws -> [UInt8] {
        let key = KeyPair()
        let issued = try authority.issue(
            request: key.request(for: identity), as: identity, validity: .seconds(90 * 86_400), now: now)
        let text = issued.pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
        return try Array(#require(Data(base64Encoded: text)))
    }

    @Test(arguments: [
        (91.0, Finding.State.ok), (90.0, .warning), (0.5, .warning), (0.0, .warning), (-0.1, .failed),
    ])
    func `an authority is to be replaced before the last leaf it signs ends`(days: Double, state: Finding.State) {
        let finding = LocalChecks.authority(end: now.addingTimeInterval(days * 86_400), now: now)
        #expect(finding.name == "authority" && finding.state == state)
        #expect((state == .ok) == finding.remedy.isEmpty)
    }

    @Test func `a coordinator's certificate is judged as it was shown`() throws {
        let authority = try authority()
        let trust = try TrustBundle(pem: authority.certificatePEM)
        let shown = try certificate(.coordinator("c1", trustDomain: "plimsoll.test"), authority)
        func finding(_ der: [UInt8], days: Double, trust: TrustBundle) -> Finding {
            LocalChecks.serverCertificate(der, of: address, trust: trust, now: now.addingTimeInterval(days * 86_400))
        }
        let good = finding(shown, days: 1, trust: trust)
        #expect(good.state == .ok && good.name == "certificate of localhost:7443" && good.remedy.isEmpty)
        #expect(finding(shown, days: 61, trust: trust).state == .warning)
        let ended = finding(shown, days: 91, trust: trust)
        #expect(ended.state == .failed && ended.finding.contains("ended") && ended.remedy.contains("SIGHUP"))
        let stranger = finding(
            shown, days: 1, trust: try TrustBundle(pem: self.authority().certificatePEM))
        #expect(stranger.state == .failed && stranger.remedy.contains("ca.pem"))
        let person = try certificate(.engineer("ada", worker: "w", trustDomain: "plimsoll.test"), authority)
        #expect(finding(person, days: 1, trust: trust).state == .failed)
        #expect(finding([1, 2, 3], days: 1, trust: trust).state == .failed)
    }

    @Test func `a clock that is far off says so`() {
        func finding(_ seconds: Double) -> Finding {
            LocalChecks.clock(
                databaseMicroseconds: Int64(now.timeIntervalSince1970 * 1_000_000),
                asked: now.addingTimeInterval(seconds), heard: now.addingTimeInterval(seconds + 0.1))
        }
        #expect(finding(0).state == .ok)
        let ahead = finding(90)
        #expect(ahead.state == .warning && ahead.finding == "90s ahead of the database's" && !ahead.remedy.isEmpty)
        #expect(finding(-90).state == .warning)
    }

    @Test func `where nobody listens no certificate is shown`() async throws {
        await #expect(throws: (any Error).self) {
            // The port of the discard service, where nothing of ours ever listens.
            try await ServerCertificate.shown(at: ServerAddress(host: "127.0.0.1", port: 9))
        }
    }
}
