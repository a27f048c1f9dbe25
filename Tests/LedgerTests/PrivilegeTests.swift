import Ledger
import Postgres
import TestSupport
import Testing

/// What each role may do, in full: a grant that is not named here fails.
@Suite struct PrivilegeTests {
    @Test func everyPrivilegeIsNamedHere() async throws {
        try await withLedger { fixture in
            let found = try await fixture.texts(Self.catalog)
            let expected = Self.expected
            #expect(Set(found).subtracting(expected).isEmpty, "granted and not named")
            #expect(Set(expected).subtracting(found).isEmpty, "named and not granted")
            #expect(found.count == expected.count)
        }
    }

    @Test func theRolesThemselvesMayDoNothingElseAndOwnNothing() async throws {
        try await withLedger { fixture in
            let plain = try await fixture.number(
                """
                select count(*) from pg_roles where rolname in ('plimsoll_coordinator', 'plimsoll_reader')
                    and not rolsuper and not rolcreaterole and not rolcreatedb and not rolreplication
                    and not rolbypassrls and rolcanlogin
                """)
            #expect(plain == 2)
            // Neither is a member of another role, and nobody gets something by default later.
            #expect(
                try await fixture.number(
                    """
                    select (select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member
                            where r.rolname in ('plimsoll_coordinator', 'plimsoll_reader'))
                        + (select count(*) from pg_default_acl)
                    """) == 0)
            #expect(
                try await fixture.texts(
                    """
                    select relname::text from pg_class where relnamespace = 'plimsoll'::regnamespace
                        and relowner <> (select nspowner from pg_namespace where nspname = 'plimsoll')
                    union all
                    select proname::text from pg_proc where pronamespace = 'plimsoll'::regnamespace
                        and proowner <> (select nspowner from pg_namespace where nspname = 'plimsoll')
                    """
                ).isEmpty)
            // A partition is written through its parent alone. Those made with the schema may be read too.
            #expect(
                try await fixture.texts(
                    """
                    select distinct c.relname || ' ' || a.privilege_type
                    from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
                    where relnamespace = 'plimsoll'::regnamespace and relispartition and a.grantee <> c.relowner
                        and not (a.privilege_type = 'SELECT' and r.rolname = 'plimsoll_coordinator')
                    """
                ).isEmpty)
        }
    }

    /// P1 and P11 against plain SQL: labels, fences and the chain are changed by nobody who serves or reads.
    @Test func whatIsMeantToStayStaysWhoeverTries() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            let coordinator = try await fixture.coordinator()
            var reading = ConnectionConfiguration(conninfo: fixture.conninfo + " user=plimsoll_reader")
            reading.settings = Ledger.sessionSettings
            let reader = try await Connection.connect(reading, logger: quiet)
            func refused(_ sql: String, _ connection: Connection) async throws {
                let error = await #expect(throws: PostgresError.self, "\(sql)") {
                    _ = try await connection.query(Query(.unprepared(sql)))
                }
                #expect(error?.sqlState == "42501", "\(sql): \(String(reflecting: error))")
            }
            for (table, column) in [
                ("label", "answer"), ("label", "person_id"), ("label", "provenance_id"), ("consent_event", "state"),
                ("consent_event", "valid_until"), ("exclusion", "up_to_n"), ("chain_event", "hash"),
                ("chain_detail", "detail"), ("chain_link", "previous"), ("chain_head", "signature"),
                ("late_answer", "answer"), ("late_answer", "person_id"),
                ("excluded_label", "answer"), ("excluded_label", "person_id"), ("export_drop", "task_key"),
                ("provenance", "agreements"),
                ("policy", "document"), ("notice", "body"), ("task", "payload"), ("gold", "answer"), ("usage", "n"),
                ("lease_history", "granted_at"), ("past_enrolment", "rule"), ("past_team_member", "ended_by"),
                ("concern", "body"), ("concern_answer", "body"), ("declined", "person_id"), ("epoch", "version"),
                ("migration", "checksum"), ("instructions", "body"), ("time_correction", "ends"),
                ("time_correction_answer", "outcome"), ("throughput_look", "reason"),
            ] {
                try await refused("update \(table) set \(column) = \(column)", coordinator)
                try await refused("delete from \(table)", coordinator)
            }
            try await refused("update lease set person_id = person_id", coordinator)
            try await refused("update lease set fence = fence", coordinator)
            try await refused("update export_person set person_id = person_id", coordinator)
            try await refused("delete from export_person", coordinator)
            try await refused("update project set name = name", coordinator)
            try await refused("create table mine (n int)", coordinator)
            for table in ["person", "label", "lease", "consent_event", "usage", "late_answer", "enrolment", "denial"] {
                try await refused("select 1 from \(table)", reader)
            }
            // Not even the owner by accident, where the chain and consent are concerned.
            for table in ["consent_event", "chain_event", "chain_link"] {
                let error = await #expect(throws: PostgresError.self) {
                    _ = try await fixture.owner.query(Query(.unprepared("delete from \(table)")))
                }
                #expect(error?.sqlState == "PL004")
            }
            let error = await #expect(throws: PostgresError.self) {
                _ = try await fixture.owner.query(Query(.unprepared("update label set answer = '{}'")))
            }
            #expect(error?.sqlState == "PL004")
            await coordinator.close()
            await reader.close()
        }
    }

    /// Every privilege in the schema of anybody but its owner, `*` where it may be passed on. Partitions have none of
    /// their own, which a test of its own looks at.
    private static let catalog = """
        with privilege as (
            select 'schema' as what, nspname::text as name, (aclexplode(nspacl)).* from pg_namespace
            where nspname = 'plimsoll'
            union all
            select case relkind when 'S' then 'sequence' else 'table' end, relname::text,
                (aclexplode(coalesce(relacl,
                    acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)))).*
            from pg_class where relnamespace = 'plimsoll'::regnamespace and not relispartition
                and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            union all
            select 'column', c.relname || '.' || a.attname, (aclexplode(a.attacl)).*
            from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'plimsoll'::regnamespace and not a.attisdropped
            union all
            select 'function', p.oid::regprocedure::text, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*
            from pg_proc p where pronamespace = 'plimsoll'::regnamespace)
        select coalesce(r.rolname, 'public') || ' ' || what || ' ' || name || ': '
            || string_agg(lower(privilege_type) || case when is_grantable then '*' else '' end, ' '
                order by privilege_type)
        from privilege left join pg_roles r on r.oid = grantee
        where grantee <> (select nspowner from pg_namespace where nspname = 'plimsoll')
        group by r.rolname, what, name
        """

    private static var expected: [String] {
        func lines(_ role: String, _ what: String, _ privileges: String, _ names: String) -> [String] {
            names.split(whereSeparator: \.isWhitespace).map { "\(role) \(what) \($0): \(privileges)" }
        }
        let coordinator = "plimsoll_coordinator"
        let reader = "plimsoll_reader"
        return lines(coordinator, "schema", "usage", "plimsoll")
            + lines(coordinator, "table", "select", "deployment excluded_label kept_label migration")
            // Appended and never changed, but for the columns below.
            + lines(
                coordinator, "table", "insert select",
                """
                certificate chain_detail chain_event chain_head chain_link concern concern_answer consent_event
                coordinator decision decline_reason declined enrolment_token epoch exclusion export export_drop
                export_person gold import instructions label lane late_answer lease_history limit_raise notice
                past_enrolment past_team_member person policy project provenance read_access supersession task team
                throughput_look time_correction time_correction_answer usage work_merged
                """)
            + lines(
                coordinator, "table", "delete insert select",
                """
                block chain_unsealed closed_task contribution coordinator_life cord cord_key cord_pause
                delivery_failure denial enrolment lease limit_layer named_person owed_drop owed_refill
                parked presence project_purpose queue_hour returned role_grant span span_position tally tally_fold tally_minute
                team_member work_day work_interval
                """)
            // A row lock needs the right to change some column: of lane the priority, which nothing changes.
            + lines(
                coordinator, "column", "update",
                """
                certificate.told_at coordinator.adopted_at coordinator.left_at coordinator.settled_at
                delivery_failure.forgiven
                deployment.read_only deployment.reason deployment.set_by deployment.since enrolment_token.used_at
                export.finished_at export.labels export_person.at_n export_person.labels import.cancelled_at
                lane.priority late_answer.judged_by late_answer.judged_why late_answer.state lease.coordinator_id
                lease.deadline lease.deadline_rule limit_layer.document limit_layer.set_at limit_layer.set_by limit_raise.agreed_at
                limit_raise.agreed_by limit_raise.ended_at limit_raise.ended_by person.declared_week_seconds
                person.former_zone person.zone person.zone_changed_at presence.available project.effort_seconds
                project.instructions_version project.refill project.state project.weight team.supervisor_id
                team_member.decided_by team_member.since team_member.team_id work_day.seconds work_interval.ends
                work_merged.at work_merged.n
                """)
            + lines(
                coordinator, "sequence", "usage",
                """
                block_block_id_seq chain_event_event_id_seq concern_answer_answer_id_seq coordinator_coordinator_id_seq
                decline_reason_reason_id_seq denial_denial_id_seq export_export_id_seq fence_run import_import_id_seq
                lane_lane_id_seq late_answer_late_id_seq limit_raise_raise_id_seq past_enrolment_past_id_seq
                past_team_member_past_id_seq person_person_id_seq policy_version_seq project_project_id_seq
                provenance_provenance_id_seq read_access_read_id_seq span_n team_team_id_seq
                throughput_look_look_id_seq time_correction_correction_id_seq
                """)
            + lines(coordinator, "sequence", "select update usage", "task_id")
            + lines(
                coordinator, "function", "execute",
                """
                drop_old_partition(text,integer) ensure_partitions(integer) erase_answers(bigint,text,integer)
                erasable_labels(bigint,text,integer) erase_person(bigint,text) forget_hours(text,integer) forget_past(text,integer) set_aside_labels(bigint,integer)
                """)
            + lines(reader, "schema", "usage", "plimsoll")
            + lines(
                reader, "table", "select",
                """
                block closed_task coordinator coordinator_life epoch lane notice policy project span tally tally_fold
                """)
            // Those that anybody may call read nothing and change nothing.
            + lines("public", "function", "execute", "append_only() assert_rows(bigint,bigint) clock() safe_zone(text)")
    }
}
