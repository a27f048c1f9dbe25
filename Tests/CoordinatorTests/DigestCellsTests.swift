import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P9, of agreements and wellbeing: the digests of two weeks and what `doctor` says of concerns. Here each thing that
/// was raised, answered or declined counts as one person's, since whose it is is kept nowhere.
@Suite("No pair of cells about concerns and declines leaves a hidden one")
struct DigestCellsTests {
    private static let projects = ["big": 13, "mid": 6, "few": 3, "one": 1]
    private static let mondays = ["2026-06-08", "2026-06-15"]

    @Test("of the digests of two made-up weeks")
    func weeks() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        try await withDeployment { deployment in
            let start = try await deployment.moment(PublishedCellsTests.monday)
            _ = try await MadeUpWeek(deployment, Self.projects, at: start)
            var digests: [WeeklyDigest] = []
            for (week, monday) in Self.mondays.enumerated() {
                try await Self.fillWeek(deployment, from: monday, ids: week * 1_000_000, &random)
                try await deployment.setClock(start + .hours(24 * 7 * (week + 1) + 12), standing: true)
                digests.append(try await deployment.ledger.weeklyDigest(nil))
            }
            #expect(digests.map(\.week.monday.description) == Self.mondays)
            #expect(digests[0].rows.map(\.project) == ["big", "few", "mid", "one", WeeklyDigest.deployment, nil])
            for digest in digests { Self.checkTotals(digest, seed) }
            let happened = try await Happened(deployment, Self.mondays)
            let cells = digests.flatMap { happened.cells(of: $0) }
            #expect(cells.contains { $0.value > 0 }, "seed \(seed)")
            #expect(cells.filter { !$0.isTrue }.map(\.description) == [], "seed \(seed)")
            #expect(happened.findings(cells) == [], "seed \(seed)")
            // Cells of two weeks have nothing in common, so that no difference of two is a count of few: what the
            // second brought leaves the first as it was, and without the first the second is as it was.
            let again = try await deployment.ledger.weeklyDigest(digests[0].week)
            #expect(again == digests[0], "seed \(seed)")
            try await deployment.owner.execute(
                script: """
                    delete from concern_answer where concern_id < 1000000;
                    delete from concern where concern_id < 1000000;
                    delete from decline_reason where given_on < date '\(Self.mondays[1])'
                    """)
            let alone = try await deployment.ledger.weeklyDigest(digests[1].week)
            #expect(alone == digests[1], "seed \(seed)")
        }
    }

    /// Ten are overdue in one project, which the digest shows, and two in another, which it hides.
    @Test("of a digest and what doctor says is overdue")
    func doctor() async throws {
        try await withDeployment { deployment in
            let start = try await deployment.moment(PublishedCellsTests.monday)
            _ = try await MadeUpWeek(deployment, Self.projects, at: start)
            // And one more a week later.
            for (project, count, monday) in [("big", 10, 0), ("mid", 2, 0), ("big", 1, 1)] {
                try await deployment.owner.execute(
                    script: """
                        insert into concern (concern_id, project_id, kind, body, raised_on, due_on)
                            select project_id * 1000 + \(monday) * 100 + n, project_id, 'concern', 'x',
                                date '\(Self.mondays[monday])', date '\(Self.mondays[monday])' + 1
                            from project, generate_series(1, \(count)) n where name = '\(project)'
                        """)
            }
            let happened = try await Happened(deployment, Self.mondays)
            var cells: [PublishedCell] = []
            for week in [1, 2] {
                try await deployment.setClock(start + .hours(24 * 7 * week + 12), standing: true)
                cells += happened.cells(of: try await deployment.ledger.weeklyDigest(nil))
                cells += try await happened.doctorCells(deployment)
            }
            #expect(cells.filter { !$0.isTrue }.map(\.description) == [])
            #expect(happened.findings(cells) == [])
        }
    }

    /// Made-up days of a week, in each project and about none: raised, answered in time, late or not at all, cords and
    /// declines.
    private static func fillWeek(
        _ deployment: Deployment, from monday: String, ids: Int, _ random: inout SplitMix64
    ) async throws {
        let places = projects.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + [("", 10)]
        for (place, (name, count)) in places.enumerated() {
            func some() -> Int { Int.random(in: 0...count * 4, using: &random) }
            let project = "(select project_id from project where name = '\(name)')"
            let first = ids + place * 10_000
            try await deployment.owner.execute(
                script: """
                    insert into concern (concern_id, project_id, kind, body, raised_on, due_on)
                        select \(first) + n, \(project), 'concern', 'x', date '\(monday)' + n % 5,
                            date '\(monday)' + n % 5 + 1 from generate_series(1, \(some())) n;
                    insert into concern_answer (concern_id, answered_by, answered_on, body)
                        select concern_id, 'op', due_on + concern_id::int % 3 - 1, 'y' from concern
                        where concern_id between \(first) and \(first + 4_999) and concern_id % \(1 + some() % 3) = 0
                    """)
            // Neither is about no project.
            if name.isEmpty { continue }
            try await deployment.owner.execute(
                script: """
                    insert into concern (concern_id, project_id, kind, body, raised_on, due_on)
                        select \(first) + 5000 + n, \(project), 'cord', 'x', date '\(monday)' + n % 7,
                            date '\(monday)' + n % 7 from generate_series(1, \(some())) n;
                    insert into decline_reason (project_id, task_id, reason, given_on)
                        select \(project), n, (array['distressing', 'unclear', 'other'])[1 + n % 3],
                            date '\(monday)' + n % 7 from generate_series(1, \(some())) n
                    """)
        }
    }

    /// No total leaves a single hidden count.
    private static func checkTotals(_ digest: WeeklyDigest, _ seed: UInt64) {
        for figure in WeeklyDigest.Figure.allCases {
            let cells = digest.rows.dropLast().map { $0.cells[figure] ?? .hidden }
            guard case .count? = digest.rows.last?.cells[figure] else { continue }
            #expect(cells.count { $0 == .hidden } != 1, "seed \(seed): \(figure) of one project can be worked out")
        }
        for row in digest.rows {
            guard case .count = row.declines else { continue }
            #expect(WeeklyDigest.Figure.declines.allSatisfy { row.cells[$0] != .hidden }, "seed \(seed)")
        }
    }
}

