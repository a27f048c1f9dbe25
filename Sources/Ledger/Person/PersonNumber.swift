import PlimsollModel
import Postgres

/// One fact about a person, as numbered: facts of a person are numbered from 1 without gaps, under the person's lock.
struct PersonFact: Sendable {
    let person: PersonID
    let n: Int64
    /// The database's clock, read after the lock was had and never before an earlier fact of this person (P8).
    let at: Moment
}

enum PersonNumberStatements {
    /// Gives each person the next number and appends the usage row that tells coordinators that their cached state is
    /// old. Counters of the day are carried over unchanged. The consent events are looked at too, because usage rows
    /// are dropped with their partition. Indexes: person_pkey, usage's primary key backwards (one row a partition),
    /// consent_event_pkey. Needs the people's locks.
    static let append = Statement(
        "person_append_fact",
        """
        with now as materialized (select clock() as at),
        last as (
            select p.person_id, p.zone, u.at, u.day, u.day_labels, greatest(u.n, 0,
                (select max(c.n) from consent_event c where c.person_id = p.person_id),
                (select max(e.up_to_n) from exclusion e where e.person_id = p.person_id)) as n
            from person p left join lateral (
                select n, at, day, day_labels from usage where person_id = p.person_id order by n desc limit 1
            ) u on true
            where p.person_id = any($1::bigint[]))
        insert into usage (person_id, n, at, day, day_labels, coordinator_id)
        select l.person_id, l.n + 1, greatest(now.at, l.at),
            coalesce(l.day, (now.at at time zone safe_zone(l.zone))::date), coalesce(l.day_labels, 0), 0
        from last l, now order by l.person_id
        returning person_id, n, at
        """)
    /// Leased time that ended with the latest fact of each person: one more number each. Index: usage's primary key.
    static let work = Statement(
        "person_append_work",
        """
        insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind, severity)
        select a.person_id, u.n + row_number() over (partition by a.person_id order by a.i), u.at, u.day, u.day_labels,
            0, a.worked_from, a.worked_to, a.kind, a.severity
        from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::smallint[]) with ordinality
            a (person_id, worked_from, worked_to, kind, severity, i)
        cross join lateral (
            select n, at, day, day_labels from usage where person_id = a.person_id order by n desc limit 1) u
        """)
}

/// A stretch of leased time that is over, of one kind and severity.
struct EndedWork: Sendable {
    let person: PersonID
    let interval: WorkInterval
    let kind: String
    let severity: Int
}

/// Writes leased time of people whose locks the caller holds and about whom it has numbered a fact in this transaction.
func appendWork(_ ended: [EndedWork], on connection: isolated Connection) async throws {
    let ended = ended.filter { !$0.interval.isEmpty }
    if ended.isEmpty { return }
    _ = try await connection.query(
        Query(
            PersonNumberStatements.work, .int8Array(ended.map(\.person.rawValue)),
            .timestamptzArray(ended.map(\.interval.start.microseconds)),
            .timestamptzArray(ended.map(\.interval.end.microseconds)), .textArray(ended.map(\.kind)),
            .int2Array(ended.map { Int16(clamping: $0.severity) })))
}

/// Numbers one new fact about each of these people. The caller holds their locks; throws `.fault` when one is missing.
func appendFacts(_ people: [PersonID], on connection: isolated Connection) async throws -> [PersonFact] {
    if people.isEmpty { return [] }
    let ids = people.map(\.rawValue).sorted()
    let rows = try await connection.query(Query(PersonNumberStatements.append, .int8Array(ids)))
    guard rows.count == ids.count else {
        throw LedgerError(.fault, "\(ids.count) people were to get a number and \(rows.count) did")
    }
    return try rows.map {
        PersonFact(
            person: PersonID(try $0.int8(0)), n: try $0.int8(1), at: Moment(microseconds: try $0.timestamptz(2)))
    }
}

/// Numbers one new fact about a person whose lock the caller holds.
func appendFact(_ person: PersonID, on connection: isolated Connection) async throws -> PersonFact {
    let facts = try await appendFacts([person], on: connection)
    return facts[0]
}
