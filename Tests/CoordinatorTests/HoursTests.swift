import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("What a person says of their own time binds from the next decision on, on every coordinator (P2, P7)")
struct HoursTests {
    /// A Monday at noon in Berlin.
    private static let noon = "'2026-06-08 12:00+02'"

    private func correction(_ from: String, _ to: String, _ reason: String = "it was not counted") -> CorrectionDraft {
        CorrectionDraft(from: from, to: to, reason: reason)
    }

    /// Takes one lease and gives it back, so that the coordinator knows the person.
    private func expectWork(_ hand: Hand) async throws {
        let lease = try await hand.patientLease()
        hand.release(lease.lease)
        try await hand.read { reply in reply.changes.contains { $0.state == .released } }
    }

    /// With two coordinators that both know Ann, and a clock that stands at noon.
    private func withTwo(
        _ limits: String, zone: String = "Europe/Berlin",
        _ body: (Deployment, [Hand]) async throws -> Void
    ) async throws {
        try await withDeployment { deployment in
            try await deployment.setClock(try await deployment.moment(Self.noon), standing: true)
            try await deployment.project(people: ["ann"], zone: zone, tasks: 40)
            _ = try await deployment.ledger.applyPolicy("limits: {\(limits)}\n", reason: "a test", by: "op")
            try await deployment.ledger.grantRole(.operator, to: "olu", by: "op")
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let hands = [try await Hand(one, "ann"), try await Hand(two, "ann")]
                for hand in hands { try await expectWork(hand) }
                try await body(deployment, hands)
            }
        }
    }

    @Test("time that is added reaches a limit at once, and time that two take away lets go of it")
    func corrections() async throws {
        try await withTwo("quiet-hours: none, continuous-time: none, break: none, day-time: 2m") { deployment, hands in
            let ledger = deployment.ledger
            _ = try await ledger.addTime(correction("2026-06-08 10:00", "2026-06-08 10:02"), by: "ann")
            let midnight = try await deployment.moment("'2026-06-09 00:00+02'")
            for hand in hands {
                let refusal = try await hand.refusal()
                #expect(refusal.rule == .dayTime && refusal.value == "2m" && refusal.until == midnight)
            }
            let asked = try await ledger.askTimeRemoval(
                correction("2026-06-08 10:00", "2026-06-08 10:02", "a mistake"), by: "ann")
            for hand in hands { #expect(try await hand.refusal().rule == .dayTime) }
            _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
            for hand in hands { try await expectWork(hand) }
        }
    }

    @Test("leased time that a coordinator itself recorded and still has in memory is taken away there too")
    func recorded() async throws {
        try await withTwo("quiet-hours: none, continuous-time: none, break: none, day-time: 2m") { deployment, hands in
            let lease = try await hands[0].patientLease()
            try await deployment.moveStanding(by: .seconds(120))
            hands[0].submit(lease.lease)
            #expect(try await hands[0].settlement().outcome == .accepted)
            for hand in hands { #expect(try await hand.refusal().rule == .dayTime) }
            let asked = try await deployment.ledger.askTimeRemoval(
                correction("2026-06-08 12:00", "2026-06-08 12:02", "the network was gone"), by: "ann")
            #expect(asked.recorded == .seconds(120))
            _ = try await deployment.ledger.answerCorrection(
                asked.id, agree: true, reason: "", by: .supervisor("boss-ann"))
            for hand in hands { try await expectWork(hand) }
            #expect(try await deployment.number("select count(*) from work_interval") == 0)
        }
    }

    @Test("claims that meet a correction are decided before it or by it, never after it without it")
    func race() async throws {
        try await withTwo(
            "quiet-hours: none, continuous-time: none, break: none, day-time: 2m, open-leases: 64"
        ) { deployment, hands in
            let ledger = deployment.ledger
            for round in 0..<40 {
                let asking = Task {
                    for _ in 0..<6 {
                        for hand in hands { hand.want(1) }
                        try await Task.sleep(for: .milliseconds(Int64.random(in: 0...4)))
                    }
                }
                let added = try await ledger.addTime(correction("2026-06-08 10:00", "2026-06-08 10:02"), by: "ann")
                // By now it is committed: whatever commits later was decided with it.
                let granted = try await deployment.number("select count(*) from lease")
                try await asking.value
                var held: [LeaseReference] = []
                for hand in hands {
                    // Leases of before the correction are still on their way to the worker.
                    while true {
                        hand.want(1)
                        let (leases, idle) = try await hand.next()
                        held += leases.map(\.lease)
                        if idle?.refusal?.rule == .dayTime { break }
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
                #expect(
                    try await deployment.number("select count(*) from lease") == granted,
                    "round \(round): something was granted after the correction")
                // Numbers stand for what came before: no grant after the correction's has a later one without a gap.
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from (
                            select n - lag(n) over (partition by person_id order by n) as step from usage) x where step <> 1
                        """) == 0)
                try await release(all: hands, deployment)
                let asked = try await ledger.askTimeRemoval(
                    correction("2026-06-08 10:00", "2026-06-08 10:02", "again"), by: "ann")
                _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
                #expect(added.state == .counted)
            }
        }
    }

    /// Ends every lease there is, as their worker would.
    private func release(all hands: [Hand], _ deployment: Deployment) async throws {
        let open = try await deployment.ledger.standing(of: "ann").person.leases
        for lease in open {
            hands[0].release(LeaseReference(task: lease.task, fence: lease.fence))
            hands[1].release(LeaseReference(task: lease.task, fence: lease.fence))
        }
        try await eventually("all leases are released") {
            try await deployment.number("select count(*) from lease") == 0
        }
    }

    @Test("hours that are declared count for the law's mean")
    func declared() async throws {
        try await withTwo("quiet-hours: none") { deployment, hands in
            _ = try await deployment.ledger.declareHours(.seconds(48 * 3_600), by: "ann")
            for hand in hands { #expect(try await hand.refusal().rule == .weekAverage) }
            _ = try await deployment.ledger.declareHours(.zero, by: "ann")
            for hand in hands { try await expectWork(hand) }
        }
    }

    @Test("after a change of zone the night of the new one holds, and that of the former one for eight days")
    func zones() async throws {
        try await withTwo("quiet-hours: \"20:00-08:00\"") { deployment, hands in
            _ = try await deployment.ledger.setZone("America/New_York", by: "ann")
            let morning = try await deployment.moment("'2026-06-08 14:00+02'")
            for hand in hands {
                let refusal = try await hand.refusal()
                #expect(refusal.rule == .quietHours && refusal.until == morning)
            }
            try await deployment.setClock(morning, standing: true)
            for hand in hands { try await expectWork(hand) }
            // Evening in Berlin, noon in New York.
            try await deployment.setClock(try await deployment.moment("'2026-06-08 20:00+02'"), standing: true)
            for hand in hands { #expect(try await hand.refusal().rule == .quietHours) }
            try await deployment.setClock(try await deployment.moment("'2026-06-16 20:00+02'"), standing: true)
            for hand in hands { try await expectWork(hand) }
        }
    }

    @Test("going east is no new day for what was counted already")
    func eastward() async throws {
        try await withTwo("quiet-hours: none, day-tasks: 1") { deployment, hands in
            // Seven in the evening in Berlin is two in the morning in Tokyo.
            try await deployment.setClock(try await deployment.moment("'2026-06-08 19:00+02'"), standing: true)
            hands[0].submit(try await hands[0].patientLease().lease)
            #expect(try await hands[0].settlement().outcome == .accepted)
            _ = try await deployment.ledger.setZone("Asia/Tokyo", by: "ann")
            let midnight = try await deployment.moment("'2026-06-09 00:00+02'")
            for hand in hands {
                let refusal = try await hand.refusal()
                #expect(refusal.rule == .dayTasks && refusal.until == midnight)
            }
            try await deployment.setClock(midnight, standing: true)
            hands[1].submit(try await hands[1].patientLease().lease)
            #expect(try await hands[1].settlement().outcome == .accepted)
            for hand in hands { #expect(try await hand.refusal().rule == .dayTasks) }
            // Each answer carries the date of where the person is.
            #expect(
                try await deployment.number(
                    "select count(*) from label where accepted_on in ('2026-06-08', '2026-06-09')") == 2)
        }
    }
}
