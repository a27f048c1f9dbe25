import Coordinator
import Ledger
import PlimsollModel
import ServiceLifecycle
import Testing

@Suite("The life of a lease by the database's clock (P4, P6)")
struct LeaseLifeTests {
    @Test("a parked task waits for its person: its slot held, its lifetime standing still, its fence the same")
    func park() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let lease = try await ann.lease()
                try await deployment.moveClock(by: .seconds(60))
                ann.park(lease.lease)
                let parked = try await ann.change()
                #expect(parked.state == .parked)
                let left = try #require(parked.deadlineIn)
                #expect(left == .seconds(72 * 3_600))
                // What the grant stood on is kept with it.
                #expect(try await deployment.number("select count(*) from parked where cardinality(why) = 10") == 1)
                #expect(try await deployment.number("select count(*) from lease") == 0)
                // Longer than a lease may live.
                try await deployment.moveClock(by: .seconds(2 * 3_600))
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .allInOtherHands)
                let again = try await ann.patientLease()
                #expect(again.lease == lease.lease)
                #expect(again.payload == lease.payload)
                #expect(again.deadlineIn > .seconds(100) && again.deadlineIn <= .seconds(180))
                // One minute of its life is over, not two hours.
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from lease where granted_at - first_granted_at
                            between interval '55 seconds' and interval '10 minutes'
                        """) == 1)
                ann.submit(again.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                // The union of [grant, end) is leased time: without the two hours.
                #expect(
                    try await deployment.number(
                        "select count(*) from lease_history where at - granted_at > interval '10 minutes'") == 0)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a parked task comes back under the instructions that its holder is shown by then, and its label says so")
    func parkedUnderOldInstructions() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                #expect(lease.instructionsVersion == 1)
                ann.park(lease.lease)
                #expect(try await ann.change().state == .parked)
                _ = try await deployment.ledger.setProject(
                    ProjectDraft(name: "puzzles", instructions: "Look twice."), by: "op")
                ann.want(1)
                let again = try await ann.patientLease()
                #expect(again.lease == lease.lease && again.instructionsVersion == 2)
                ann.submit(again.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(
                    try await deployment.number(
                        "select instructions_version from label join provenance using (provenance_id)") == 2)
                #expect(again.why.provenance != lease.why.provenance)
            }
        }
    }

    @Test("two severities that need no agreement of their own come back in one flush, both under what holds by then")
    func parkedOfTwoSeverities() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            try await deployment.importTasks(1, from: 10, severity: 1)
            let one = deployment.coordinator { $0.times.parkedAside = .zero }
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let leases = [try await ann.lease(), try await ann.lease()]
                for lease in leases {
                    ann.park(lease.lease)
                    #expect(try await ann.change().state == .parked)
                }
                _ = try await deployment.ledger.setProject(
                    ProjectDraft(name: "puzzles", instructions: "Look twice."), by: "op")
                ann.want(2)
                let again = try await ann.next().leases
                #expect(Set(again.map(\.lease)) == Set(leases.map(\.lease)))
                for lease in again {
                    #expect(lease.instructionsVersion == 2)
                    ann.submit(lease.lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from label join provenance using (provenance_id)
                        where instructions_version = 2
                        """) == 2)
            }
        }
    }

    @Test("what its holder put aside comes back before anything new after a while")
    func parkedAside() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 40)
            let one = deployment.coordinator {
                $0.times.holding = .seconds(600)
                $0.times.surplus = .seconds(600)
            }
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let aside = try await ann.lease()
                ann.park(aside.lease)
                #expect(try await ann.change().state == .parked)
                try await deployment.moveClock(by: .seconds(61 * 60))
                // Something new is at hand all the time: more than anybody asks for.
                let bob = try await Hand(one, "bob")
                for _ in 0..<3 { _ = try await bob.lease() }
                #expect(try await ann.lease().lease == aside.lease)
                #expect(try await ann.lease().lease != aside.lease)
            }
        }
    }

    @Test("a worker that asked for one project is given no parked task of another")
    func parkedElsewhere() async throws {
        try await withDeployment { deployment in
            try await deployment.project("first", people: ["ann"], tasks: 1)
            try await deployment.project("second", people: ["ann"], tasks: 1)
            let one = deployment.coordinator { $0.times.parkedAside = .zero }
            try await running(one) {
                let there = try await Hand(one, "ann", project: "second")
                let lease = try await there.lease()
                there.park(lease.lease)
                #expect(try await there.change().state == .parked)
                there.stream.detach()
                let here = try await Hand(one, "ann", inFlight: 2, project: "first")
                let other = try await here.lease()
                #expect(other.lease != lease.lease)
                here.want(1)
                #expect(try await here.next().idle != nil)
                // Whoever asks for either has it back.
                let back = try await Hand(one, "ann")
                #expect(try await back.lease().lease == lease.lease)
            }
        }
    }

    @Test("the agreement to a severity is among those that a label of it says it stands on, and of others not")
    func severityInProvenance() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 2)
            _ = try await deployment.ledger.publishNotice(
                NoticeDraft(
                    id: "severity", version: 1, locale: "en", purpose: "severity-2", text: "What you may see.",
                    data: "labels", recipients: "the team", retention: "a year",
                    withdrawalMethod: "plimsoll consent withdraw", alternativeOffered: "other tasks",
                    assessment: NoticeBasis(text: "impact assessment 2", on: "2026-01-05"),
                    consultation: NoticeBasis(text: "meeting of the workers 2", on: "2026-01-12"),
                    validityDays: nil, isMaterial: false), by: "op")
            _ = try await deployment.ledger.giveAgreement(
                notice: "severity", version: 1,
                sha256: try await deployment.ledger.notices(id: "severity")[0].sha256,
                voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            try await deployment.importTasks(1, from: 10, kind: "grave", severity: 2)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                for _ in 0..<3 {
                    ann.submit(try await ann.lease().lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from label join provenance v using (provenance_id) join task t using (task_id)
                        where (select string_agg(split_part(g, '@', 1), ' ' order by g) from unnest(v.agreements) g)
                            = case when t.external_key = 't10' then 'severity-2 taking-part' else 'taking-part' end
                        """) == 3)
            }
        }
    }

    @Test("no more than three tasks are parked; a parked one can be answered, given back and declined as it is")
    func parkedLimit() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 4)
            try await deployment.policy("open-leases: 4")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                var leases: [LeaseGrant] = []
                for _ in 0..<4 { leases.append(try await ann.lease()) }
                for lease in leases.prefix(3) {
                    ann.park(lease.lease)
                    #expect(try await ann.change().state == .parked)
                }
                let fourth = leases[3]
                ann.park(fourth.lease)
                let refused = try await ann.change()
                #expect(refused.state == .unchanged && refused.message.contains("3"))
                ann.submit(fourth.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.submit(leases[0].lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.release(leases[1].lease)
                #expect(try await ann.change().state == .released)
                ann.decline(leases[2].lease)
                #expect(try await ann.change().state == .declined)
                #expect(try await deployment.number("select count(*) from parked") == 0)
                // Both go to somebody else; the declined one does not come back to her.
                let bob = try await Hand(one, "bob")
                let his = [try await bob.patientLease(), try await bob.patientLease()]
                #expect(Set(his.map(\.key)) == [leases[1].key, leases[2].key])
                for lease in his { bob.release(lease.lease) }
                try await eventually("both came back") {
                    try await deployment.number("select count(*) from lease") == 0
                }
                let mine = try await ann.patientLease()
                #expect(mine.key == leases[1].key)
                ann.submit(mine.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.want(1)
                #expect(try await ann.next().leases.isEmpty)
                bob.submit(try await bob.patientLease().lease)
                #expect(try await bob.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a task parked for longer than it may be goes to somebody else, and counts toward no quarantine")
    func parkedTooLong() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                ann.park(lease.lease)
                #expect(try await ann.change().state == .parked)
                try await deployment.moveClock(by: .seconds(71 * 3_600))
                let bob = try await Hand(one, "bob")
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .allInOtherHands)
                try await deployment.moveClock(by: .seconds(3_700))
                #expect(try await bob.patientLease().key == lease.key)
                #expect(try await deployment.number("select count(*) from parked") == 0)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
                // What she still sends is kept (P6).
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .keptLate)
            }
        }
    }

    @Test(
        "a lease is extended up to its lifetime and never past it, parked in between or not", arguments: [false, true])
    func extend(parked: Bool) async throws {
        try await withDeployment { deployment in
            // Leased for 45 min, of the 50 min that a lease may live.
            try await deployment.project(effortSeconds: 900, people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let start = try await deployment.now()
                try await deployment.setClock(start, standing: true)
                let ann = try await Hand(one, "ann")
                let lease = try await ann.patientLease()
                #expect(lease.deadlineIn == .seconds(45 * 60))
                ann.extend(lease.lease)
                #expect(try await ann.change().state == .unchanged)
                try await deployment.setClock(start + .seconds(20 * 60), standing: true)
                if parked {
                    ann.park(lease.lease)
                    #expect(try await ann.change().state == .parked)
                    try await deployment.setClock(start + .seconds(80 * 60), standing: true)
                    let again = try await ann.patientLease()
                    #expect(again.lease == lease.lease)
                    // 20 of its 50 minutes are over.
                    #expect(again.deadlineIn == .seconds(30 * 60))
                } else {
                    ann.extend(lease.lease)
                    let longer = try await ann.change()
                    #expect(longer.state == .held && longer.deadlineIn == .seconds(30 * 60))
                }
                ann.extend(lease.lease)
                #expect(try await ann.change().state == .unchanged)
                #expect(
                    try await deployment.number(
                        "select extract(epoch from deadline - first_granted_at)::bigint from lease") == 3_000)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
            }
        }
    }

    @Test("who gives a task back pays nothing: it goes to others, may come back, and stands in no record")
    func release() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            try await deployment.policy("day-tasks: 1")
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                for _ in 0..<6 {
                    let lease = try await ann.patientLease()
                    ann.release(lease.lease)
                    #expect(try await ann.change().state == .released)
                    // Asked again, it is the same answer.
                    ann.release(lease.lease)
                    #expect(try await ann.change().state == .released)
                }
                let his = try await bob.patientLease()
                bob.release(his.lease)
                #expect(try await bob.change().state == .released)
                // Neither the day's tasks nor quarantine count what was given back.
                ann.submit(try await ann.patientLease().lease)
                #expect(try await ann.settlement().outcome == .accepted)
                for table in ["delivery_failure", "declined", "closed_task", "returned"] {
                    #expect(try await deployment.number("select count(*) from \(table)") == 0, "\(table)")
                }
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a declined task never comes back to the person, by no coordinator; its reason names nobody (P9)")
    func decline() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator("one")
            try await running(one) {
                let ann = try await Hand(one, "ann")
                var request = StreamRequest()
                request.declines = [Decline(lease: try await ann.lease().lease, reason: "distressing")]
                ann.stream.receive(request)
                #expect(try await ann.change().state == .declined)
            }
            #expect(
                try await deployment.number(
                    "select count(*) from decline_reason where reason = 'distressing'") == 1)
            #expect(
                try await deployment.number(
                    """
                    select count(*) from information_schema.columns
                    where table_name = 'decline_reason' and column_name like '%person%'
                    """) == 0)
            let two = deployment.coordinator("two")
            try await running(two) {
                let ann = try await Hand(two, "ann")
                let bob = try await Hand(two, "bob")
                let his = try await bob.patientLease()
                for _ in 0..<3 {
                    ann.want(1)
                    #expect(try await ann.next().leases.isEmpty)
                }
                bob.release(his.lease)
                #expect(try await bob.change().state == .released)
                for _ in 0..<3 {
                    ann.want(1)
                    #expect(try await ann.next().leases.isEmpty)
                }
                bob.submit(try await bob.patientLease().lease)
                #expect(try await bob.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
            }
        }
    }

    @Test("a lease ends 5 s after its deadline by the database's clock, not before, and goes to somebody else")
    func expiry() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let start = try await deployment.now()
                try await deployment.setClock(start, standing: true)
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let lease = try await ann.patientLease()
                let deadline = try await deployment.moment("(select deadline from lease)")
                #expect(deadline == start + .seconds(180))
                try await deployment.setClock(deadline + .seconds(5) - .microseconds(1), standing: true)
                // By its own clock the coordinator takes the lease for due a moment later; it must ask the database's.
                try await Task.sleep(for: .seconds(3))
                #expect(try await deployment.number("select count(*) from lease") == 1)
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .allInOtherHands)
                try await deployment.setClock(deadline + .seconds(5), standing: true)
                let told = try await ann.read { !$0.revokes.isEmpty }
                #expect(told.flatMap(\.revokes).map(\.reason) == [.deadline])
                let his = try await bob.patientLease()
                #expect(his.key == lease.key && his.lease.fence != lease.lease.fence)
                #expect(
                    try await deployment.number(
                        "select count(*) from lease_history where how = 'expired' and at - granted_at = '180 seconds'")
                        == 1)
                #expect(
                    try await deployment.number("select count(*) from delivery_failure where how = 'expired'") == 1)
                // P4: she cannot change anything any more; P6: her answer is kept.
                ann.submit(lease.lease, "mine")
                #expect(try await ann.settlement().outcome == .keptLate)
                bob.submit(his.lease, "his")
                #expect(try await bob.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from label where answer->>'label' = 'his'") == 1)
            }
        }
    }

    @Test("an answer within the grace past the deadline counts as in time")
    func grace() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                let deadline = try await deployment.moment("(select deadline from lease)")
                try await deployment.setClock(deadline + .seconds(4), standing: true)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from lease_history where how = 'label'") == 1)
            }
        }
    }

    @Test("five expiries with one person quarantine nothing; the next with a second person does")
    func quarantine() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                func expire(_ hand: Hand) async throws {
                    _ = try await hand.patientLease()
                    try await deployment.moveClock(by: .seconds(200))
                    try await hand.read { !$0.revokes.isEmpty }
                }
                let ann = try await Hand(one, "ann")
                for _ in 0..<5 { try await expire(ann) }
                #expect(try await deployment.number("select count(*) from delivery_failure") == 5)
                #expect(try await deployment.number("select count(*) from closed_task") == 0)
                let bob = try await Hand(one, "bob")
                try await expire(bob)
                #expect(try await deployment.number("select count(*) from closed_task where why = 'quarantined'") == 1)
                for hand in [ann, bob] {
                    hand.want(1)
                    #expect(try await hand.next().idle?.reason == .nothingLeft)
                }
            }
        }
    }

    @Test("what failed before a task's last label counts no more, though its lease is older than what failed")
    func labelForgives() async throws {
        try await withDeployment { deployment in
            try await deployment.project(overlap: 2, people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                func expire(_ hand: Hand) async throws -> LeaseReference {
                    let lease = try await hand.patientLease().lease
                    try await deployment.moveClock(by: .seconds(200))
                    try await hand.read { !$0.revokes.isEmpty }
                    return lease
                }
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let first = try await expire(ann)
                for _ in 0..<3 { _ = try await expire(bob) }
                ann.submit(first)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from delivery_failure where not forgiven") == 0)
                for _ in 0..<2 { _ = try await expire(bob) }
                #expect(try await deployment.number("select count(*) from delivery_failure where not forgiven") == 2)
                #expect(try await deployment.number("select count(*) from closed_task") == 0)
            }
        }
    }

    private struct Serving: Service {
        let coordinator: Coordinator
        func run() async throws { try await coordinator.run() }
    }

    @Test("a drain settles what was sent, tells every worker and gives its blocks back: others go on at once")
    func drain() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 30)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: Serving(coordinator: one), successTerminationBehavior: .ignore)],
                    logger: quiet))
            try await running(two) {
                let served = Task { try await group.run() }
                try await eventually("a coordinator is ready") { one.isReady }
                let ann = try await Hand(one, "ann", session: 7)
                var leases: [LeaseGrant] = []
                for _ in 0..<3 { leases.append(try await ann.lease()) }
                #expect(try await deployment.number("select count(*) from block") > 0)
                // What was sent before the word is settled before the end.
                ann.submit(leases[0].lease, want: 1)
                await group.triggerGracefulShutdown()
                let (said, end) = await ann.readToTheEnd()
                #expect(end?.code == .drained)
                #expect(said.contains { $0.drainWithin != nil })
                #expect(said.flatMap(\.settlements).map(\.outcome) == [.accepted])
                for lease in said.flatMap(\.leases) { leases.append(lease) }
                #expect(!one.isReady)
                let late = await #expect(throws: StreamEnd.self) { _ = try await Hand(one, "bob") }
                #expect(late?.code == .notReady)
                try await served.value
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(
                    try await deployment.number(
                        "select count(*) from coordinator where name = 'one' and left_at is not null") == 1)
                #expect(
                    try await deployment.number(
                        """
                        select (select count(*) from block join coordinator using (coordinator_id) where name = 'one')
                            + (select count(*) from returned join coordinator using (coordinator_id)
                                where name = 'one')
                        """) == 0)
                // Nobody waits for a life to run out, and what she held is hers wherever she goes on.
                let bob = try await Hand(two, "bob")
                let began = ContinuousClock.now
                let his = try await bob.patientLease()
                #expect(!leases.map(\.key).contains(his.key))
                #expect(ContinuousClock.now - began < .seconds(10))
                let back = try await Hand(two, "ann", held: leases.dropFirst().map(\.lease), session: 7)
                #expect(back.stream.welcome.kept.allSatisfy { $0.state == .held })
                #expect(back.stream.welcome.kept.count == leases.count - 1)
                #expect(back.stream.welcome.lost.isEmpty)
                for lease in leases.dropFirst() {
                    back.submit(lease.lease)
                    #expect(try await back.settlement().outcome == .accepted)
                }
                for table in ["delivery_failure", "late_answer", "closed_task"] {
                    #expect(try await deployment.number("select count(*) from \(table)") == 0, "\(table)")
                }
            }
        }
    }
}
