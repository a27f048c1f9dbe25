import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// P2: no lease commits for somebody who may not act any more.
@Suite("Who is denied, or loses the role, is out within 5 s on every coordinator, and gets no lease from then on")
struct AccessTests {
    enum Measure: String, Sendable, CaseIterable { case person, certificate, role }

    @Test(
        "streams end within 5 s, no lease results after the command returned, on a busy coordinator too", .serialized,
        arguments: Measure.allCases, [true, false])
    func out(measure: Measure, isHeardOf: Bool) async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 5_000)
            try await deployment.policy("open-leases: 32")
            try await certificate("ab01", "ann", deployment)
            try await certificate("cd02", "ann", deployment)
            // Without the wake-up it is the flush itself, and the slow poll, that must find it.
            let one = deployment.coordinator("one") { if !isHeardOf { $0.times.poll = .seconds(3) } }
            let two = deployment.coordinator("two") { if !isHeardOf { $0.times.poll = .seconds(3) } }
            try await running(one, two) {
                let first = try await Hand(one, "ann")
                let second = try await Hand(two, "ann")
                let spare = try await Hand(one, "ann", serial: "cd02")
                let held = try await first.lease()
                _ = try await second.lease()
                let own = try await spare.lease()
                // Somebody else's flushes are under way all the time, so that they meet the new epoch first.
                let others = [try await Hand(one, "bob"), try await Hand(two, "bob")]
                let work = others.map { hand in
                    Task {
                        while !Task.isCancelled {
                            hand.submit(try await hand.patientLease().lease)
                            _ = try await hand.settlement()
                        }
                    }
                }
                if !isHeardOf {
                    try await deployment.owner.execute(
                        script: "revoke execute on function pg_notify(text, text) from public")
                }
                switch measure {
                case .person:
                    _ = try await deployment.ledger.deny(.person("ann"), reason: "a test", by: "op")
                case .certificate:
                    _ = try await deployment.ledger.deny(.serial("ab01"), reason: "a test", by: "op")
                case .role:
                    try await deployment.ledger.revokeRole(.engineer, from: "ann", reason: "a test", by: "op")
                }
                let began = ContinuousClock.now
                try await deployment.owner.execute(
                    script: "create table held_before as select fence from lease join person using (person_id) "
                        + "where name = 'ann'")
                let out = measure == .certificate ? [first, second] : [first, second, spare]
                // Nothing that comes under a denied certificate is stored; her lease waits for her other one.
                if measure == .certificate { first.submit(held.lease) }
                for hand in out { hand.want(8) }
                for hand in out {
                    let (said, end) = await hand.readToTheEnd()
                    #expect(said.flatMap(\.leases).isEmpty, "leased after the command returned")
                    #expect(end?.code == .denied)
                }
                #expect(ContinuousClock.now - began < .seconds(5))
                for task in work {
                    task.cancel()
                    _ = await task.result
                }
                #expect(
                    try await deployment.number(
                        """
                        select count(*) from lease join person using (person_id)
                        where name = 'ann' and fence not in (select fence from held_before)
                        """) == 0)
                let again = await #expect(throws: StreamEnd.self) { _ = try await Hand(two, "ann") }
                #expect(again?.code == (measure == .role ? .roleNotGranted : .denied))
                if measure == .certificate {
                    // The person goes on with the other certificate, and with what the first one left behind.
                    spare.submit(own.lease)
                    #expect(try await spare.settlement().outcome == .accepted)
                    _ = try await spare.patientLease()
                    let back = try await Hand(two, "ann", held: [held.lease], serial: "cd02")
                    #expect(back.stream.welcome.kept.map(\.lease) == [held.lease])
                    back.submit(held.lease)
                    #expect(try await back.settlement().outcome == .accepted)
                } else {
                    #expect(
                        try await deployment.number(
                            "select count(*) from lease join person using (person_id) where name = 'ann'")
                            == (measure == .person ? 0 : 3))
                }
            }
        }
    }

    @Test("who was let in by what was read a moment before is out like the others")
    func letInMeanwhile() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 20)
            let one = deployment.coordinator("one")
            try await running(one) {
                // Hellos on their way while she is denied, with and without leases whose fate they wait for.
                let gone = LeaseReference(task: TaskID(1), fence: Fence(1))
                let hellos = Task {
                    var hands: [Hand] = []
                    while true {
                        do {
                            hands.append(try await Hand(one, "ann", held: Bool.random() ? [gone] : []))
                        } catch let end as StreamEnd where end.code == .tooManyStreams {
                            hands.removeFirst().stream.detach()
                        } catch let end as StreamEnd where end.code == .denied {
                            return hands
                        }
                    }
                }
                try await Task.sleep(for: .milliseconds(100))
                _ = try await deployment.ledger.deny(.person("ann"), reason: "a test", by: "op")
                let began = ContinuousClock.now
                for hand in try await hellos.value {
                    hand.want(1)
                    let (said, end) = await hand.readToTheEnd()
                    #expect(said.flatMap(\.leases).isEmpty)
                    #expect(end?.code == .denied)
                }
                #expect(ContinuousClock.now - began < .seconds(5))
                #expect(try await deployment.number("select count(*) from lease") == 0)
            }
        }
    }

    @Test("leases that a close or a denial ended are told of though another's flush saw the new state first")
    func toldOfTheEnd() async throws {
        try await withDeployment { deployment in
            try await deployment.project("first", people: ["ann"], tasks: 3)
            try await deployment.project("second", people: ["bob"], tasks: 5_000)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let lease = try await ann.lease()
                let work = Task {
                    while !Task.isCancelled {
                        bob.submit(try await bob.patientLease().lease)
                        _ = try await bob.settlement()
                    }
                }
                _ = try await deployment.ledger.setProjectState("first", to: .closed, by: "op")
                let said = try await ann.read(within: .seconds(10)) { !$0.revokes.isEmpty }
                #expect(said.flatMap(\.revokes).map(\.lease) == [lease.lease])
                work.cancel()
                _ = await work.result
            }
        }
    }

    /// Who got a certificate in somebody's name and says hello with it does not hear of it in that person's place.
    @Test func whoActsInAnothersNameDoesNotTakeTheNotice() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            try await certificate("cd02", "ann", deployment)
            let coordinator = deployment.coordinator()
            try await running(coordinator) {
                func told(_ serial: String) async throws -> [String] {
                    let ann = try await Hand(coordinator, "ann", serial: serial)
                    defer { ann.stream.detach() }
                    return ann.stream.welcome.notifications.filter { $0.kind == .certificate }.map(\.message)
                }
                #expect(try await told("cd02").isEmpty)
                let heard = try await told("ab01")
                #expect(heard.count == 1 && heard[0].contains("cert deny --serial cd02 --reason"), "\(heard)")
                // Once.
                #expect(try await told("ab01").isEmpty)
            }
        }
    }

    private func certificate(_ serial: String, _ person: String, _ deployment: Deployment) async throws {
        try await deployment.owner.execute(
            script: """
                insert into certificate (serial, person_id, identity, not_before, not_after, issued_by)
                select '\(serial)', person_id, 'spiffe://test/engineer/\(person)/worker/w', clock() - interval '1 hour',
                    clock() + interval '1 day', 'op' from person where name = '\(person)'
                """)
    }
}
