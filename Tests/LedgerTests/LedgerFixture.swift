import Coordinator
import Foundation
import Ledger
import Logging
import PlimsollModel
import Postgres
import TestSupport

let quiet = Logger(label: "test.ledger")

/// A migrated database for the length of a test: the owner's connection, and the ledger in the coordinator's role.
struct LedgerFixture: Sendable {
    let conninfo: String
    let owner: Connection
    let ledger: Ledger

    /// The same database in the coordinator's role.
    static func coordinatorConfiguration(_ conninfo: String) -> ConnectionConfiguration {
        var configuration = ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
        configuration.settings = Ledger.sessionSettings
        return configuration
    }

    func coordinator() async throws -> Connection {
        try await Connection.connect(Self.coordinatorConfiguration(conninfo), logger: quiet)
    }

    /// As a coordinator answers that has been asked nothing before.
    func queueStatus(_ project: String = "puzzles") async throws -> QueueStatus {
        try await Availability(ledger: ledger).queueStatus(project: project)[0]
    }

    /// No test depends on the hour at which it runs.
    func withoutQuietHours() async throws {
        _ = try await ledger.applyPolicy("limits: {quiet-hours: none}", reason: "a test", by: "op")
    }

    /// A value of the owner's, for looking behind the scenes.
    func number(_ sql: String) async throws -> Int64 {
        try await owner.query(Query(.unprepared(sql)))[0].int8(0)
    }

    func texts(_ sql: String) async throws -> [String] {
        try await owner.query(Query(.unprepared(sql))).map { try $0.text(0) }
    }
}

func withLedger<R: Sendable>(_ body: (LedgerFixture) async throws -> R) async throws -> R {
    try await withDatabase { conninfo in
        var configuration = ConnectionConfiguration(conninfo: conninfo)
        configuration.settings = [("search_path", "plimsoll")]
        let owner = try await Connection.connect(configuration, logger: quiet)
        try await Migrator(logger: quiet).run(owner)
        // Who decides about enrolments, and answers for those enrolled.
        try await owner.execute(
            script: """
                insert into person (name, zone) values ('\(record.decidedBy)', 'UTC');
                insert into role_grant (person_id, role, granted_by) select person_id, 'supervisor', 'test' from person;
                """)
        let pool = Pool(
            configuration: LedgerFixture.coordinatorConfiguration(conninfo), limits: Pool.Limits(max: 8), logger: quiet)
        let fixture = LedgerFixture(conninfo: conninfo, owner: owner, ledger: Ledger(pool: pool))
        let result: Result<R, any Error>
        do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
        await pool.close()
        await owner.close()
        return try result.get()
    }
}

let answerSchema = """
    {"type":"object","properties":{"label":{"enum":["a","b"]}},"required":["label"],"additionalProperties":false}
    """
let record = SelectionRecord(
    rule: "volunteers/1", dataUsed: "none", decidedBy: "boss", alternativeOffered: "the usual work")

func draft(_ name: String = "puzzles", overlap: Int = 1, purposes: [String] = ["taking-part"]) -> ProjectDraft {
    ProjectDraft(
        name: name, instructions: "Look, then say.", answerSchema: answerSchema, overlap: overlap, effortSeconds: 60,
        purposes: purposes, namedPersons: ["Ada Boss"])
}

func noticeDraft(
    _ id: String = "part", version: Int = 1, purpose: String = "taking-part", material: Bool = false,
    text: String = "You take part.", data: String = "labels", validityDays: Int? = nil
) -> NoticeDraft {
    NoticeDraft(
        id: id, version: version, locale: "en", purpose: purpose, text: text, data: data, recipients: "the team",
        retention: "a year", withdrawalMethod: "plimsoll consent withdraw", alternativeOffered: "the usual work",
        assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
        consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"), validityDays: validityDays,
        isMaterial: material)
}

func tasks(_ count: Int, from first: Int = 0, kind: String = "puzzle", priority: Int = 0) -> [TaskDraft] {
    (first..<first + count).map {
        TaskDraft(
            key: "t\($0)", kind: kind, severity: 0, priority: priority, payload: Array("{\"n\":\($0)}".utf8))
    }
}

