import Foundation
import Ledger
import Logging
import PlimsollModel
import Postgres
import TestSupport
import Testing

@Suite struct MigratorTests {
    private func connect(_ conninfo: String) async throws -> Connection {
        try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: quiet)
    }

    @Test func anEmptyDatabaseBecomesCurrentAndADryRunChangesNothing() async throws {
        try await withDatabase { conninfo in
            let connection = try await connect(conninfo)
            #expect(try await Ledger.schemaState(connection) == .absent)
            let plan = try await Migrator(logger: quiet).plan(connection)
            #expect(plan == Migration.shipped)
            #expect(try await Ledger.schemaState(connection) == .absent)
            #expect(try await Migrator(logger: quiet).run(connection) == Migration.shipped)
            #expect(try await Ledger.schemaState(connection) == .current)
            #expect(try await Migrator(logger: quiet).run(connection).isEmpty)
            let policies = try await connection.query(Query(.unprepared("select document from plimsoll.policy")))
            #expect(policies.count == 1)
            _ = try PolicyDocument(yaml: policies[0].text(0))
            await connection.close()
        }
    }

    @Test func migratorsThatStartTogetherDoNotRace() async throws {
        try await withDatabase { conninfo in
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let connection = try await connect(conninfo)
                        let applied = try await Migrator(logger: quiet).run(connection).count
                        await connection.close()
                        return applied
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(applied == Migration.shipped.count)
        }
    }

    @Test func olderNewerAndChangedSchemasAreToldApart() async throws {
        try await withLedger { fixture in
            let last = Migration.shipped.map(\.number).max() ?? 0
            func state(after sql: String) async throws -> SchemaState {
                try await fixture.owner.execute(script: sql)
                let coordinator = try await fixture.coordinator()
                let state = try await Ledger.schemaState(coordinator)
                await coordinator.close()
                return state
            }
            let untouched = try await state(after: "update migration set name = name")
            #expect(untouched == .current)
            let newer = try await state(
                after: "insert into migration (number, name, checksum) values (900, 'later', '\\x00')")
            #expect(newer == .newer(unknown: [900]))
            await #expect(throws: LedgerError.self) { try await Migrator(logger: quiet).run(fixture.owner) }
            let older = try await state(after: "delete from migration where number in (900, \(last))")
            #expect(older == .older(missing: [last]))
            let changed = try await state(after: "update migration set checksum = '\\x00' where number = 1")
            #expect(changed == .changed(1))
            #expect(SchemaState.older(missing: [last]).problem?.contains("plimsoll migrate") == true)
        }
    }

    /// P8: all time comes from the one function, as it was shipped.
    @Test func aForeignClockIsFoundOut() async throws {
        try await withLedger { fixture in
            try await fixture.owner.execute(
                script: """
                    create or replace function clock() returns timestamptz language sql volatile parallel restricted
                        as $$ select timestamptz '2026-03-30 10:00+00' $$
                    """)
            #expect(try await fixture.ledger.schemaState() == .foreignClock)
        }
    }

    @Test func aTableThatIsReadIsWaitedForInMomentsAndKeptFromNobody() async throws {
        try await withDatabase { conninfo in
            let owner = try await connect(conninfo)
            let first = Migration.shipped.filter { $0.number < 24 }
            let rest = Migration.shipped.filter { $0.number >= 24 }
            #expect(try await Migrator(migrations: first, logger: quiet).run(owner) == first)
            let reader = try await connect(conninfo)
            try await reader.execute(script: "begin; lock table plimsoll.lease in access share mode")
            let other = try await connect(conninfo)
            try await other.execute(script: "set lock_timeout = '1s'")
            let migrated = Task { try await Migrator(logger: quiet).run(owner) }
            #expect(
                try await eventually {
                    let waiting = try await other.query(
                        Query(
                            .unprepared(
                                """
                                select count(*) from pg_locks join pg_stat_activity using (pid)
                                where not granted and locktype = 'relation' and datname = current_database()
                                """)))
                    return try waiting[0].int8(0) > 0
                })
            // Behind an attempt that waits, and another.
            for _ in 0..<10 {
                _ = try await other.query(Query(.unprepared("select count(*) from plimsoll.lease")))
                try await Task.sleep(for: .milliseconds(50))
            }
            try await reader.execute(script: "commit")
            #expect(try await migrated.value == rest)
            for connection in [owner, reader, other] { await connection.close() }
        }
    }

    @Test func onlyTheOwnerMigrates() async throws {
        try await withLedger { fixture in
            let coordinator = try await fixture.coordinator()
            let error = await #expect(throws: LedgerError.self) { try await Migrator(logger: quiet).run(coordinator) }
            #expect(error?.code == .schema)
            #expect(error?.description.contains("run plimsoll migrate as") == true)
            await coordinator.close()
        }
    }

    @Test func theCoordinatorsRoleChangesNothingThatIsMeantToStay() async throws {
        try await withLedger { fixture in
            let coordinator = try await fixture.coordinator()
            for (table, column) in [
                ("label", "answer"), ("consent_event", "state"), ("chain_event", "kind"), ("chain_link", "hash"),
                ("task", "payload"), ("policy", "document"), ("notice", "body"), ("exclusion", "up_to_n"),
                ("usage", "n"), ("lease_history", "how"),
            ] {
                for sql in [
                    "delete from \(table)", "truncate \(table)", "update \(table) set \(column) = \(column)",
                    "drop table \(table)", "alter table \(table) disable trigger all",
                ] {
                    let error = await #expect(throws: PostgresError.self, "\(sql)") {
                        _ = try await coordinator.query(Query(.unprepared(sql)))
                    }
                    #expect(error?.sqlState == "42501", "\(sql): \(String(reflecting: error))")
                }
            }
            await coordinator.close()
            #expect(
                try await fixture.texts(
                    """
                    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    join pg_roles r on r.oid = c.relowner
                    where n.nspname = 'plimsoll' and c.relkind in ('r', 'p', 'S')
                        and r.rolname in ('plimsoll_coordinator', 'plimsoll_reader')
                    """
                ).isEmpty)
            #expect(
                try await fixture.texts(
                    """
                    select table_name || ' ' || privilege_type from information_schema.role_table_grants
                    where grantee = 'plimsoll_reader' and privilege_type <> 'SELECT'
                    """
                ).isEmpty)
        }
    }

    /// Not beside those who read the parent, who might be blind to the new one; nor do they wait longer than a moment.
    @Test func partitionsAreMadeAndDroppedWhileNobodyReadsTheParent() async throws {
        try await withLedger { fixture in
            try await fixture.owner.execute(
                script: """
                    insert into person (name, zone) values ('ann', 'UTC');
                    create table usage_20200101 partition of usage for values from ('2020-01-01') to ('2020-01-02');
                    """)
            let reader = try await fixture.coordinator()
            let worker = try await fixture.coordinator()
            try await reader.execute(script: "begin")
            _ = try await reader.query(Query(.unprepared("select count(*) from usage")))
            func make(ahead: Int) async throws -> Int64 {
                try await worker.query(Query(.unprepared("select ensure_partitions(\(ahead))")))[0].int8(0)
            }
            let busy = await #expect(throws: PostgresError.self) { try await make(ahead: 9) }
            #expect(busy?.sqlState == "55P03")
            // Where none is missing nobody is waited for.
            #expect(try await make(ahead: 7) == 0)
            try await reader.execute(script: "commit")
            #expect(try await make(ahead: 9) == 6)
            try await reader.execute(script: "begin")
            // PostgreSQL drops no partition under a reader of its parent. The attempt gives up within its lock timeout,
            // so that those who write meanwhile wait for no longer than that.
            _ = try await reader.query(Query(.unprepared("select count(*) from usage")))
            let writing = Task {
                var longest = Duration.zero
                for n in 1...40 {
                    let began = ContinuousClock.now
                    _ = try await worker.query(
                        Query(
                            .unprepared(
                                """
                                insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                                values (1, \(n), clock() + interval '8 days', current_date, 0, 0)
                                """)))
                    longest = max(longest, ContinuousClock.now - began)
                }
                return longest
            }
            for _ in 0..<3 {
                let error = await #expect(throws: LedgerError.self) {
                    try await fixture.ledger.dropOldPartition(of: .usage)
                }
                #expect(error?.code == .busy)
            }
            #expect(try await writing.value < .seconds(2))
            try await reader.execute(script: "commit")
            #expect(try await fixture.ledger.dropOldPartition(of: .usage) == "usage_20200101")
            await reader.close()
            await worker.close()
        }
    }

    @Test func aDayWithoutPartitionsIsNamedAndNothingChanges() async throws {
        try await withLedger { fixture in
            _ = try await fixture.ledger.createPerson(named: "ann", zone: "UTC")
            let children = try await fixture.texts(
                "select inhrelid::regclass::text from pg_inherits where inhparent = 'usage'::regclass")
            for child in children { try await fixture.owner.execute(script: "drop table \(child)") }
            let error = await #expect(throws: LedgerError.self) {
                try await fixture.ledger.grantRole(.engineer, to: "ann", by: "op")
            }
            #expect(error?.code == .unavailable && error?.message.contains("no partition of this day") == true)
            #expect(
                try await fixture.number(
                    "select count(*) from role_grant join person using (person_id) where name = 'ann'") == 0)
            #expect(try await fixture.ledger.ensurePartitions() == children.count)
            try await fixture.ledger.grantRole(.engineer, to: "ann", by: "op")
        }
    }

    /// What is done for all in one statement would fail for all.
    @Test func aZoneThatTheServerDoesNotKnowCountsAsUTCAndStopsNobodysHousekeeping() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            for name in ["ann", "bob", "cleo"] { _ = try await ledger.createPerson(named: name, zone: "UTC") }
            try await fixture.owner.execute(
                script: """
                    update person set zone = 'Atlantis/Capital' where name in ('ann', 'cleo');
                    create table usage_20200105 partition of usage for values from ('2020-01-05') to ('2020-01-06');
                    insert into usage select person_id, 40, '2020-01-05 10:00+00', '2020-01-05', 3, 0
                        from person where name in ('ann', 'bob');
                    insert into work_interval (person_id, kind, severity, starts, ends)
                        select person_id, 'puzzle', 0, d + interval '22 hours', d + interval '26 hours'
                        from person, date_trunc('day', clock() - interval '40 days', 'UTC') d
                        where name in ('ann', 'bob');
                    """)
            #expect(try await ledger.dropOldPartition(of: .usage) == "usage_20200105")
            #expect(
                try await fixture.number(
                    "select count(*) from usage where n = 40 and day = (at at time zone 'UTC')::date") == 2)
            try await ledger.ageWork()
            #expect(
                try await fixture.texts("select seconds::text from work_day order by person_id, day")
                    == ["7200", "7200", "7200", "7200"])
            // Of her nothing is on record yet, so that the date of her first fact is reckoned.
            try await ledger.grantRole(.engineer, to: "cleo", by: "op")
            let standing = try await ledger.standing(of: "cleo")
            let today = try Zone.named("UTC").day(at: standing.now)
            #expect(standing.person.zone == "Atlantis/Capital" && standing.today == today)
        }
    }

    @Test func aPersonsNumberOutlivesThePartitionThatHeldIt() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await ledger.createPerson(named: "ann", zone: "UTC")
            _ = try await ledger.createPerson(named: "bob", zone: "UTC")
            try await fixture.owner.execute(
                script: """
                    create table usage_20200105 partition of usage for values from ('2020-01-05') to ('2020-01-06');
                    insert into usage select person_id, g, '2020-01-05 10:00+00', '2020-01-05', 3, 0
                        from person, generate_series(1, 40) g where name in ('ann', 'bob');
                    insert into usage select person_id, 41, clock(), current_date, 0, 0 from person where name = 'bob';
                    """)
            #expect(try await ledger.dropOldPartition(of: .usage) == "usage_20200105")
            #expect(try await ledger.dropOldPartition(of: .usage) == nil)
            #expect(
                try await fixture.texts("select max(n)::text from usage group by person_id order by person_id")
                    == ["40", "41"])
            try await ledger.grantRole(.engineer, to: "ann", by: "op")
            #expect(
                try await fixture.number(
                    "select max(n) from usage join person using (person_id) where name = 'ann'") == 41)
            #expect(try await ledger.ensurePartitions() == 0)
        }
    }
}
