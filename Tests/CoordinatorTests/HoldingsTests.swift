import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// What a coordinator holds survives the loss of what holds it: its connections, its membership, its people's leases.
@Suite("Slots are neither lost nor kept back")
struct HoldingsTests {
    @Test("a coordinator that has not seen somebody for days reads anew what another did since (P7)")
    func awayForDays() async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(
                try await deployment.moment("'2026-06-08 12:00+02'"), standing: true)
            try await deployment.project(people: ["ann"], tasks: 3)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let here = try await Hand(one, "ann")
                here.submit(try await here.patientLease().lease)
                #expect(try await here.settlement().outcome == .accepted)
                let there = try await Hand(two, "ann")
                let parked = try await there.patientLease()
                there.park(parked.lease)
                #expect(try await there.change().state == .parked)
                // Longer than latest figures are looked for, shorter than a parked lease waits.
                try await deployment.moveStanding(by: .seconds(48 * 3_600))
                // What somebody parked themselves comes after what is new and ready, and which that is depends on who
                // holds the span.
                let first = try await here.patientLease()
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from (select from usage group by person_id, n having count(*) > 1) twice
                        """) == 0)
                let second = try await here.patientLease()
                #expect([first.key, second.key].contains(parked.key))
            }
        }
    }

    @Test("who gave a task back is offered its other slots too, though they were passed over while it was held")
    func passedOver() async throws {
        try await withDeployment { deployment in
            try await deployment.project(overlap: 2, people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let first = try await ann.lease()
                // Looks through the span of the second slot and passes it over: the task is in her own hands.
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .allInOtherHands)
                ann.release(first.lease)
                try await ann.read { !$0.changes.isEmpty }
                bob.submit(try await bob.lease().lease)
                #expect(try await bob.settlement().outcome == .accepted)
                ann.submit(try await ann.lease().lease)
                #expect(try await ann.settlement().outcome == .accepted)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test(
        "connections that die at any moment lose no slot and no answer (P5, P12)",
        arguments: ["flush", "feed", "flush|feed|life"])
    func deadConnections(uses: String) async throws {
        try await withDeployment { deployment in
            let people = ["ann", "bob", "cat"]
            try await deployment.project(overlap: 2, people: people, tasks: 600)
            let one = deployment.coordinator()
            try await running(one) {
                try await working(people, on: one) {
                    for _ in 0..<25 {
                        try await Task.sleep(for: .milliseconds(Int64.random(in: 5...60)))
                        _ = try await deployment.number(
                            """
                            select count(pg_terminate_backend(pid)) from pg_stat_activity
                            where datname = current_database() and application_name ~ ' (\(uses))$'
                            """)
                    }
                }
                #expect(try await deployment.number("select count(*) from label") == 1_200)
                #expect(try await deployment.number("select count(*) from late_answer") == 0)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a coordinator that was taken over joins again, and nothing stays under its old numbers (P12)")
    func takenOver() async throws {
        try await withDeployment { deployment in
            let people = ["ann", "bob", "cat"]
            try await deployment.project(overlap: 2, people: people, tasks: 600)
            let one = deployment.coordinator()
            let connections = LedgerConnections(
                base: deployment.coordinatorConfiguration(), name: "test", logger: quiet)
            try await running(one) {
                try await working(people, on: one) {
                    let membership = try await connections.membership()
                    for _ in 0..<4 {
                        try await Task.sleep(for: .milliseconds(Int64.random(in: 50...300)))
                        let newest = try await deployment.number("select max(coordinator_id) from coordinator")
                        try await membership.takeOut([CoordinatorID(newest)], cause: "a test")
                        try await eventually("it has joined again") {
                            try await deployment.number("select max(coordinator_id) from coordinator") > newest
                        }
                    }
                    await membership.close()
                }
                #expect(try await deployment.number("select count(*) from label") == 1_200)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test(
        "what a worker process was granted and never heard of ends with its next hello, wherever that comes",
        arguments: [false, true])
    func unheard(elsewhere: Bool) async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 20)
            try await deployment.limits(openLeases: 3)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let lost = try await Hand(one, "ann", session: 7)
                let heard = try await lost.lease()
                // Granted, and on its way when the line is cut.
                lost.want(2)
                try await eventually("granted") { try await deployment.number("select count(*) from lease") == 3 }
                let other = try await Hand(one, "ann", session: 8)
                let back = try await Hand(elsewhere ? two : one, "ann", held: [heard.lease], session: 7)
                #expect(back.stream.welcome.kept.map(\.lease) == [heard.lease])
                var held = [heard.lease]
                for _ in 0..<2 { held.append(try await back.lease().lease) }
                #expect(try await deployment.number("select count(*) from lease") == 3)
                // Another process of the same person has another number, and ends nothing.
                other.want(1)
                #expect(try await other.next().idle?.refusal?.rule == .openLeases)
                for lease in held {
                    back.submit(lease)
                    #expect(try await back.settlement().outcome == .accepted)
                }
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
            }
        }
    }

    @Test("a task whose lease a withdrawal ended goes to somebody else")
    func withdrawn() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.lease()
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                let bob = try await Hand(one, "bob")
                bob.submit(try await bob.lease().lease)
                #expect(try await bob.settlement().outcome == .accepted)
                try await deployment.expectNothingHeld()
            }
        }
    }

    /// Has people answer everything there is, with `body` beside them. Every answer is settled, and once.
    private func working(_ people: [String], on coordinator: Coordinator, _ body: () async throws -> Void) async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for person in people {
                let hand = try await Hand(coordinator, person)
                group.addTask { try await answerEverything(hand) }
            }
            try await body()
            try await group.waitForAll()
        }
    }

    private func answerEverything(_ hand: Hand) async throws {
        var open: [LeaseReference: Int] = [:]
        hand.want(4)
        while true {
            var isDone = false
            try await hand.read { reply in
                for settlement in reply.settlements {
                    switch settlement.outcome {
                    case .accepted:
                        #expect(open.removeValue(forKey: settlement.lease) != nil, "settled twice: \(settlement)")
                    case .tryAgain: hand.submit(settlement.lease)
                    default: Issue.record("an answer was not accepted: \(settlement)")
                    }
                }
                for lease in reply.leases {
                    open[lease.lease, default: 0] += 1
                    hand.submit(lease.lease, want: 1)
                }
                if let idle = reply.idle, open.isEmpty {
                    if idle.reason == .nothingLeft { isDone = true }
                    return true
                }
                return reply.idle != nil || open.isEmpty
            }
            if isDone { return }
            if open.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            hand.want(1)
        }
    }
}
