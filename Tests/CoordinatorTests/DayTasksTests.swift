import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("Tasks a day, in the person's own zone, by a clock that never goes back for a person (P8)")
struct DayTasksTests {
    struct Evening: Sendable, CustomTestStringConvertible {
        /// What about this zone and date.
        let what: String
        let zone: String
        /// An instant of that local date.
        let at: String
        /// The first instant of the next local date.
        let midnight: String
        var testDescription: String { what }
    }

    @Test(
        "at the limit work is refused until the person's own midnight, and from then on granted",
        arguments: [
            Evening(
                what: "east of UTC", zone: "Asia/Tokyo", at: "2026-06-10 14:00+00", midnight: "2026-06-10 15:00+00"),
            Evening(
                what: "west of UTC", zone: "America/Los_Angeles", at: "2026-06-11 06:00+00",
                midnight: "2026-06-11 07:00+00"),
            Evening(
                what: "a day of 23 hours, from its first hour", zone: "Europe/Berlin", at: "2026-03-28 23:30+00",
                midnight: "2026-03-29 22:00+00"),
            Evening(
                what: "a day of 25 hours, from its first hour", zone: "Europe/Berlin", at: "2026-10-24 22:30+00",
                midnight: "2026-10-25 23:00+00"),
            Evening(
                what: "a day that begins at one o'clock", zone: "Asia/Beirut", at: "2026-03-28 21:00+00",
                midnight: "2026-03-28 22:00+00"),
        ])
    func midnight(evening: Evening) async throws {
        try await withDeployment { deployment in
            let (at, midnight) = (
                try await deployment.moment("'\(evening.at)'"), try await deployment.moment("'\(evening.midnight)'")
            )
            try await deployment.setClock(at, standing: true)
            try await deployment.project(people: ["ann"], zone: evening.zone, tasks: 20)
            try await deployment.policy("day-tasks: 2")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let first = try await ann.patientLease()
                ann.submit(first.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                let second = try await ann.patientLease()
                // One answered and one open.
                func expectRefusal() async throws {
                    let refusal = try await ann.refusal()
                    #expect(refusal.rule == .dayTasks && refusal.rule.rawValue == "day-tasks")
                    #expect(refusal.until == midnight)
                    #expect(refusal.value == "2" && refusal.limit == "2")
                }
                try await expectRefusal()
                ann.submit(second.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                try await expectRefusal()
                try await deployment.setClock(midnight - .seconds(1), standing: true)
                try await expectRefusal()
                ann.want(1)
                #expect(try await ann.next().idle?.untilIn == .seconds(1))
                try await deployment.setClock(midnight, standing: true)
                for _ in 0..<2 {
                    ann.submit(try await ann.patientLease().lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                #expect(try await ann.refusal().rule == .dayTasks)
                #expect(try await deployment.number("select count(distinct accepted_on) from label") == 2)
            }
        }
    }

    @Test("a day's tasks are counted across coordinators and after a restart (P7)")
    func everywhere() async throws {
        try await withDeployment { deployment in
            let noon = try await deployment.moment("'2026-06-10 12:00+00'")
            try await deployment.setClock(noon, standing: true)
            try await deployment.project(people: ["ann"], zone: "UTC", tasks: 20)
            try await deployment.policy("day-tasks: 3")
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let here = try await Hand(one, "ann")
                let there = try await Hand(two, "ann")
                here.submit(try await here.patientLease().lease)
                #expect(try await here.settlement().outcome == .accepted)
                there.submit(try await there.patientLease().lease)
                #expect(try await there.settlement().outcome == .accepted)
                _ = try await here.patientLease()
                #expect(try await there.refusal().rule == .dayTasks)
                #expect(try await here.refusal().rule == .dayTasks)
            }
            let later = deployment.coordinator("later")
            try await running(later) {
                let ann = try await Hand(later, "ann")
                #expect(try await ann.refusal().rule == .dayTasks)
            }
        }
    }

    @Test("a clock that goes back gives nobody the day before once more, and no decision is older than the last (P8)")
    func clockGoesBack() async throws {
        try await withDeployment { deployment in
            let midnight = try await deployment.moment("'2026-06-10 15:00+00'")
            let next = try await deployment.moment("'2026-06-11 15:00+00'")
            try await deployment.setClock(midnight - .seconds(60), standing: true)
            try await deployment.project(people: ["ann", "bob"], zone: "Asia/Tokyo", tasks: 30)
            try await deployment.policy("day-tasks: 2")
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let ann = try await Hand(one, "ann")
                ann.submit(try await ann.patientLease().lease)
                #expect(try await ann.settlement().outcome == .accepted)
                try await deployment.setClock(midnight + .seconds(60), standing: true)
                for _ in 0..<2 {
                    ann.submit(try await ann.patientLease().lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                #expect(try await ann.refusal().until == next)
                // Failover to a server whose clock is behind, on the date before.
                try await deployment.setClock(midnight - .seconds(2 * 3_600), standing: true)
                #expect(try await ann.refusal().until == next)
                let there = try await Hand(two, "ann")
                #expect(try await there.refusal().until == next)
                // Who has worked on neither date by that clock is on its date.
                let bob = try await Hand(two, "bob")
                for _ in 0..<2 {
                    bob.submit(try await bob.patientLease().lease)
                    #expect(try await bob.settlement().outcome == .accepted)
                }
                #expect(try await bob.refusal().until == midnight)
            }
            try await expectForward(deployment)
        }
    }

    @Test("while the clock is behind, a lease's life, its park and its end go on from the person's last instant (P8)")
    func leasesWhileBehind() async throws {
        try await withDeployment { deployment in
            try await deployment.project(effortSeconds: 900, people: ["ann"], tasks: 3)
            let start = try await deployment.now()
            try await deployment.setClock(start, standing: true)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.patientLease()
                try await deployment.setClock(start - .seconds(2 * 3_600), standing: true)
                ann.park(lease.lease)
                #expect(try await ann.change().state == .parked)
                let other = try await ann.patientLease()
                ann.release(other.lease)
                #expect(try await ann.change().state == .released)
            }
            #expect(try await deployment.number("select count(*) from parked where parked_at < first_granted_at") == 0)
            // As the database has it, and not only the coordinator that parked it: nothing of its life is over. The
            // clock goes on, so that the first coordinator's life runs out.
            try await deployment.setClock(start + .seconds(60))
            let two = deployment.coordinator("two")
            try await running(two) {
                let ann = try await Hand(two, "ann")
                for _ in 0..<3 { _ = try await ann.patientLease() }
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from lease
                        where deadline > first_granted_at + interval '50 minutes' or first_granted_at > granted_at
                        """) == 0)
            }
            try await expectForward(deployment)
        }
    }

    @Test("the line holds across coordinators also when the clock has gone back by hours (P7, P8)")
    func limitWhileBehind() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 0)
            let start = try await deployment.now()
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let here = try await Hand(one, "ann")
                let there = try await Hand(two, "ann")
                // A decision that writes nothing: what is known of her here is as of this instant.
                here.want(1)
                #expect(try await here.next().idle?.reason == .nothingLeft)
                try await deployment.setClock(start - .seconds(3 * 3_600))
                try await deployment.importTasks(40)
                for _ in 0..<3 { _ = try await there.patientLease() }
                #expect(try await here.refusal().rule == .openLeases)
                #expect(try await deployment.number("select count(*) from lease") == 3)
            }
            try await expectForward(deployment)
        }
    }

    /// In the order of a person's numbers neither instants nor dates go back, and no number comes twice.
    private func expectForward(_ deployment: Deployment) async throws {
        #expect(
            try await deployment.number(
                """
                select count(*) from (
                    select at < lag(at) over w or day < lag(day) over w or n = lag(n) over w as is_back
                    from usage window w as (partition by person_id order by n, at)) x where is_back
                """) == 0)
        #expect(try await deployment.number("select count(*) from lease_history where at < granted_at") == 0)
    }
}
