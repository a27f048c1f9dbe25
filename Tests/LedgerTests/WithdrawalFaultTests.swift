import Foundation
import Logging
import PlimsollModel
import Postgres
import PrivateCluster
import TestSupport
import Testing

@testable import Ledger

/// A database that goes away in the middle of a withdrawal (P3, P5): all of it or nothing, and the repeat has a
/// receipt.
@Suite struct WithdrawalFaultTests {
    @Test(
        .serialized,
        arguments: [
            FaultyProxy.Fault.cutAfter("ann"), .cutAfter("INSERT 0 1"), .loseAnswer(to: "consent_exclude"),
            .loseAnswer(to: "end_open_leases"), .loseAnswer(to: "tally_append"), .loseAnswer(to: "COMMIT"),
        ])
    func allOrNothingAndTheRepeatHasAReceipt(fault: FaultyProxy.Fault) async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(3))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.lease("t1", to: "ann")
            let folder = try TestFolder.make("proxy")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let proxy = try FaultyProxy(
                directory: folder.path(percentEncoded: false),
                upstream: try await SharedCluster.shared.cluster().host)
            var configuration = LedgerFixture.coordinatorConfiguration(
                fixture.conninfo + " host='\(proxy.directory)' port=5432")
            configuration.settings = Ledger.sessionSettings
            let pool = Pool(configuration: configuration, limits: Pool.Limits(max: 1), logger: quiet)
            let ledger = Ledger(pool: pool)
            let voice = ConsentVoice(name: "ann", certificateSerial: "ab01")
            // A connection that works, so that the fault meets the withdrawal and not the login.
            _ = try await ledger.receipts(of: "ann")
            proxy.set(fault)
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.withdrawAgreement(purpose: "taking-part", voice: voice)
            }
            #expect(error?.code == .unavailable, "\(String(describing: error))")
            proxy.set(.none)
            let before = try await whole(fixture)
            let receipt = try await eventually(ledger, voice)
            #expect(receipt.state == .withdrawn)
            #expect(receipt.leasesEnded == (before == 0 ? 1 : 0))
            #expect(try await whole(fixture) == before + 1)
            #expect(try await fixture.number("select count(*) from lease") == 0)
            await pool.close()
            proxy.close()
        }
    }

    /// How many withdrawals there are; event, exclusion, record and debt always together, and with the first of them
    /// the end of the lease.
    private func whole(_ fixture: LedgerFixture) async throws -> Int64 {
        let counts = try await fixture.owner.query(
            Query(
                .unprepared(
                    """
                    select (select count(*) from consent_event where state = 'withdrawn'), (select count(*) from exclusion),
                        (select count(*) from chain_event where kind = 'consent.withdrawn'),
                        (select count(*) from owed_refill),
                        (select count(*) from lease_history where how = 'withdrawn'), (select count(*) from lease)
                    """)))[0]
        let events = try counts.int8(0)
        for column in 1...3 { #expect(try counts.int8(column) == events) }
        #expect(try counts.int8(4) == min(events, 1))
        #expect(try counts.int8(5) == 1 - min(events, 1))
        return events
    }

    private func eventually(_ ledger: Ledger, _ voice: ConsentVoice) async throws -> ConsentReceipt {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try await ledger.withdrawAgreement(purpose: "taking-part", voice: voice)
            } catch let error as LedgerError where error.code == .unavailable && ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
