import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// P9, cell by cell: what a supervisor reads of the whole deployment, beside the words of people.
@Suite("Nothing that is said of everybody tells the state of one (P9)")
struct StateViewsTests {
    private static let noon = "'2026-06-08 12:00+02'"

    /// Five are available, of whom none is connected, and a sixth is not available. Were it told whether anybody at all
    /// is connected, it would be told of the sixth.
    @Test("where nobody available is connected, it does not show whether the one who is not available is")
    func presenceOfTheRest() async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment(Self.noon), standing: true)
            let people = (0..<6).map { "p\($0 + 10)" }
            try await deployment.project("big", people: people, tasks: 10)
            try await deployment.bring("p10", into: .withdrawn)
            try await deployment.owner.execute(
                script: """
                    insert into coordinator (name, address) values ('one', 'host:1');
                    insert into coordinator_life select coordinator_id, 1, clock() + interval '30 days' from coordinator
                    """)
            let project = try await deployment.ledger.project(named: "big").id
            let one = CoordinatorID(try await deployment.number("select coordinator_id from coordinator"))
            func reasons(_ presence: [ProjectPresence]) async throws -> [WaitingReason] {
                try await deployment.ledger.reportPresence(presence, of: one)
                return try await Availability(ledger: deployment.ledger).queueStatus(project: "big")[0].reasons
            }
            let connected = try await reasons([ProjectPresence(project: project, isAvailable: false)])
            let away = try await reasons([])
            #expect(connected == away)
            // The test itself: that one of the five is connected is told, of five.
            let handed = try await reasons([ProjectPresence(project: project, isAvailable: true)])
            #expect(handed.map(\.code) == [.beingHandedOut] && handed != away)
        }
    }

    /// One person in one project; nobody folds for a while, as when an old transaction holds the fold up.
    @Test("doctor does not tell when the only one at work has taken something")
    func unfolded() async throws {
        try await withDeployment { deployment in
            let noon = try await deployment.moment(Self.noon)
            try await deployment.setClock(noon, standing: true)
            try await deployment.project("one", people: ["ann"], tasks: 10)
            try await deployment.ledger.foldTally()
            func figures() async throws -> [String] {
                try await deployment.ledger.diagnose(forOperator: false).map { "\($0.name) \($0.state) \($0.finding)" }
                    .filter { !$0.hasPrefix("oldest transaction") && !$0.hasPrefix("coordinator's clock") }
            }
            try await deployment.setClock(noon + .minutes(10), standing: true)
            let quiet = try await figures()
            try await deployment.lease(to: "ann", project: "one", minutesAgo: 0)
            try await deployment.setClock(noon + .minutes(20), standing: true)
            #expect(try await figures() == quiet)
            let all = try await deployment.ledger.diagnose()
            #expect(all.contains { $0.name == "queue figures" && $0.state == .warning })
        }
    }

    /// Of two projects whose counts are hidden, with few people between them or with many: the total less what is
    /// shown is what they did.
    @Test("a total does not tell what fewer than k engineers did together in projects that are hidden whole")
    func totalOfSmallProjects() {
        func digest(_ engineers: (Int, Int)) -> WeeklyDigest.Cell? {
            WeeklyDigest(
                week: ISOWeek(year: 2026, week: 24), k: 10,
                projects: [
                    .init(project: "big", engineers: 20, counts: [.raised: 30]),
                    .init(project: "few", engineers: engineers.0, counts: [.raised: 5]),
                    .init(project: "one", engineers: engineers.1, counts: [.raised: 5]),
                ]
            ).rows.last?.cells[.raised]
        }
        #expect(digest((6, 1)) == .hidden)
        // They may be the same nine.
        #expect(digest((6, 9)) == .hidden)
        // The test itself: of as many as k it is shown.
        #expect(digest((12, 11)) == .count(40))
    }
}
