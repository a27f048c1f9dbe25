import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// Why somebody is not available: every cause that there is, brought about by what brings it about.
enum PersonState: String, CaseIterable, Sendable {
    case neverAsked, refused, withdrawn, expired, denied, roleRevoked, unknownZone
    case openLeases, dayTime, dayTasks, breakTime, quietHours, dailyRest, weeklyRest, kindDay, ownLimitZero

    /// What the gate tells the person; nil: no stream is opened at all.
    var rule: Rule? {
        switch self {
        case .neverAsked, .refused, .withdrawn, .expired: .agreement
        case .denied, .roleRevoked: nil
        case .openLeases, .ownLimitZero: .openLeases
        case .dayTime, .unknownZone: .dayTime
        case .dayTasks: .dayTasks
        case .breakTime: .breakTime
        case .quietHours: .quietHours
        case .dailyRest: .dailyRest
        case .weeklyRest: .weeklyRest
        case .kindDay: .kindDay
        }
    }

    /// Such that as many causes as possible can be had with an hour's work.
    static let policy = ["day-tasks: 50"]
    static let kind = "puzzle"
}

extension Deployment {
    /// Brings a person who has agreed to everything into a state, now.
    func bring(_ name: String, into state: PersonState) async throws {
        let voice = ConsentVoice(name: name, certificateSerial: "ab01")
        switch state {
        case .neverAsked:
            try await change("delete from consent_event where person_id = \(id(name))")
        case .refused: _ = try await ledger.refuseAgreement(purpose: "taking-part", voice: voice)
        case .withdrawn: _ = try await ledger.withdrawAgreement(purpose: "taking-part", voice: voice)
        case .expired:
            try await change(
                "update consent_event set at = at - interval '2 days', valid_until = clock() - interval '1 second' "
                    + "where person_id = \(id(name))")
        case .denied: _ = try await ledger.deny(.person(name), reason: "left", by: "op")
        case .roleRevoked: try await ledger.revokeRole(.engineer, from: name, reason: "a test", by: "op")
        case .unknownZone: try await change("update person set zone = 'Mars/Base' where name = '\(name)'")
        case .openLeases: for _ in 0..<3 { try await lease(to: name) }
        case .dayTime:
            try await worked(name, (-300..<(-180)), "other", 1)
            try await worked(name, (-150..<(-90)), "other", 1)
            try await worked(name, (-80..<(-20)), "other", 1)
        case .dayTasks:
            try await change(
                """
                insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                select \(id(name)), coalesce(max(n), 0) + 1, clock(), (clock() at time zone 'Europe/Berlin')::date, 50, 0
                from usage where person_id = \(id(name))
                """)
        case .breakTime: try await worked(name, (-51..<(-1)), "other", 0)
        case .quietHours: try await ledger.setLimitLayer(.person(name), "quiet-hours: 10:00-14:00", by: name)
        case .dailyRest:
            try await worked(name, (-14 * 60..<(-13 * 60 - 30)), "other", 0)
            try await worked(name, (-4 * 60..<(-3 * 60 - 30)), "other", 0)
        case .weeklyRest:
            for day in 1...6 { try await worked(name, (-day * 24 * 60..<(-day * 24 * 60 + 30)), "other", 0) }
        case .kindDay:
            try await worked(name, (-150..<(-110)), PersonState.kind, 0)
            try await worked(name, (-100..<(-60)), PersonState.kind, 0)
            try await worked(name, (-50..<(-10)), PersonState.kind, 0)
        case .ownLimitZero: try await ledger.setLimitLayer(.person(name), "open-leases: 0", by: name)
        }
    }

    private func id(_ name: String) -> String { "(select person_id from person where name = '\(name)')" }

    /// What no command does: an append-only table is changed, and the person's caches are told.
    private func change(_ sql: String) async throws {
        try await owner.execute(
            script: """
                begin; alter table consent_event disable trigger append_only; \(sql);
                alter table consent_event enable trigger append_only; commit
                """)
    }

    /// Leased time that is over, in minutes from now.
    func worked(_ name: String, _ minutes: Range<Int>, _ kind: String, _ severity: Int) async throws {
        try await owner.execute(
            script: """
                insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind,
                    severity)
                select \(id(name)), coalesce(max(n), 0) + 1, clock(), (clock() at time zone 'Europe/Berlin')::date, 0, 0,
                    clock() + make_interval(mins => \(minutes.lowerBound)),
                    clock() + make_interval(mins => \(minutes.upperBound)), '\(kind)', \(severity)
                from usage where person_id = \(id(name))
                """)
    }

    /// One more open lease of the first task that nobody has, as a flush writes it; its key.
    @discardableResult
    func lease(to name: String, project: String = "puzzles", minutesAgo: Int = 0) async throws -> String {
        try await owner.query(
            Query(
                .unprepared(
                    """
                    with task as (
                        select t.*, a.kind from task t join lane a using (lane_id) join project p on
                            p.project_id = t.project_id where p.name = '\(project)'
                            and not exists (select from lease l where l.task_id = t.task_id)
                            and not exists (select from parked l where l.task_id = t.task_id)
                            and not exists (select from label l where l.task_id = t.task_id)
                        order by t.task_id desc limit 1),
                    standing as (
                        select v.provenance_id from provenance v join task t using (project_id)
                        where v.person_id = \(id(name)) order by 1 desc limit 1),
                    granted as (
                        insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at,
                            first_granted_at, deadline, coordinator_id, provenance_id, why)
                        select t.task_id, 1, \(id(name)), nextval('fence_run'), t.lane_id, t.project_id,
                            clock() - make_interval(mins => \(minutesAgo)), clock() - make_interval(mins => \(minutesAgo)),
                            clock() + interval '1 hour', 0, coalesce((select provenance_id from standing), 0), '{1,3,1,-1}'
                        from task t returning project_id),
                    used as (
                        insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                        select \(id(name)), coalesce(max(n), 0) + 1, clock(),
                            (clock() at time zone 'Europe/Berlin')::date, 0, 0
                        from usage where person_id = \(id(name))),
                    counted as (
                        insert into tally (project_id, at, leased) select project_id, clock(), 1 from granted)
                    select external_key from task
                    """)))[0].text(0)
    }
}
