import Coordinator
import Foundation
import Ledger
import PlimsollModel
import Postgres
import PrivateCluster
import TestSupport
import Testing

@Suite("Any process may die or freeze (P12)")
struct FailureTests {
    /// Something that stands before the cluster and can lose what passes; with the folder to connect to.
    private static func proxy() async throws -> (FaultyProxy, folder: String) {
        let folder = try TestFolder.make("proxy")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let cluster = try await SharedCluster.shared.cluster()
        return (try FaultyProxy(directory: folder.path, upstream: cluster.host), folder.path)
    }

    @Test("what a killed coordinator held is granted by another within seconds, its leases can be presented there")
    func takeover() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 40)
            let two = deployment.coordinator("two")
            try await running(two) {
                let one = deployment.coordinator("one")
                var held: LeaseReference?
                try await running(one) {
                    let ann = try await Hand(one, "ann")
                    held = try await ann.lease().lease
                }
                // `running` has cancelled it without a drain: its life runs out by itself.
                let lease = try #require(held)
                let ann = try await Hand(two, "ann", held: [lease])
                #expect(ann.stream.welcome.kept.map(\.lease) == [lease])
                ann.submit(lease)
                #expect(try await ann.settlement().outcome == .accepted)
                let bob = try await Hand(two, "bob")
                var answered = 1
                bob.want(1)
                while answered < 40 {
                    let (leases, idle) = try await bob.next()
                    if let idle {
                        #expect(idle.reason == .allInOtherHands)
                        try await Task.sleep(for: .milliseconds(100))
                        bob.want(1)
                    }
                    for lease in leases {
                        answered += 1
                        bob.submit(lease.lease, want: 1)
                    }
                }
                try await eventually("all labels are there") {
                    try await deployment.number("select count(*) from label") == 40
                }
            }
        }
    }

    @Test(
        "what was leased elsewhere is extended by its own estimate, parked, and comes back", arguments: [true, false])
    func leasedElsewhere(isExtended: Bool) async throws {
        try await withDeployment { deployment in
            try await deployment.project(effortSeconds: 60, people: ["ann"], tasks: 0)
            try await deployment.importTasks(1, efforts: [300])
            let two = deployment.coordinator("two")
            try await running(two) {
                let one = deployment.coordinator("one")
                var granted: LeaseGrant?
                try await running(one) { granted = try await Hand(one, "ann").lease() }
                let lease = try #require(granted)
                let ann = try await Hand(two, "ann", held: [lease.lease])
                if isExtended {
                    try await deployment.moveClock(by: .seconds(60))
                    ann.extend(lease.lease)
                    let longer = try await ann.change()
                    // Three times five minutes, and not three times one.
                    let left = try #require(longer.deadlineIn)
                    #expect(longer.state == .held && left > .seconds(890))
                }
                ann.park(lease.lease)
                #expect(try await ann.change().state == .parked)
                let again = try await ann.patientLease()
                #expect(again.lease == lease.lease && again.payload == lease.payload)
                ann.submit(again.lease)
                #expect(try await ann.settlement().outcome == .accepted)
            }
        }
    }

    @Test("a lease from a lane that its new coordinator has not read of yet keeps its kind and severity (P2, P7)")
    func unreadLane() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            var granted: LeaseGrant?
            let one = deployment.coordinator("one")
            try await running(one) { granted = try await Hand(one, "ann").lease() }
            let lease = try #require(granted)
            // What a coordinator looks at before its lanes it cannot read here.
            try await deployment.owner.execute(script: "begin; lock table exclusion in access exclusive mode")
            let two = deployment.coordinator("two")
            try await running(two) {
                let ann = try await Hand(two, "ann", held: [lease.lease])
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
            }
            try await deployment.owner.execute(script: "commit")
            let worked = "select count(*) from usage where worked_to is not null"
            #expect(try await deployment.number(worked) == 1)
            #expect(try await deployment.number(worked + " and kind = 'puzzle' and severity = 0") == 1)
        }
    }

    @Test(
        "a coordinator that the database has not answered for 3 s tells its workers to stop, nothing is lost (P3, P6)")
    func cutOff() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 2)
            let (proxy, folder) = try await Self.proxy()
            defer { proxy.close() }
            let one = deployment.coordinator("one", through: folder) {
                $0.times.cutOff = .seconds(3)
                $0.times.presenting = .seconds(60)
            }
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                let begin = ContinuousClock.now
                proxy.set(.freeze)
                let (said, end) = await ann.readToTheEnd()
                // Counted from the last renewal that was answered, a second before at most and more on a busy machine.
                #expect(begin.duration(to: .now) >= .seconds(1), "not for one late renewal")
                #expect(said.flatMap(\.notifications).map(\.kind) == [.stop])
                #expect(end?.code == .notReady && end?.message.contains("stop") == true)
                let refused = await #expect(throws: StreamEnd.self) { _ = try await Hand(one, "ann") }
                #expect(refused?.code == .notReady)

                let elsewhere = try await Hand(two, "ann", held: [lease.lease])
                #expect(elsewhere.stream.welcome.kept.map(\.lease) == [lease.lease])
                elsewhere.submit(lease.lease)
                #expect(try await elsewhere.settlement().outcome == .accepted)

                proxy.set(.none)
                try await eventually("it takes workers in again") {
                    guard let again = try? await Hand(one, "ann") else { return false }
                    again.stream.detach()
                    return true
                }
            }
        }
    }

    @Test("leases of a killed coordinator that nobody presents go to others, and count toward no quarantine")
    func orphans() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let two = deployment.coordinator("two") { $0.times.presenting = .seconds(1) }
            try await running(two) {
                let one = deployment.coordinator("one")
                try await running(one) {
                    let ann = try await Hand(one, "ann")
                    _ = try await ann.lease()
                }
                let bob = try await Hand(two, "bob")
                bob.want(1)
                while true {
                    let (leases, _) = try await bob.next()
                    if let lease = leases.first {
                        bob.submit(lease.lease)
                        break
                    }
                    try await Task.sleep(for: .milliseconds(100))
                    bob.want(1)
                }
                #expect(try await bob.settlement().outcome == .accepted)
                #expect(
                    try await deployment.number("select count(*) from lease_history where how = 'coordinator_lost'")
                        == 1)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
            }
        }
    }

    @Test("the last task of a lane in another coordinator's block is served long before its deadline")
    func lastTask() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 10)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.lease()
                // Coordinator one claimed the whole lane for ann's want.
                let bob = try await Hand(two, "bob")
                let asked = ContinuousClock.now
                bob.want(1)
                while true {
                    let (leases, idle) = try await bob.next()
                    if !leases.isEmpty { break }
                    #expect(idle?.reason == .allInOtherHands)
                    try await Task.sleep(for: idle?.askAgainIn ?? .milliseconds(100))
                    bob.want(1)
                }
                // Timed only against a bound that a defect passes: the answer must not wait for a deadline.
                #expect(ContinuousClock.now - asked < .minutes(1))
            }
        }
    }

    @Test("an expired lease goes to another; the late answer is kept, or accepted while the slot is free (P6)")
    func late() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator { $0.times.streamTimeToLive = .seconds(3) }
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease().lease
                try await eventually("the silent stream lost its lease") {
                    try await deployment.number("select count(*) from lease") == 0
                }
                let again = try await Hand(one, "ann")
                again.submit(lease)
                #expect(try await again.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(try await deployment.number("select count(*) from delivery_failure") == 1)
            }
        }
    }

    @Test("a lease that its coordinator holds in the database and has forgotten ends after its deadline (P12)")
    func forgotten() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two") { $0.times.overdue = .milliseconds(100) }
            try await running(one, two) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.patientLease()
                try await deployment.owner.execute(
                    script: """
                        update plimsoll.lease set coordinator_id =
                            (select coordinator_id from plimsoll.coordinator where name = 'two')
                        """)
                try await deployment.moveClock(by: .seconds(300))
                try await eventually("it has ended") {
                    try await deployment.number("select count(*) from lease_history where how = 'expired'") == 1
                }
                // Its slot is free again.
                _ = try await Hand(two, "ann").patientLease()
            }
        }
    }

    /// P5: what the database has is acknowledged, and nothing else.
    @Test("a commit whose answer is lost is settled by what the database says: no label lost or doubled, no slot lost")
    func lostCommit() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 20)
            let (proxy, folder) = try await Self.proxy()
            defer { proxy.close() }
            let one = deployment.coordinator(through: folder)
            try await running(one) {
                let ann = try await Hand(one, "ann")
                var answered: Set<TaskID> = []
                while answered.count < 20 {
                    let lease = try await ann.lease()
                    // Every third answer, and with it the next grant, loses its commit's answer.
                    if answered.count % 3 == 0 { proxy.set(.loseAnswer(to: "flush_commit")) }
                    ann.submit(lease.lease)
                    var outcome = try await ann.settlement().outcome
                    proxy.set(.none)
                    while outcome == .tryAgain {
                        ann.submit(lease.lease)
                        outcome = try await ann.settlement().outcome
                    }
                    #expect(outcome == .accepted)
                    #expect(answered.insert(lease.lease.task).inserted)
                }
                #expect(try await deployment.number("select count(*) from label") == 20)
                try await eventually("no lease is left") {
                    try await deployment.number("select count(*) from lease") == 0
                }
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a parked task whose return lost its commit's answer is its holder's still, and no time of hers has passed")
    func lostReturn() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let (proxy, folder) = try await Self.proxy()
            defer { proxy.close() }
            let one = deployment.coordinator(through: folder)
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                ann.park(lease.lease)
                #expect(try await ann.read { !$0.changes.isEmpty }.last?.changes.last?.state == .parked)
                proxy.set(.loseAnswer(to: "flush_commit"))
                ann.want(1)
                try await eventually("the return was committed and nobody knows") {
                    try await deployment.number("select count(*) from lease") == 1
                }
                proxy.set(.none)
                #expect(try await ann.lease().lease == lease.lease)
                let bob = try await Hand(one, "bob")
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .allInOtherHands)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                for (how, count) in [("parked", 2), ("label", 1), ("unheard", 0)] {
                    #expect(
                        try await deployment.number("select count(*) from lease_history where how = '\(how)'") == count)
                }
                #expect(try await deployment.number("select count(*) from delivery_failure") == 0)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a task that fails with two people five times is quarantined")
    func quarantine() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator { $0.times.streamTimeToLive = .seconds(3) }
            try await running(one) {
                for turn in 0..<5 {
                    let hand = try await Hand(one, turn % 2 == 0 ? "ann" : "bob")
                    var got = false
                    while !got {
                        hand.want(1)
                        let (leases, _) = try await hand.next()
                        got = !leases.isEmpty
                        if !got { try await Task.sleep(for: .milliseconds(50)) }
                    }
                    try await eventually("the lease was lost") {
                        try await deployment.number("select count(*) from lease") == 0
                    }
                }
                #expect(try await deployment.number("select count(*) from closed_task where why = 'quarantined'") == 1)
                let ann = try await Hand(one, "ann")
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .nothingLeft)
                #expect(
                    try await Availability(ledger: deployment.ledger).queueStatus(project: "puzzles").first?.quarantined
                        == 1)
            }
        }
    }
}
