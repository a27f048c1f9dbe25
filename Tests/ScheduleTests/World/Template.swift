import Ledger
import Logging
import PlimsollModel
import Postgres
import PrivateCluster
import TestSupport

let quiet: Logger = {
    var logger = Logger(label: "test.schedules")
    logger.logLevel = .error
    return logger
}()

/// A migrated database with cells in it, of which every world is a copy: made once, so that a world costs no migration.
struct Template: Sendable {
    static let name = "schedules_template"
    /// A Monday; the changes of clocks in Europe, the Levant and Australia are days away.
    static let start: Micros = 1_774_224_000 * .second
    static let zones = [
        "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "Asia/Beirut", "UTC",
        "America/St_Johns",
    ]
    static let validityDays = ["taking-part": 90, "training": 14, "evaluation": 9, "severity-2": 10, "severity-3": 30]

    let layout: Layout

    /// Makes the database in the shared cluster.
    static func make(cells: Int) async throws -> Template {
        let cluster = try await SharedCluster.shared.cluster()
        let admin = try await Connection.connect(
            ConnectionConfiguration(conninfo: cluster.conninfo()), logger: quiet)
        _ = try await admin.query(Query(.unprepared("create database \(name)")))
        await admin.close()
        let conninfo = cluster.conninfo(database: name)
        var configuration = ConnectionConfiguration(conninfo: conninfo)
        configuration.settings = [("search_path", "plimsoll")]
        let owner = try await Connection.connect(configuration, logger: quiet)
        try await Migrator(logger: quiet).run(owner)
        try await owner.execute(script: standingClock)
        let pool = Pool(configuration: coordinatorRole(conninfo), limits: Pool.Limits(max: 4), logger: quiet)
        let layout = try await fill(Ledger(pool: pool), owner, cells: cells)
        await pool.close()
        // Copies inherit the statistics; nothing gathers any in them.
        try await owner.execute(script: "analyze")
        await owner.close()
        return Template(layout: layout)
    }

    static func coordinatorRole(_ conninfo: String) -> ConnectionConfiguration {
        var configuration = ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
        configuration.settings = Ledger.sessionSettings
        return configuration
    }

    /// P8: all time is this one row's, and it stands still until a test moves it. No partitions of the days on which
    /// tests are run: each one costs every statement about history, and a world makes those of its own days.
    private static let standingClock = """
        create table standing_clock (at timestamptz not null);
        insert into standing_clock values (to_timestamp(\(start / .second)));
        grant select on standing_clock to public;
        create or replace function clock() returns timestamptz language plpgsql volatile parallel restricted
            as $$ begin return (select at from plimsoll.standing_clock); end $$;
        do $$ declare child regclass; begin
            for child in select inhrelid from pg_inherits
                where inhparent in ('usage'::regclass, 'lease_history'::regclass, 'decision'::regclass)
            loop execute 'drop table ' || child; end loop;
        end $$;
        select ensure_partitions(1);
        """

