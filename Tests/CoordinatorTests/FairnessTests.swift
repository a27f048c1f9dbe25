import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("Order and shares of grants")
struct FairnessTests {
    @Test("weights 3 to 1 share the grants within 2 percent, on one coordinator and on two", arguments: [1, 2])
    func weights(coordinators: Int) async throws {
        try await withDeployment { deployment in
            let people = (0..<8).map { "p\($0)" }
            try await deployment.project("heavy", weight: 3, people: people, tasks: 24_000)
            try await deployment.project("light", weight: 1, people: people, tasks: 12_000)
            try await deployment.limits(openLeases: 64)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            let wanted = 10_000
            try await running(one, two) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, person) in people.enumerated() {
                        let hand = try await Hand(coordinators == 2 && index % 2 == 1 ? two : one, person, inFlight: 8)
                        group.addTask {
                            var answered = 0
                            hand.want(8)
                            while answered < wanted / people.count {
                                let (leases, idle) = try await hand.next()
                                if idle != nil {
                                    try await Task.sleep(for: .milliseconds(20))
                                    hand.want(8)
                                }
                                answered += leases.count
                                for lease in leases { hand.submit(lease.lease, want: 1) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let heavy = try await deployment.number(
                    "select count(*) from lease_history h join lane l using (lane_id) join project p using (project_id) where p.name = 'heavy'"
                )
                let all = try await deployment.number("select count(*) from lease_history")
                let share = Double(heavy) / Double(all)
                #expect(abs(share - 0.75) < 0.02, "heavy had \(heavy) of \(all)")
            }
        }
    }

    /// Why a project gives nothing for a while.
    enum Pause: CaseIterable { case drained, paused }

    @Test("a project that gave nothing for a while has saved no share up", arguments: Pause.allCases)
    func idle(pause: Pause) async throws {
        try await withDeployment { deployment in
            let (meanwhile, compared) = (40, 20)
            try await deployment.project("steady", people: ["ann"], tasks: 1_000)
            try await deployment.project("fitful", people: ["ann"], tasks: pause == .drained ? 1 : 61)
            let fitful = ProjectID(
                try await deployment.number("select project_id from project where name = 'fitful'"))
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                func give() async throws -> ProjectID {
                    let lease = try await ann.lease()
                    ann.submit(lease.lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                    return lease.project
                }
                try await eventually("it has its turn") { try await give() == fitful }
                if pause == .paused {
                    _ = try await deployment.ledger.setProjectState("fitful", to: .paused, by: "op")
                }
                // 40 minutes of effort: less than the claim that one keeps on which nobody at hand may work, so that all
                // of it would be caught up.
                for _ in 0..<meanwhile { #expect(try await give() != fitful) }
                switch pause {
                case .drained: try await deployment.importTasks(60, from: 1_000, project: "fitful")
                case .paused: _ = try await deployment.ledger.setProjectState("fitful", to: .open, by: "op")
                }
                try await eventually("it has its turn again") { try await give() == fitful }
                var given = 0
                for _ in 0..<compared {
                    if try await give() == fitful { given += 1 }
                }
                #expect(abs(given - compared / 2) <= 2, "\(given) of \(compared)")
            }
        }
    }

    @Test("of a project that one person has had all of, those who have not keep their claim")
    func claimOfOthers() async throws {
        try await withDeployment { deployment in
            let (tasks, meanwhile) = (10, 50)
            try await deployment.project("steady", people: ["ann", "bob"], tasks: 1_000)
            try await deployment.project("fitful", overlap: 2, people: ["ann", "bob"], tasks: tasks)
            let fitful = ProjectID(
                try await deployment.number("select project_id from project where name = 'fitful'"))
            let one = deployment.coordinator()
            try await running(one) {
                func give(_ hand: Hand) async throws -> ProjectID {
                    let lease = try await hand.lease()
                    hand.submit(lease.lease)
                    #expect(try await hand.settlement().outcome == .accepted)
                    return lease.project
                }
                let ann = try await Hand(one, "ann", project: "fitful")
                for _ in 0..<tasks { #expect(try await give(ann) == fitful) }
                ann.stream.detach()
                let anywhere = try await Hand(one, "ann")
                for _ in 0..<meanwhile { #expect(try await give(anywhere) != fitful) }
                // What it is behind by is more than all that Bob may have of it.
                let bob = try await Hand(one, "bob")
                for _ in 0..<tasks { #expect(try await give(bob) == fitful) }
                #expect(try await give(bob) != fitful)
            }
        }
    }

    @Test("a task of higher priority that comes later is granted before any lower one, on every coordinator")
    func priority() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 100)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                try await deployment.limits(openLeases: 64)
                let ann = try await Hand(one, "ann", inFlight: 64)
                let bob = try await Hand(two, "bob", inFlight: 64)
                #expect(try await ann.lease().key == "t0")
                _ = try await bob.lease()
                try await deployment.importTasks(60, from: 1_000, priority: 5)
                // Known everywhere within a second where the machine is not busy with other tests; from then on nothing
                // lower comes before it.
                for hand in [ann, bob] {
                    try await eventually("the higher lane is known") { try await hand.lease().key.count == 5 }
                    #expect(try await hand.lease().key.count == 5)
                }
            }
        }
    }

    @Test("a paused project gives nothing until it is resumed; open leases may finish")
    func pause() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let open = try await ann.lease()
                _ = try await deployment.ledger.setProjectState("puzzles", to: .paused, by: "op")
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .paused)
                ann.submit(open.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                _ = try await deployment.ledger.setProjectState("puzzles", to: .open, by: "op")
                ann.want(1)
                #expect(try await ann.next().leases.count == 1)
            }
        }
    }
}
