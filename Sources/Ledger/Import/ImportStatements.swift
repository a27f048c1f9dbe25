import Postgres

enum ImportStatements {
    /// A table of this session alone; filled by COPYs that are transactions of their own, so that a slow client keeps
    /// no transaction open.
    static let begin = """
        set statement_timeout = 0; set lock_timeout = 0;
        drop table if exists pg_temp.import_staging;
        create temporary table import_staging (
            ordinal bigint not null, lane integer not null, effort integer not null, external_key text not null,
            payload json not null, gold json);
        """
    static let end =
        "drop table if exists pg_temp.import_staging; reset statement_timeout; reset lock_timeout;"
    static let copy = "copy pg_temp.import_staging from stdin (format binary)"

    static let isReadOnly = Statement("import_read_only", "select read_only from deployment")
    /// The same as the last word before the commit: the switch waits for imports that came so far, and those that come
    /// later meet it.
    static let isReadOnlyNow = Statement("import_read_only_now", "select read_only from deployment for share")
    /// One import of a project at a time; held to the end of the transaction. Lock order: before lanes.
    static let lock = Statement("import_lock", "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))")
    /// Index: task_key.
    static let hasTasks = Statement(
        "import_has_tasks", "select exists (select from task where project_id = $1)")
    static let analyze = Statement.unprepared("analyze import_staging")
    /// Index: task_key.
    static let conflicts = Statement.unprepared(
        """
        with different as (
            select s.ordinal, s.external_key from import_staging s
            join task t on t.project_id = $1 and t.external_key = s.external_key
            where t.payload::text <> s.payload::text)
        select (select count(*) from different),
            coalesce((select array_agg(d.external_key) from
                (select external_key from different order by ordinal limit $2) d), '{}')
        """)
    /// Tasks that are there already, with the same payload. Index: task_key.
    static let skip = Statement.unprepared(
        """
        delete from import_staging s using task t
        where t.project_id = $1 and t.external_key = s.external_key
        """)
    static let duplicates = Statement.unprepared(
        """
        select external_key, min(ordinal), max(ordinal) from import_staging
        group by external_key having count(*) > 1 order by 2 limit 1
        """)
    /// Index: the unique key of lane.
    static let makeLanes = Statement.unprepared(
        """
        insert into lane (project_id, kind, severity, priority)
        select $1, l.kind, l.severity, l.priority from unnest($2::text[], $3::smallint[], $4::smallint[])
            l (kind, severity, priority)
        on conflict (project_id, kind, severity, priority) do nothing
        """)
    /// The lanes' ids in the order in which the import numbers them.
    static let lanes = Statement.unprepared(
        """
        select a.lane_id from unnest($2::text[], $3::smallint[], $4::smallint[]) with ordinality
            l (kind, severity, priority, i)
        join lane a on a.project_id = $1 and a.kind = l.kind and a.severity = l.severity and a.priority = l.priority
        order by l.i
        """)
    /// One import at a time takes its range of ids; the lock and the range are one implicit transaction.
    static let idLock = Statement("import_id_lock", "select pg_advisory_xact_lock(hashtextextended('task ids', 0))")
    static let reserve = Statement(
        "import_reserve", "select setval('task_id', nextval('task_id') + $1 - 1) - $1 + 1")
    /// File order gives contiguous ids. `$1` first id, `$2` project, `$3` overlap, `$4` ids of the lanes.
    static let insert = Statement.unprepared(
        """
        insert into task (lane_id, task_id, project_id, effort_seconds, overlap, external_key, payload)
        select ($4::bigint[])[s.lane], $1::bigint + s.ordinal, $2::bigint, s.effort, $3::smallint, s.external_key,
            s.payload
        from import_staging s
        """)
    /// After tasks were left out the ordinals have gaps: closed before anything is numbered by them.
    static let renumber = Statement.unprepared(
        """
        with fresh as (select ordinal, row_number() over (order by ordinal) - 1 as next from import_staging)
        update import_staging s set ordinal = f.next from fresh f where f.ordinal = s.ordinal and f.next <> s.ordinal
        """)
    static let gold = Statement.unprepared(
        """
        insert into gold (task_id, answer)
        select $1::bigint + s.ordinal, s.gold from import_staging s where s.gold is not null
        """)
    /// Where each lane's tasks begin and end among this import's.
    static let extents = Statement.unprepared(
        """
        select ($2::bigint[])[s.lane], $1::bigint + min(s.ordinal), $1::bigint + max(s.ordinal)
        from import_staging s group by s.lane
        """)
    static let record = Statement(
        "import_record",
        """
        insert into import (project_id, source, first_task, last_task, tasks, skipped, imported_at, imported_by)
        values ($1, $2, $3, $4, $5, $6, clock(), $7) returning import_id
        """)
}
