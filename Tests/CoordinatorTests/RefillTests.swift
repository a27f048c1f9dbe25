import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("A withdrawn label's slot (P1, P3)")
struct RefillTests {
    @Test("goes to somebody else within seconds, and never again to the person who withdrew")
    func toSomebodyElse() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                let bob = try await Hand(one, "bob")
                bob.want(1)
                #expect(try await bob.next().leases.isEmpty)

                let voice = ConsentVoice(name: "ann", certificateSerial: "ab01")
                _ = try await deployment.ledger.withdrawAgreement(purpose: "taking-part", voice: voice)
                try await deployment.agree("ann")
                try await eventually("the label is set aside") {
                    try await deployment.number("select count(*) from excluded_label") == 1
                }
                // She agrees again and wants work; the task is not for her any more.
                for _ in 0..<20 {
                    ann.want(1)
                    let (leases, idle) = try await ann.next()
                    #expect(leases.isEmpty)
                    if idle?.reason == .nothingLeft { break }
                    try await Task.sleep(for: .milliseconds(50))
                }
                // The old answer gets the old ack and is stored nowhere.
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from late_answer") == 0)
                let again = try await bob.patientLease()
                #expect(again.lease.task == lease.lease.task)
                bob.submit(again.lease)
                #expect(try await bob.settlement().outcome == .accepted)
                #expect(
                    try await deployment.number(
                        "select count(*) from label join person p using (person_id) where p.name = 'bob'") == 1)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("also where a block of the coordinator still covers it, and with several slots a task")
    func manySlots() async throws {
        try await withDeployment { deployment in
            let people = ["ann", "bob", "cid", "dan"]
            try await deployment.project(overlap: 3, people: people, tasks: 40)
            try await deployment.limits(openLeases: 64)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                try await work(people.prefix(3), one)
                #expect(try await deployment.number("select count(*) from label") == 120)
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "bob", certificateSerial: "ab01"))
                try await eventually("bob's labels are set aside") {
                    try await deployment.number("select count(*) from excluded_label") == 40
                }
                try await work(["dan"], two)
                #expect(try await deployment.number("select count(*) from label") == 120)
                #expect(
                    try await deployment.number(
                        "select count(*) from (select task_id from label group by 1 having count(distinct person_id) = 3) x"
                    )
                        == 40)
                // Few people are at work, so that the figures shown are the last hour's; those kept are exact.
                #expect(
                    try await deployment.number(
                        """
                        select (sum(slots) - sum(done) - sum(leased) - sum(quarantined))::bigint from (
                            select slots, done, leased, quarantined from tally_fold
                                where fold = (select max(fold) from tally_fold)
                            union all
                            select slots, done, leased, quarantined from tally
                                where writer >= coalesce((select max(up_to) from tally_fold), '0'::xid8)) t
                        """) == 0)
            }
        }
    }

    /// Everybody answers until nothing is left for them. Leases, acks and idles come in any order and in one message.
    private func work(_ people: some Sequence<String> & Sendable, _ coordinator: Coordinator) async throws {
        for person in people {
            let hand = try await Hand(coordinator, person, inFlight: 64)
            var open = 0
            var isDone = false
            hand.want(16)
            while !isDone {
                for reply in try await hand.read(until: { _ in true }) {
                    for lease in reply.leases { hand.submit(lease.lease) }
                    open += reply.leases.count - reply.settlements.count
                    if let idle = reply.idle {
                        isDone = idle.reason == .nothingLeft && open == 0
                        if !isDone { try await Task.sleep(for: .milliseconds(50)) }
                    }
                    if !isDone, open == 0 || reply.idle != nil { hand.want(16) }
                }
            }
            hand.stream.detach()
        }
    }
}
