import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P9, over a made-up week. What must hold of every pair of published cells, read at two times, of two projects, or the
/// one before and the other after something that one person did:
///
/// 1. *State.* What a person agreed, refused, withdrew, or is kept from by any limit, break, rest or denial, moves that
///    person's own word and no other cell, but for the one reason that counts the words of a project's people; two
///    causes of the same word cannot be told apart at all.
/// 2. *Work.* Counts of tasks are exact for everyone. But while fewer than k people are at work in a project, or none,
///    nothing that any one of them does (takes, answers, hands back, parks) moves any cell of that project before the
///    hour is over; so two looks within one hour differ only where at least k were at work in it.
/// 3. *Rates* are shown only of windows in which at least k people contributed, whatever else is shown.
/// 4. What is said of people as the reason why tasks wait is a function of the published words.
/// 5. In the digest no pair of a shown total and a shown count leaves a single hidden one, and no cell of a week has
///    anything in common with one of another week.
///
/// What is left on purpose: the words themselves, which change as people come and go, and exact counts of tasks where k
/// or more work.
@Suite("No pair of published cells tells one person's state")
struct PublishedCellsTests {
    private static let k = 5
    private static let monday = "'2026-06-08 07:00+02'"
    private static let projects = ["big": 13, "mid": 6, "few": 3, "one": 1]