    private static func fill(_ ledger: Ledger, _ owner: Connection, cells: Int) async throws -> Layout {
        var notices: [String: Layout.Notice] = [:]
        for (purpose, days) in validityDays.sorted(by: { $0.key < $1.key }) {
            let row = try await ledger.publishNotice(
                NoticeDraft(
                    id: purpose, version: 1, locale: "en", purpose: purpose, text: "About \(purpose).", data: "labels",
                    recipients: "the team", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
                    alternativeOffered: "the usual work",
                    assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
                    consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"),
                    validityDays: days, isMaterial: false), by: "op")
            notices[purpose] = Layout.Notice(
                id: purpose, purpose: purpose, sha256: row.sha256, validity: Micros(days) * 24 * .hour)
        }
        for number in stride(from: 0, to: cells, by: 5) {
            try await ledger.grantRole(.supervisor, to: "boss-\(number)", by: "op")
        }
        // A few at a time: a cell takes some twenty calls.
        let agreed = notices
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<cells {
                if number >= 4 { try await group.next() }
                group.addTask { try await fill(cell: number, ledger, owner, agreed) }
            }
            try await group.waitForAll()
        }
        var made: [Layout.Cell] = []
        for number in 0..<cells { made.append(try await read(cell: number, ledger, owner)) }
        return Layout(start: start, cells: made, notices: notices)
    }

    // MARK: What a cell is

    static func decider(ofCell number: Int) -> String { "boss-\(number / 5 * 5)" }

    private struct Plan {
        var name: String
        var overlap: Int
        var effort: Int
        /// The estimates of its tasks, in turn; nil for the project's own.
        var estimates: [Int?]
        var purposes: [String]
        var lanes: [(kind: String, severity: Int, tasks: Int)]
    }

    private static func plans(ofCell number: Int) -> [Plan] {
        let efforts = [20, 40, 60, 100, 300, 1_000]
        let mixed: [Int?] = [nil, 900, 30]
        return [
            Plan(
                name: "p\(number)-a", overlap: 1 + number % 3, effort: efforts[number % 6],
                estimates: number % 5 == 1 ? mixed : [nil], purposes: ["taking-part"],
                lanes: [("puzzle", 0, 6), number % 2 == 0 ? ("rating", 1, 4) : ("puzzle", 2, 4)]),
            Plan(
                name: "p\(number)-b", overlap: 1 + number / 3 % 2, effort: efforts[(number / 2) % 5],
                estimates: number % 4 == 2 ? mixed : [nil],
                purposes: ["taking-part", number % 4 < 2 ? "training" : "evaluation"],
                lanes: [("scenario", number % 3 + 1, 4), ("puzzle", 0, 3)]),
        ]
    }

    private static func people(ofCell number: Int) -> [(name: String, zone: String, projects: [Int], agrees: [String])]
    {
        func zone(_ offset: Int) -> String { zones[(number + offset) % zones.count] }
        return [
            ("c\(number)-ann", zone(0), [0, 1], validityDays.keys.sorted()),
            ("c\(number)-bob", zone(1), [0, 1], ["taking-part", "severity-2", "training"]),
            ("c\(number)-cid", zone(3), [0], ["taking-part"]),
        ]
    }

    /// Some say that they work elsewhere so much that the law leaves them a minute a week here.
    private static func declaredWeek(ofCell number: Int, _ person: String) -> Micros? {
        number % 10 == 7 && person.hasSuffix("bob") ? 48 * .hour - .minute : nil
    }

    private static func fill(
        cell number: Int, _ ledger: Ledger, _ owner: Connection, _ notices: [String: Layout.Notice]
    ) async throws {
        let plans = plans(ofCell: number)
        for plan in plans {
            _ = try await ledger.createProject(
                ProjectDraft(
                    name: plan.name, instructions: "Look, then say.",
                    answerSchema: """
                        {"type":"object","properties":{"label":{"type":"string","maxLength":100}},\
                        "required":["label"],"additionalProperties":false}
                        """, overlap: plan.overlap, effortSeconds: plan.effort, purposes: plan.purposes,
                    namedPersons: ["Ada Boss"]), by: "op")
            var next = 0
            for lane in plan.lanes {
                _ = try await Performer.importTasks(
                    lane.tasks, first: next, Layout.Lane(id: LaneID(0), kind: lane.kind, severity: lane.severity),
                    efforts: plan.estimates, into: plan.name, ledger)
                next += lane.tasks
            }
        }
        for person in people(ofCell: number) {
            _ = try await ledger.enrolEngineer(
                person.name, zone: person.zone, projects: person.projects.map { plans[$0].name },
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: decider(ofCell: number),
                    alternativeOffered: "the usual work"), by: "op")
            if let declared = declaredWeek(ofCell: number, person.name) {
                _ = try await owner.query(
                    Query(
                        Statement("t_declared", "update person set declared_week_seconds = $2 where name = $1"),
                        .text(person.name), .int4(Int32(declared / .second))))
            }
            for purpose in person.agrees {
                guard let notice = notices[purpose] else { continue }
                _ = try await ledger.giveAgreement(
                    notice: notice.id, version: 1, sha256: notice.sha256,
                    voice: ConsentVoice(name: person.name, certificateSerial: "ab01"))
            }
        }
    }

    /// The numbers that the database gave to what was made.
    private static func read(cell number: Int, _ ledger: Ledger, _ owner: Connection) async throws -> Layout.Cell {
        var projects: [Layout.Project] = []
        for plan in plans(ofCell: number) {
            let id = try await ledger.project(named: plan.name).id
            let lanes = try await owner.query(
                Query(
                    Statement("t_lanes", "select lane_id, kind, severity from lane where project_id = $1 order by 1"),
                    .int8(id.rawValue)))
            let tasks = try await owner.query(
                Query(
                    Statement(
                        "t_tasks",
                        """
                        select task_id, lane_id, external_key, effort_seconds from task where project_id = $1 order by 1
                        """),
                    .int8(id.rawValue)))
            projects.append(
                Layout.Project(
                    id: id, name: plan.name, overlap: plan.overlap, effortSeconds: plan.effort, purposes: plan.purposes,
                    lanes: try lanes.map {
                        Layout.Lane(id: LaneID(try $0.int8(0)), kind: try $0.text(1), severity: Int(try $0.int2(2)))
                    },
                    tasks: try tasks.map {
                        Layout.Task(
                            id: TaskID(try $0.int8(0)), lane: LaneID(try $0.int8(1)), key: try $0.text(2),
                            effort: Micros(try $0.int4(3)) * .second)
                    }))
        }
        var people: [Layout.Person] = []
        for person in self.people(ofCell: number) {
            let id = try await owner.query(
                Query(Statement("t_person", "select person_id from person where name = $1"), .text(person.name)))[0]
                .int8(0)
            people.append(
                Layout.Person(
                    id: PersonID(id), name: person.name, zone: person.zone,
                    enrolled: person.projects.map { projects[$0].id }, agreements: person.agrees,
                    declaredWeek: declaredWeek(ofCell: number, person.name) ?? 0))
        }
        return Layout.Cell(projects: projects, people: people)
    }
}
