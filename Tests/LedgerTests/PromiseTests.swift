import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// P1 attacked with plain SQL in the coordinator's role.
@Suite struct ExactOverlapTests {
    private static func lease(_ key: String, slot: Int, person: String, fence: Int) -> String {
        """
        insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at, deadline,
            coordinator_id, provenance_id, why)
        select t.task_id, \(slot), p.person_id, \(fence), t.lane_id, t.project_id, clock(), clock(), clock(), 1, 1, '{}'
        from task t, person p where t.external_key = '\(key)' and p.name = '\(person)'
        """
    }

    private static func label(_ fence: Int) -> String {
        """
        insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
            answer_hash, answer)
        select task_id, slot, person_id, fence, project_id, 1, provenance_id, current_date, '\\x00', '{}'
        from lease where fence = \(fence)
        """
    }

    private func state(_ connection: Connection, _ sql: String) async -> String? {
        do {
            _ = try await connection.query(Query(.unprepared(sql)))
            return nil
        } catch {
            return (error as? PostgresError)?.sqlState ?? "?"
        }
    }

    @Test func noSlotAndNoPersonTwice() async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 2, people: ["ann", "bob", "cid"])
            try await fixture.importTasks(tasks(3))
            let sql = try await fixture.coordinator()
            #expect(await state(sql, Self.lease("t0", slot: 1, person: "ann", fence: 1)) == nil)
            #expect(await state(sql, Self.lease("t0", slot: 1, person: "bob", fence: 2)) == "23505")
            #expect(await state(sql, Self.lease("t0", slot: 2, person: "ann", fence: 3)) == "23505")
            #expect(await state(sql, Self.lease("t0", slot: 3, person: "bob", fence: 4)) == "PL003")
            #expect(await state(sql, Self.lease("t0", slot: 0, person: "bob", fence: 4)) == "PL003")
            let forged = """
                insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
                    answer_hash, answer)
                select t.task_id, 2, p.person_id, 9, t.project_id, 1, 1, current_date, '\\x00', '{}'
                from task t, person p where t.external_key = 't0' and p.name = 'bob'
                """
            #expect(await state(sql, forged) == "PL001")
            #expect(await state(sql, Self.label(1)) == nil)
            #expect(try await fixture.number("select count(*) from lease") == 0)
            #expect(await state(sql, Self.lease("t0", slot: 1, person: "bob", fence: 5)) == "PL002")
            #expect(await state(sql, Self.lease("t0", slot: 2, person: "ann", fence: 6)) == "PL002")
            #expect(await state(sql, Self.lease("t0", slot: 2, person: "bob", fence: 7)) == nil)
            func park(_ fence: Int) -> String {
                """
                insert into parked select task_id, slot, person_id, fence, lane_id, project_id, first_granted_at,
                    clock(), clock(), provenance_id from lease where fence = \(fence)
                """
            }
            #expect(await state(sql, park(7)) == nil)
            #expect(await state(sql, Self.lease("t0", slot: 2, person: "cid", fence: 8)) == "PL002")
            #expect(await state(sql, Self.lease("t1", slot: 1, person: "bob", fence: 9)) == nil)
            #expect(await state(sql, park(9)) == nil)
            #expect(await state(sql, Self.lease("t1", slot: 2, person: "bob", fence: 10)) == "PL002")
            let forgedPark = """
                insert into parked select t.task_id, 1, p.person_id, 11, t.lane_id, t.project_id, clock(), clock(),
                    clock(), 1 from task t, person p where t.external_key = 't2' and p.name = 'cid'
                """
            #expect(await state(sql, forgedPark) == "PL001")
            await sql.close()
        }
    }

    /// P1 and P4: where the lease moved on, the label of its old holder is refused.
    @Test(arguments: [true, false]) func aLabelAndALeaseThatMeetLeaveOneHolder(labelFirst: Bool) async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 1, people: ["ann", "bob"])
            try await fixture.importTasks(tasks(1))
            let one = try await fixture.coordinator()
            let two = try await fixture.coordinator()
            #expect(await state(one, Self.lease("t0", slot: 1, person: "ann", fence: 1)) == nil)
            try await one.execute(script: "begin")
            try await two.execute(script: "begin; set local lock_timeout = '20s'")
            if labelFirst {
                #expect(await state(one, Self.label(1)) == nil)
                let second = Task { await state(two, Self.lease("t0", slot: 1, person: "bob", fence: 2)) }
                try await waitForWaiter(fixture)
                try await one.execute(script: "commit")
                #expect(await second.value == "PL002")
                try await two.execute(script: "rollback")
            } else {
                // The lease ends and is granted anew, while the old holder's label comes late.
                #expect(await state(two, "delete from lease where fence = 1") == nil)
                #expect(await state(two, Self.lease("t0", slot: 1, person: "bob", fence: 2)) == nil)
                let first = Task { await state(one, Self.label(1)) }
                try await waitForWaiter(fixture)
                try await two.execute(script: "commit")
                #expect(await first.value == "PL001")
                try await one.execute(script: "rollback")
            }
            #expect(
                try await fixture.number("select (select count(*) from lease) + (select count(*) from label)") == 1)
            await one.close()
            await two.close()
        }
    }

    private func waitForWaiter(_ fixture: LedgerFixture) async throws {
        #expect(
            try await eventually {
                try await fixture.number(
                    // A lock on a transaction has no database; its waiter has one.
                    """
                    select count(*) from pg_locks join pg_stat_activity using (pid)
                    where not granted and locktype = 'transactionid' and datname = current_database()
                    """) > 0
            })
    }
}

@Suite struct EpochTests {
    @Test func whoFreezesWithTheEpochInHandLetsGoBeforeOthersGiveUp() async throws {
        try await withLedger { fixture in
            let before = try await fixture.ledger.epochVersion()
            let ledger = fixture.ledger
            let frozen = Task {
                try await ledger.withEpoch(cause: "frozen") { _ in try await Task.sleep(for: .seconds(60)) }
            }
            #expect(
                try await eventually {
                    try await fixture.number(
                        """
                        select count(*) from pg_locks join pg_stat_activity using (pid)
                        where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
                            and datname = current_database()
                        """) > 0
                })
            _ = try await ledger.setReadOnly(true, reason: "a test", by: "op")
            #expect(try await ledger.epochVersion() == before + 1)
            frozen.cancel()
            await #expect(throws: (any Error).self) { try await frozen.value }
            #expect(try await ledger.epochVersion() == before + 1)
        }
    }

    @Test func aCommandWaitsForFlushesAndGivesUpInTime() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            let before = try await fixture.ledger.epochVersion()
            let flush = try await fixture.coordinator()
            try await flush.execute(script: "begin; select pg_advisory_xact_lock_shared(\(EpochLock.key))")
            let paused = Task { try await fixture.ledger.setProjectState("puzzles", to: .paused, by: "op") }
            #expect(
                try await eventually {
                    try await fixture.number(
                        """
                        select count(*) from pg_locks join pg_stat_activity using (pid)
                        where locktype = 'advisory' and not granted and datname = current_database()
                        """) > 0
                })
            #expect(try await fixture.ledger.epochVersion() == before)
            try await flush.execute(script: "commit")
            #expect(try await paused.value.state == .paused)
            #expect(try await fixture.ledger.epochVersion() == before + 1)
            try await flush.execute(script: "begin; select pg_advisory_xact_lock_shared(\(EpochLock.key))")
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.setProjectState("puzzles", to: .open, by: "op")
            }
            #expect(error?.code == .busy)
            #expect(try await fixture.ledger.project(named: "puzzles").state == .paused)
            await flush.close()
        }
    }
}
