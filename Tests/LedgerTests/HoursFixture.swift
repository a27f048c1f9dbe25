import Ledger
import PlimsollModel
import Postgres
import Testing

extension LedgerFixture {
    /// Sets the clock of this database; it stands still.
    func setClock(_ text: String) async throws {
        try await owner.execute(
            script: """
                create or replace function clock() returns timestamptz language sql volatile parallel restricted
                    as $$ select timestamptz '\(text)' $$
                """)
        _ = try await ledger.ensurePartitions()
    }

    /// Leased time that a flush wrote down, not merged yet.
    func worked(_ name: String, _ from: String, _ to: String, kind: String = "puzzle") async throws {
        try await owner.execute(
            script: """
                insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind, severity)
                select p.person_id, coalesce((select max(n) from usage u where u.person_id = p.person_id), 0) + 1, clock(),
                    clock()::date, 0, 7, '\(from)', '\(to)', '\(kind)', 0 from person p where p.name = '\(name)'
                """)
    }

    /// Leased time as the gate would read it, in seconds.
    func leasedSeconds(_ name: String) async throws -> Int64 {
        try await ledger.standing(of: name).person.worked.intervals.microseconds / 1_000_000
    }

    func personNumber(_ name: String) async throws -> Int64 {
        try await number(
            "select max(n) from usage where person_id = (select person_id from person where name = '\(name)')")
    }

    /// Whether a statement of the ledger comes to wait for a lock. Asked over a connection of its own: within a
    /// transaction what others do is seen once and no more.
    func comesToWait(in part: String) async throws -> Bool {
        let watcher = try await coordinator()
        var waiting: Int64 = 0
        for _ in 0..<1_000 where waiting == 0 {
            waiting = try await waitingForLocks(watcher, in: part)
            try await Task.sleep(for: .milliseconds(10))
        }
        await watcher.close()
        return waiting > 0
    }

    /// That numbers of everybody go up by one from row to row.
    func expectNoGaps() async throws {
        #expect(
            try await number(
                """
                select count(*) from (select n - lag(n) over (partition by person_id order by n) as step from usage) x
                where step <> 1
                """) == 0)
    }
}

/// The code of what is thrown; nil: nothing is.
func code(_ body: () async throws -> Void) async -> LedgerError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? LedgerError)?.code
    }
}
