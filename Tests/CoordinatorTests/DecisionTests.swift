import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("A refusal is kept when the deciding rule changes, at most one a person and minute, whoever decides")
struct DecisionTests {
    /// A Monday at noon in Berlin.
    private static let noon = "'2026-06-08 12:00+02'"
    private static let minute = Duration.seconds(60)

    /// With two coordinators, a clock that stands, and Ann, who has had all the tasks that she may have that day and
    /// holds none: with her last stream a coordinator forgets what it knew of her.
    private func withTwo(
        at instant: String = Self.noon, _ body: (Deployment, Coordinator, Coordinator) async throws -> Void
    ) async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment(instant), standing: true)
            try await deployment.project(people: ["ann"], tasks: 9)
            try await deployment.policy("day-tasks: 1")
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let ann = try await Hand(one, "ann")
                try await answerOne(ann)
                await leave(ann)
                #expect(try await kept(deployment) == [])
                try await body(deployment, one, two)
            }
        }
    }

    private func answerOne(_ hand: Hand) async throws {
        hand.submit(try await hand.patientLease().lease)
        #expect(try await hand.settlement().outcome == .accepted)
    }

    /// Returns once the coordinator knows that the stream has ended.
    private func leave(_ hand: Hand) async {
        hand.stream.detach()
        _ = await hand.readToTheEnd()
    }

    /// The rules of all refusals that are kept, first the oldest.
    private func kept(_ deployment: Deployment) async throws -> [String] {
        try await deployment.owner.query(Query(.unprepared("select rule from decision order by at, rule")))
            .map { try $0.text(0) }
    }

    @Test("the same one, asked for ten times over one stream, over the next and over another coordinator, is kept once")
    func once() async throws {
        try await withTwo { deployment, one, two in
            for coordinator in [one, one, two] {
                let ann = try await Hand(coordinator, "ann")
                for _ in 0..<10 { #expect(try await ann.refusal().rule == .dayTasks) }
                #expect(try await kept(deployment) == ["day-tasks"])
                await leave(ann)
            }
            // Up to the last second of the minute.
            try await deployment.moveStanding(by: Self.minute - .seconds(1))
            for coordinator in [one, two] {
                #expect(try await Hand(coordinator, "ann").refusal().rule == .dayTasks)
            }
            #expect(try await kept(deployment) == ["day-tasks"])
        }
    }

    @Test("what several streams of one person are told at once is kept once")
    func oneFlush() async throws {
        try await withTwo { deployment, one, _ in
            var hands: [Hand] = []
            for _ in 0..<4 { hands.append(try await Hand(one, "ann")) }
            for hand in hands { hand.want(1) }
            for hand in hands { #expect(try await hand.refusal().rule == .dayTasks) }
            #expect(try await kept(deployment) == ["day-tasks"])
        }
    }

    @Test("the minute reaches over midnight, where another partition begins")
    func midnight() async throws {
        try await withTwo(at: "'2026-06-08 23:59:50+00'") { deployment, one, two in
            #expect(try await Hand(one, "ann").refusal().rule == .dayTasks)
            try await deployment.moveStanding(by: .seconds(20))
            #expect(try await Hand(two, "ann").refusal().rule == .dayTasks)
            #expect(try await kept(deployment) == ["day-tasks"])
        }
    }

    @Test("another rule's is kept when the minute is over, also by a coordinator that had not kept the one before")
    func anotherRule() async throws {
        try await withTwo { deployment, one, two in
            let here = try await Hand(one, "ann")
            let there = try await Hand(two, "ann")
            for hand in [here, there] { #expect(try await hand.refusal().rule == .dayTasks) }
            _ = try await deployment.ledger.setProjectState("puzzles", to: .paused, by: "op")
            try await deployment.moveStanding(by: Self.minute - .seconds(1))
            for hand in [here, there] { #expect(try await hand.refusal().rule == .paused) }
            #expect(try await kept(deployment) == ["day-tasks"])
            try await deployment.moveStanding(by: .seconds(1))
            for hand in [there, here] { #expect(try await hand.refusal().rule == .paused) }
            #expect(try await kept(deployment) == ["day-tasks", "paused"])
            _ = try await deployment.ledger.setProjectState("puzzles", to: .open, by: "op")
            try await deployment.moveStanding(by: Self.minute)
            for hand in [here, there] { #expect(try await hand.refusal().rule == .dayTasks) }
            #expect(try await kept(deployment) == ["day-tasks", "paused", "day-tasks"])
        }
    }

    @Test("after the minute the same one is kept again of who has come back, and not of who has stayed")
    func afterTheMinute() async throws {
        try await withTwo { deployment, one, two in
            let stayed = try await Hand(one, "ann")
            #expect(try await stayed.refusal().rule == .dayTasks)
            try await deployment.moveStanding(by: Self.minute)
            // Nothing has changed, and so nothing is new to tell.
            for _ in 0..<3 { #expect(try await stayed.refusal().rule == .dayTasks) }
            #expect(try await kept(deployment) == ["day-tasks"])
            await leave(stayed)
            for coordinator in [one, two] {
                let back = try await Hand(coordinator, "ann")
                #expect(try await back.refusal().rule == .dayTasks)
                #expect(try await kept(deployment) == ["day-tasks", "day-tasks"])
                await leave(back)
            }
        }
    }

    @Test("once something was granted, here or elsewhere, the same one is kept again when the minute is over")
    func afterAGrant() async throws {
        try await withTwo { deployment, one, two in
            let here = try await Hand(one, "ann")
            #expect(try await here.refusal().rule == .dayTasks)
            try await deployment.policy("day-tasks: 2")
            try await deployment.moveStanding(by: .seconds(10))
            let there = try await Hand(two, "ann")
            let lease = try await there.patientLease()
            #expect(try await here.refusal().rule == .dayTasks)
            #expect(try await kept(deployment) == ["day-tasks"])
            try await deployment.moveStanding(by: .seconds(50))
            for hand in [here, there] { #expect(try await hand.refusal().rule == .dayTasks) }
            #expect(try await kept(deployment) == ["day-tasks", "day-tasks"])

            // What was granted before the last one is no news.
            there.submit(lease.lease)
            #expect(try await there.settlement().outcome == .accepted)
            try await deployment.moveStanding(by: Self.minute)
            #expect(try await here.refusal().rule == .dayTasks)
            #expect(try await kept(deployment) == ["day-tasks", "day-tasks"])
            // Granted by the coordinator that refuses, and over by then.
            try await deployment.policy("day-tasks: 3")
            try await answerOne(here)
            #expect(try await here.refusal().rule == .dayTasks)
            #expect(try await kept(deployment) == ["day-tasks", "day-tasks", "day-tasks"])
        }
    }

    @Test("what is said beside picks that do not hold counts none of them, and is not kept")
    func besidePicksThatDoNotHold() async throws {
        try await withDeployment { deployment in
            try await deployment.project(overlap: 2, people: ["ann", "bob"], tasks: 4)
            try await deployment.limits(openLeases: 3)
            // One slot of each task comes to this one with the first want, and stays.
            let one = deployment.coordinator("one") {
                $0.sizes.claimMin = 4
                $0.times.holding = .seconds(600)
                $0.times.surplus = .seconds(600)
            }
            let two = deployment.coordinator("two")
            try await running(one, two) {
                _ = try await Hand(one, "bob").patientLease()
                #expect(try await deployment.number("select sum(last_task - first_task + 1)::bigint from block") == 4)
                // Ann answers all of them elsewhere, of which this one knows nothing: three picks of hers look possible.
                let elsewhere = try await Hand(two, "ann")
                for _ in 0..<4 { try await answerOne(elsewhere) }
                await leave(elsewhere)
                let hands = [try await Hand(one, "ann"), try await Hand(one, "ann")]
                // Both wants wait for her lock, so that one flush decides about them.
                try await deployment.owner.execute(
                    script: "begin; select from person where name = 'ann' for no key update")
                hands[0].want(3)
                hands[1].want(1)
                try await eventually("a flush waits for her lock") {
                    try await deployment.number(
                        """
                        select count(*) from pg_locks join pg_stat_activity using (pid)
                        where not granted and datname = current_database()
                        """) > 0
                }
                try await deployment.owner.execute(script: "commit")
                for hand in hands {
                    let (leases, idle) = try await hand.next()
                    #expect(leases.isEmpty && idle?.refusal == nil, "\(String(describing: idle))")
                }
                #expect(try await kept(deployment) == [])
            }
        }
    }
}