    @Test("over a made-up week, whatever is held against each other")
    func week() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        try await withDeployment { deployment in
            let start = try await deployment.moment(Self.monday)
            try await deployment.setClock(start, standing: true)
            try await deployment.policy("day-tasks: 50")
            let people = try await Self.people(deployment)
            var world = MadeUpWeek(deployment: deployment, people: people)
            var looks: [Look] = []
            for day in 0..<7 {
                for hour in day % 2 == 0 ? [1, 2] : [5] {
                    let full = start + .hours(24 * day + hour)
                    try await deployment.setClock(
                        full + .seconds(Int.random(in: 60...900, using: &random)), standing: true)
                    for _ in 0..<Int.random(in: 0...24, using: &random) { try await world.happen(&random) }
                    // Every third day enough are at work to be shown.
                    if day % 3 == 0 { try await world.workTogether(6) }
                    if Bool.random(using: &random) { _ = try await deployment.ledger.foldTally() }
                    let look = try await world.look()
                    looks.append(look)
                    try await world.fewAtWorkDoNotShow(look, &random, seed)
                    try await deployment.setClock(
                        full + .seconds(Int.random(in: 1_800...3_500, using: &random)), standing: true)
                    looks.append(try await world.look())
                }
            }
            #expect(looks.contains { $0.statuses["big"]?.isCoarse == false }, "seed \(seed)")
            #expect(looks.contains { $0.statuses["big"]?.rate != nil }, "seed \(seed)")
            Self.checkPairs(looks, world.deeds, seed)
            // A day later at noon, in an hour in which nothing was done.
            try await deployment.setClock(start + .hours(24 * 7 + 5) + .minutes(20), standing: true)
            try await world.statesDoNotShow(seed)
            try await Self.checkDigest(deployment, start, &random, seed)
        }
    }

    /// 30 people: 23 in one project, and one more project for some of them.
    private static func people(_ deployment: Deployment) async throws -> [String: [String]] {
        var people: [String: [String]] = [:]
        var next = 0
        for (project, count) in projects.sorted(by: { $0.key < $1.key }) {
            people[project] = (next..<next + count).map { "p\($0 + 10)" }
            next += count
            try await deployment.project(project, people: people[project] ?? [], zone: "UTC", tasks: 300)
        }
        // Three of the big one also work in the smallest.
        for person in people["big"]?.prefix(3) ?? [] {
            let boss = "boss-\(people["big"]?[0] ?? "")"
            _ = try await deployment.ledger.enrolEngineer(
                person, zone: "UTC", projects: ["few"],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: boss, alternativeOffered: "the usual work"),
                by: "op")
            people["few"]?.append(person)
        }
        // A coordinator lives, so that reasons speak of people.
        try await deployment.owner.execute(
            script: """
                insert into coordinator (name, address) values ('one', 'host:1');
                insert into coordinator_life select coordinator_id, 1, clock() + interval '30 days' from coordinator
                """)
        return people
    }

    // MARK: Pairs

    private static func checkPairs(_ looks: [Look], _ deeds: [Deed], _ seed: UInt64) {
        let hour = Int64(3_600)
        for project in projects.keys {
            func atWork(_ look: Look) -> Int {
                let begin = look.at.seconds / hour * hour
                let lately = Set(
                    deeds.filter {
                        $0.project == project && $0.isLabel && $0.at.seconds >= begin && $0.at <= look.at
                    }.map(\.person))
                return lately.count
            }
            for (index, a) in looks.enumerated() {
                guard let first = a.statuses[project] else { continue }
                // 3.
                if let rate = first.rate {
                    let from = a.at.seconds - Int64(rate.window.components.seconds) - hour
                    let contributors = Set(
                        deeds.filter {
                            $0.project == project && $0.isLabel && $0.at.seconds >= from && $0.at <= a.at
                        }.map(\.person))
                    #expect(contributors.count >= k, "seed \(seed): a rate of \(contributors.count) at \(a.at)")
                }
                // 2.
                for b in looks[(index + 1)...] where b.at.seconds / hour == a.at.seconds / hour {
                    guard let second = b.statuses[project], first.isCoarse, second.isCoarse else { continue }
                    // Not the age of what waits, which grows by the clock alone.
                    let (before, after) = (a.cells(of: project), b.cells(of: project))
                    #expect(
                        before[0] == after[0] && before[3...] == after[3...],
                        "seed \(seed): \(project) moved from \(before) to \(after)")
                }
                #expect(first.isCoarse || atWork(a) + Int(first.leased) >= k, "seed \(seed)")
            }
        }
        // 4.
        for look in looks {
            for (project, members) in look.members {
                guard let status = look.statuses[project], status.waiting > 0 else { continue }
                let available = members.count { look.words[$0] == true }
                let reason: WaitingReason.Code =
                    available == 0 ? .nobodyAvailable : available < k ? .fewAvailable : .nobodyConnected
                #expect(
                    status.reasons.map(\.code) == [reason], "seed \(seed): \(project) at \(look.at), \(available)")
            }
        }
    }

    /// 5.
    private static func checkDigest(
        _ deployment: Deployment, _ start: Moment, _ random: inout SplitMix64, _ seed: UInt64
    ) async throws {
        let mondays = ["2026-06-08", "2026-06-15"]
        var digests: [WeeklyDigest] = []
        for (week, monday) in mondays.enumerated() {
            try await fillWeek(deployment, from: monday, ids: week * 1_000_000, &random)
            try await deployment.setClock(start + .hours(24 * 7 * (week + 1) + 12), standing: true)
            digests.append(try await deployment.ledger.weeklyDigest(nil))
        }
        #expect(digests.map(\.week.monday.description) == mondays)
        #expect(digests[0].rows.map(\.project) == ["big", "few", "mid", "one", WeeklyDigest.deployment, nil])
        for digest in digests { checkTotals(digest, seed) }
        // Cells of two weeks have nothing in common, so that no difference of two is a count of few: what the second
        // brought leaves the first as it was, and without the first the second is as it was.
        let again = try await deployment.ledger.weeklyDigest(digests[0].week)
        #expect(again == digests[0], "seed \(seed)")
        try await deployment.owner.execute(
            script: """
                delete from concern_answer where concern_id < 1000000;
                delete from concern where concern_id < 1000000;
                delete from decline_reason where given_on < date '\(mondays[1])'
                """)
        let alone = try await deployment.ledger.weeklyDigest(digests[1].week)
        #expect(alone == digests[1], "seed \(seed)")
    }

    /// Made-up days of a week, in each project and about none: raised, answered in time, late or not at all, cords and
    /// declines.
    private static func fillWeek(
        _ deployment: Deployment, from monday: String, ids: Int, _ random: inout SplitMix64
    ) async throws {
        for (place, (name, count)) in (projects.map { ($0, $1) } + [("", 10)]).enumerated() {
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