/// Pieces as an import stream gives them.
func stream(
    _ batches: [[TaskDraft]], project: String = "puzzles", isDryRun: Bool = false, total: Int? = nil,
    failing error: (any Error)? = nil
) -> AsyncThrowingStream<ImportPiece, any Error> {
    AsyncThrowingStream { continuation in
        continuation.yield(
            ImportPiece(request: ImportRequest(project: project, source: "test", isDryRun: isDryRun)))
        for batch in batches { continuation.yield(ImportPiece(tasks: batch)) }
        if error == nil { continuation.yield(ImportPiece(total: total ?? batches.reduce(0) { $0 + $1.count })) }
        continuation.finish(throwing: error)
    }
}

extension LedgerFixture {
    /// A project with people who are enrolled and have agreed to everything it needs.
    @discardableResult
    func project(
        _ name: String = "puzzles", overlap: Int = 1, purposes: [String] = ["taking-part"], people: [String] = ["ann"]
    ) async throws -> ProjectRecord {
        let project = try await ledger.createProject(draft(name, overlap: overlap, purposes: purposes), by: "op")
        for purpose in purposes where try await ledger.notices(id: purpose).isEmpty {
            _ = try await ledger.publishNotice(noticeDraft(purpose, purpose: purpose), by: "op")
        }
        for person in people {
            _ = try await ledger.enrolEngineer(
                person, zone: "Europe/Berlin", projects: [name], selection: record, by: "op")
            for purpose in purposes { _ = try await give(person, purpose) }
        }
        return project
    }

    @discardableResult
    func give(_ person: String, _ notice: String, version: Int = 1) async throws -> ConsentReceipt {
        let text = try await ledger.notices(id: notice).first { $0.version == version }
        return try await ledger.giveAgreement(
            notice: notice, version: version, sha256: text?.sha256 ?? [],
            voice: ConsentVoice(name: person, certificateSerial: "ab01"))
    }

    @discardableResult
    func importTasks(_ drafts: [TaskDraft], project: String = "puzzles") async throws -> ImportOutcome {
        try await ledger.importTasks(stream([drafts], project: project), by: "op")
    }

    /// One lease by plain SQL in the owner's role, as a flush would write it; gives the fence.
    @discardableResult
    func lease(_ key: String, to person: String, slot: Int = 1, project: String = "puzzles") async throws -> Int64 {
        let fence = try await number("select nextval('fence_run')")
        _ = try await owner.execute(
            script: """
                insert into provenance (person_id, project_id, policy_version, instructions_version, agreements)
                select e.person_id, p.project_id, 1, 1,
                    array_agg(e.purpose || '@' || e.notice_id || '/' || e.notice_version || '#' || e.n)
                from consent_event e join project p on p.name = '\(project)' join project_purpose u
                    on u.project_id = p.project_id and u.purpose = e.purpose
                where e.person_id = (select person_id from person where name = '\(person)') and e.state = 'given'
                group by 1, 2 on conflict do nothing;
                insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
                    deadline, coordinator_id, provenance_id, why)
                select t.task_id, \(slot), q.person_id, \(fence), t.lane_id, t.project_id, clock(), clock(),
                    clock() + interval '1 hour', 7, coalesce((select max(provenance_id) from provenance v
                        where v.person_id = q.person_id and v.project_id = t.project_id), 0), '{1,3,1,-1}'
                from task t join project p using (project_id), person q
                where t.external_key = '\(key)' and p.name = '\(project)' and q.name = '\(person)';
                insert into tally (project_id, at, leased)
                    select project_id, clock(), 1 from project where name = '\(project)';
                """)
        return fence
    }

    /// Answers a lease, as a flush would.
    func answer(_ fence: Int64, _ answer: String = #"{"label":"a"}"#) async throws {
        _ = try await owner.execute(
            script: """
                with person as (select l.*, coalesce((select max(n) from usage u where u.person_id = l.person_id), 0) + 1
                    as n from lease l where fence = \(fence)),
                used as (insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                    select person_id, n, clock(), current_date, 1, 7 from person),
                counted as (insert into tally (project_id, at, leased, done)
                    select project_id, clock(), -1, 1 from person)
                insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
                    answer_hash, answer)
                select task_id, slot, person_id, fence, project_id, n, provenance_id, current_date,
                    '\\x00', '\(answer)' from person;
                """)
    }
}

/// How many of this database's sessions wait for a lock, those of the watcher's role; `part`: in a statement that has it.
func waitingForLocks(_ watcher: Connection, in part: String = "") async throws -> Int64 {
    try await watcher.query(
        Query(
            .unprepared(
                """
                select count(*) from pg_stat_activity where datname = current_database()
                    and wait_event_type = 'Lock' and query like '%\(part)%'
                """)))[0].int8(0)
}
