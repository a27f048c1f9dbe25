import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("What fits before a limit is found, whatever lies before it, and how it ends there (P2, P6, P13)")
struct HorizonTests {
    /// A Monday at noon in Berlin, and the clock stands still.
    private static func at<R: Sendable>(
        effortSeconds: Int, _ limits: [String], _ efforts: [Int?], _ body: (Deployment, Coordinator) async throws -> R
    ) async throws -> R {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment("'2026-06-08 12:00+02'"), standing: true)
            try await deployment.project(effortSeconds: effortSeconds, people: ["ann"], tasks: 0)
            try await deployment.importTasks(efforts.count, efforts: efforts)
            let lines = (["quiet-hours: none"] + limits).map { "  \($0)\n" }.joined()
            _ = try await deployment.ledger.applyPolicy("limits:\n" + lines, reason: "a test", by: "op")
            let one = deployment.coordinator()
            return try await running(one) { try await body(deployment, one) }
        }
    }

    @Test("a lane that nobody has looked into is looked into, whatever its project's own estimate says")
    func unseen() async throws {
        try await Self.at(effortSeconds: 3_600, [], [60, 60, nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            for key in ["t0", "t1"] {
                let lease = try await ann.lease()
                #expect(lease.key == key && lease.deadlineIn == .seconds(180))
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
            }
            // The last one has the project's own estimate and fits nobody's day: waiting does not help.
            let refusal = try await ann.refusal()
            #expect(refusal.rule == .limitTooNear && refusal.value == "60m" && refusal.until == nil)
        }
    }

    @Test("a short task is found behind fifty that are too long for now, at the first want")
    func behindMany() async throws {
        try await Self.at(
            effortSeconds: 60, ["continuous-time: 10m", "break: 2m"], Array(repeating: 1_800, count: 50) + [nil]
        ) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            #expect(lease.key == "t50")
            ann.submit(lease.lease)
            #expect(try await ann.settlement().outcome == .accepted)
            #expect(try await ann.refusal().value == "30m")
        }
    }

    @Test("a lane with nothing left in it does not hide that what there is elsewhere is too long for now")
    func besideADrainedLane() async throws {
        try await Self.at(effortSeconds: 900, ["continuous-time: 16m", "break: 2m"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let first = try await ann.lease()
            try await deployment.moveStanding(by: .seconds(360))
            ann.submit(first.lease)
            #expect(try await ann.settlement().outcome == .accepted)
            try await deployment.importTasks(3, from: 1, kind: "rating")
            let refusal = try await ann.refusal()
            #expect(refusal.rule == .limitTooNear && refusal.scope == "break" && refusal.value == "15m")
        }
    }

    @Test("no more than a few dozen that are too long are taken out of others' reach to look behind them")
    func passedOver() async throws {
        try await Self.at(
            effortSeconds: 60, ["continuous-time: 10m", "break: 2m"], Array(repeating: 1_800, count: 300)
        ) { deployment, one in
            let ann = try await Hand(one, "ann")
            let refusal = try await ann.refusal()
            #expect(refusal.rule == .limitTooNear && refusal.scope == "break")
            let left = try await deployment.number("select sum(last_task - first_task + 1)::bigint from span")
            #expect(left >= 200, "\(left) of 300 are still in reach")
        }
    }

    @Test("an extension goes up to a limit, also where the whole estimate does not fit, and never past it")
    func extensions() async throws {
        try await Self.at(effortSeconds: 60, ["continuous-time: 200s", "break: 2m"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            #expect(lease.deadlineIn == .seconds(180) && !lease.parks)
            #expect(lease.why.deadlineRule == nil)
            #expect(try await deployment.number("select count(*) from lease where deadline_rule is null") == 1)
            try await deployment.moveStanding(by: .seconds(175))
            ann.extend(lease.lease)
            let longer = try await ann.change()
            #expect(longer.state == .held && longer.deadlineIn == .seconds(25))
            // The lease keeps what set its deadline.
            #expect(try await deployment.number("select count(*) from lease where deadline_rule = 'break'") == 1)
            try await deployment.moveStanding(by: .seconds(30))
            #expect(try await ann.change().state == .parked)
        }
        try await Self.at(effortSeconds: 60, ["continuous-time: 5m", "break: 2m"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            // In its grace it can be answered, and is not made longer: what has passed since is nobody's leased time.
            try await deployment.moveStanding(by: .seconds(183))
            ann.extend(lease.lease)
            let same = try await ann.change()
            #expect(same.state == .unchanged && same.message.contains("its deadline has passed"))
        }
    }

    @Test("a lease that has lasted as long as it may is parked by no limit and by no hand: it could not come back")
    func lifetime() async throws {
        try await Self.at(effortSeconds: 1_000, [], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            // Its lifetime and the break are at the same moment.
            #expect(lease.deadlineIn == .seconds(50 * 60) && !lease.parks)
            try await deployment.moveStanding(by: .seconds(50 * 60 - 15))
            ann.park(lease.lease)
            let refused = try await ann.change()
            #expect(refused.state == .unchanged && refused.message.contains("as long as anybody may"))
            try await deployment.moveStanding(by: .seconds(20))
            let told = try await ann.read { !$0.revokes.isEmpty }
            #expect(told.flatMap(\.changes).isEmpty)
            #expect(try await deployment.number("select count(*) from parked") == 0)
            #expect(try await deployment.number("select count(*) from lease_history where how = 'limit'") == 1)
            #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
        }
        try await Self.at(effortSeconds: 1_000, ["lease-lifetime: 2h"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            #expect(lease.deadlineIn == .seconds(50 * 60) && lease.parks && lease.why.deadlineRule == .breakTime)
            #expect(try await deployment.number("select count(*) from lease where deadline_rule = 'break'") == 1)
            try await deployment.moveStanding(by: .seconds(50 * 60 + 5))
            #expect(try await ann.change().state == .parked)
        }
    }

    /// At 3m the limit is where the lease would have ended anyhow.
    @Test(
        "what was to be parked at a limit that is gone by then is parked all the same, and comes back at once",
        arguments: [2, 3])
    func limitGone(minutes: Int) async throws {
        try await Self.at(
            effortSeconds: 60, ["continuous-time: \(minutes)m", "break: 2m"], [nil, nil]
        ) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            #expect(lease.deadlineIn == .seconds(minutes * 60) && lease.parks)
            try await deployment.policy("continuous-time: 50m", "break: 2m")
            try await deployment.moveStanding(by: .seconds(minutes * 60 + 5))
            #expect(try await ann.change().state == .parked)
            #expect(try await ann.lease().lease == lease.lease)
            #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
        }
    }

    @Test("who has a task back is told five minutes before the limit that it now comes to, and of no other moment")
    func warnings() async throws {
        try await Self.at(effortSeconds: 300, ["continuous-time: 10m", "break: 2m"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let lease = try await ann.lease()
            #expect(lease.deadlineIn == .seconds(600) && lease.parks)
            try await deployment.moveStanding(by: .seconds(60))
            ann.park(lease.lease)
            #expect(try await ann.change().state == .parked)
            try await deployment.moveStanding(by: .seconds(120))
            let back = try await ann.lease()
            #expect(back.lease == lease.lease && back.deadlineIn == .seconds(600) && back.parks)
            try await deployment.moveStanding(by: .seconds(301))
            let told = try await ann.read { !$0.notifications.isEmpty }.flatMap(\.notifications)
            #expect(told.map(\.message) == ["in 4m you come to a limit; what is open then is parked for you"])
        }
    }

    @Test("a late answer finds the room that an answer of the same message made")
    func lateBesideAnother() async throws {
        try await Self.at(effortSeconds: 60, ["open-leases: 1"], [nil]) { deployment, one in
            let ann = try await Hand(one, "ann")
            let first = try await ann.lease()
            ann.release(first.lease)
            #expect(try await ann.change().state == .released)
            try await deployment.importTasks(1, from: 1, priority: 1, kind: "rating")
            var second = try await ann.patientLease()
            while second.key != "t1" {
                // Its lane is not known yet.
                ann.release(second.lease)
                #expect(try await ann.change().state == .released)
                second = try await ann.patientLease()
            }
            var both = StreamRequest()
            both.submits = [second, first].map {
                SubmittedAnswer(lease: $0.lease, answer: Array(#"{"label":"a"}"#.utf8))
            }
            ann.stream.receive(both)
            var settled: [Settlement] = []
            try await ann.read { reply in
                settled += reply.settlements
                return settled.count >= 2
            }
            #expect(settled.map(\.outcome) == [.accepted, .accepted])
            #expect(try await deployment.number("select count(*) from label") == 2)
        }
    }
}