/// Every thing that the figures of some weeks count, by plain SQL of the test's own.
private struct Happened {
    private struct Thing {
        var week: String
        var project: String
        var figure: String
        /// The same thing may count in several figures.
        var number: Int
    }

    private var things: [Thing] = []
    private var numbers: [String: Int] = [:]

    init(_ deployment: Deployment, _ mondays: [String]) async throws {
        for monday in mondays {
            let rows = try await deployment.owner.query(Query(.unprepared(Self.sql(from: monday))))
            for row in rows {
                let thing = try row.text(2)
                let number = numbers[thing] ?? numbers.count
                numbers[thing] = number
                things.append(
                    Thing(week: monday, project: try row.text(0), figure: try row.text(1), number: number))
            }
        }
    }

    private static func sql(from monday: String) -> String {
        func isIn(_ column: String) -> String { "\(column) >= date '\(monday)' and \(column) < date '\(monday)' + 7" }
        return """
            select coalesce(p.name, '\(WeeklyDigest.deployment)'), x.figure, x.thing from (
                select project_id, 'raised' as figure, 'concern ' || concern_id as thing from concern
                    where kind = 'concern' and \(isIn("raised_on"))
                union all select project_id, 'cords', 'concern ' || concern_id from concern
                    where kind = 'cord' and \(isIn("raised_on"))
                union all select project_id, 'overdue', 'concern ' || concern_id from concern c
                    where \(isIn("due_on")) and not exists (select from concern_answer a
                        where a.concern_id = c.concern_id and a.answered_on <= c.due_on)
                union all select c.project_id, 'answered', 'answer ' || answer_id
                    from concern_answer join concern c using (concern_id) where \(isIn("answered_on"))
                union all select project_id, 'declined_' || replace(reason, '-', '_'), 'decline ' || reason_id
                    from decline_reason where \(isIn("given_on"))) x
            left join project p using (project_id)
            """
    }

    private static let total = "declines"

    private func set(_ week: String, _ project: String?, _ figures: [String]) -> DeedSet {
        DeedSet(
            things.filter { $0.week == week && (project ?? $0.project) == $0.project && figures.contains($0.figure) }
                .map(\.number))
    }

    /// What a digest shows.
    func cells(of digest: WeeklyDigest) -> [PublishedCell] {
        let monday = digest.week.monday
        var cells: [PublishedCell] = []
        for row in digest.rows {
            func add(_ figure: String, _ cell: WeeklyDigest.Cell, of figures: [String]) {
                guard case .count(let count) = cell else { return }
                cells.append(
                    PublishedCell(
                        view: .digest, project: row.project, figure: figure,
                        at: Moment(seconds: Int64(monday.rawValue) * 86_400), value: count,
                        basis: .init(plus: set(monday.description, row.project, figures), isSharp: true)))
            }
            for figure in WeeklyDigest.Figure.allCases {
                add(figure.rawValue, row.cells[figure] ?? .hidden, of: [figure.rawValue])
            }
            add(Self.total, row.declines, of: WeeklyDigest.Figure.declines.map(\.rawValue))
        }
        return cells
    }

    /// The number that `doctor` says is overdue now, where it says one.
    func doctorCells(_ deployment: Deployment) async throws -> [PublishedCell] {
        let row = try #require(try await deployment.ledger.diagnose(forOperator: false).first { $0.name == "concerns" })
        guard let count = row.finding.split(separator: " ").first.flatMap({ Int($0) }) else { return [] }
        let now = try await deployment.now()
        let overdue = try await deployment.owner.query(
            Query(
                .unprepared(
                    """
                    select 'concern ' || concern_id from concern c
                        where due_on < (clock() at time zone 'UTC')::date and not exists (select from concern_answer a where a.concern_id = c.concern_id)
                    """)))
        let known = try overdue.compactMap { numbers[try $0.text(0)] }
        return [
            PublishedCell(
                view: .doctor, project: nil, figure: WeeklyDigest.Figure.overdue.rawValue, at: now, value: count,
                basis: .init(plus: DeedSet(known), isSharp: true))
        ]
    }

    /// Of figures of the same things: what is raised and what is overdue say nothing of each other by themselves.
    func findings(_ cells: [PublishedCell]) -> [String] {
        let check = PairCheck(people: Array(0...numbers.count), k: MadeUpWeek.wellbeing)
        let groups = Dictionary(grouping: cells) { $0.figure.hasPrefix("decline") ? Self.total : $0.figure }
        return groups.values.flatMap { check.findings($0).map(\.description) }
    }
}
