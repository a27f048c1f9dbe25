import Ledger
import Postgres
import TestSupport
import Testing

/// Streams whose reader stops: the database takes its connection back, and the pool opens another.
@Suite struct SlowReaderTests {
    private static let pauseMax = Duration.milliseconds(100)

    /// Takes nothing until the database has ended the transaction.
    private func stop(_ fixture: LedgerFixture) async throws {
        let isEnded = try await eventually {
            try await fixture.number(
                """
                select count(*) from pg_stat_activity
                where datname = current_database() and state = 'idle in transaction'
                """) == 0
        }
        #expect(isEnded)
    }

    private func expectEnd(_ fixture: LedgerFixture, _ body: @Sendable () async throws -> Void) async throws {
        let error = await #expect(throws: LedgerError.self) { try await body() }
        #expect(error?.code == .refused && error?.remedy != nil)
        #expect(fixture.ledger.pool.statistics.lent == 0)
    }

    @Test func aStreamThatNobodyTakesIsEndedAndTheNextWorks() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(purposes: ["taking-part", "training"])
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            _ = try await ledger.exportLabels(project: "puzzles", purpose: "training", by: "op") { _ in
            } receive: { _ in
            }
            try await fixture.withdraw("ann", "training")
            try await ledger.settleWithdrawals()
            let export = try #require(try await ledger.supersededExports().first).export
            try await expectEnd(fixture) {
                try await ledger.ownAnswers(of: "ann", pauseMax: Self.pauseMax) { _ in try await stop(fixture) }
            }
            try await expectEnd(fixture) {
                try await ledger.personData(of: "ann", pauseMax: Self.pauseMax) { _ in
                } rows: { _ in
                    try await stop(fixture)
                }
            }
            try await expectEnd(fixture) {
                try await ledger.droppedRecords(of: export, pauseMax: Self.pauseMax) { _ in
                } receive: { _ in
                    try await stop(fixture)
                }
            }
            try await ledger.ownAnswers(of: "ann") { answers in #expect(answers.count == 1) }
        }
    }
}
