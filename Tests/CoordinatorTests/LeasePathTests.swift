import Coordinator
import Foundation
import PlimsollModel
import Testing

@Suite("The lease path over real PostgreSQL")
struct LeasePathTests {
    @Test("a task is leased, answered, stored, and the same submit again gets the same ack (P5)")
    func roundTrip() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                #expect(lease.key == "t0")
                #expect(lease.payload == Array("{\"n\":0}".utf8))
                #expect(lease.deadlineIn > .seconds(100) && lease.deadlineIn <= .seconds(180))
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(try await deployment.number("select count(*) from lease") == 0)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.submit(lease.lease, "b")
                #expect(try await ann.settlement().outcome == .alreadyAnswered)
                #expect(try await deployment.number("select count(*) from late_answer") == 1)
                #expect(try await deployment.number("select count(*) from label") == 1)
            }
        }
    }

    @Test("what one message says twice of a lease gets the same ack twice, and another answer is kept (P5, P6)")
    func twiceInOneMessage() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let (first, second) = (try await ann.lease(), try await ann.lease())
                var request = StreamRequest()
                request.submits = ["a", "a", "b"].map {
                    SubmittedAnswer(lease: first.lease, answer: Array("{\"label\":\"\($0)\"}".utf8))
                }
                request.declines = [Decline(lease: second.lease), Decline(lease: second.lease)]
                ann.stream.receive(request)
                var settled: [Settlement] = []
                var changes: [LeaseChange] = []
                try await ann.read { reply in
                    settled += reply.settlements
                    changes += reply.changes
                    return settled.count == 3 && changes.count == 2
                }
                #expect(settled.map(\.outcome) == [.accepted, .accepted, .alreadyAnswered])
                #expect(changes.allSatisfy { $0.lease == second.lease && $0.state == .declined })
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(try await deployment.number("select count(*) from late_answer") == 1)
            }
        }
    }

    @Test("work ends with nothing left, and never before")
    func toTheEnd() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 50)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                var keys: Set<String> = []
                ann.want(1)
                while true {
                    let (leases, idle) = try await ann.next()
                    if let idle {
                        #expect(idle.reason == .nothingLeft)
                        break
                    }
                    for lease in leases {
                        keys.insert(lease.key)
                        ann.submit(lease.lease, want: 1)
                    }
                }
                #expect(keys.count == 50)
                #expect(try await deployment.number("select count(*) from label") == 50)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("with overlap every task is answered by different people, and nobody twice (P1)", arguments: [1, 2])
    func overlap(coordinators: Int) async throws {
        try await withDeployment { deployment in
            let people = ["ann", "bob", "cat", "dan", "eve"]
            try await deployment.project(overlap: 3, people: people, tasks: 100)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, person) in people.enumerated() {
                        let hand = try await Hand(coordinators == 2 && index % 2 == 1 ? two : one, person)
                        group.addTask {
                            hand.want(2)
                            while true {
                                let (leases, idle) = try await hand.next()
                                if let idle {
                                    if idle.reason == .nothingLeft { return }
                                    #expect(idle.reason == .allInOtherHands)
                                    try await Task.sleep(for: idle.askAgainIn)
                                    hand.want(1)
                                }
                                for lease in leases { hand.submit(lease.lease, want: 1) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await deployment.number("select count(*) from label") == 300)
                #expect(
                    try await deployment.number(
                        "select count(*) from (select 1 from label group by task_id having count(distinct person_id) = 3) x"
                    )
                        == 100)
                try await deployment.expectNothingHeld()
            }
        }
    }

    @Test("a declined task goes to others and never comes back to the same person (P9)")
    func decline() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                let lease = try await ann.lease()
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .allInOtherHands)
                ann.decline(lease.lease, want: 1)
                #expect(try await ann.next().idle != nil)
                let his = try await bob.lease()
                bob.submit(his.lease)
                #expect(try await bob.settlement().outcome == .accepted)
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .nothingLeft)
            }
        }
    }

    /// 100,000 with PLIMSOLL_LONG, which takes minutes in a debug build.
    private static let manyTasks = ProcessInfo.processInfo.environment["PLIMSOLL_LONG"] == nil ? 10_000 : 100_000

    @Test("one engineer answers a task of each of three slots to the end without an idle")
    func oneEngineerManyTasks() async throws {
        let count = Self.manyTasks
        try await withDeployment { deployment in
            try await deployment.project(overlap: 3, people: ["ann"], tasks: count)
            try await deployment.limits(openLeases: 64)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann", inFlight: 64)
                var answered = 0
                ann.want(64)
                while answered < count {
                    let (leases, idle) = try await ann.next()
                    if let idle {
                        Issue.record("idle after \(answered): \(idle)")
                        break
                    }
                    var request = StreamRequest()
                    for lease in leases {
                        request.submits.append(
                            SubmittedAnswer(lease: lease.lease, answer: Array("{\"label\":\"a\"}".utf8)))
                    }
                    answered += leases.count
                    request.want = min(leases.count, count - answered)
                    ann.stream.receive(request)
                }
                try await eventually("all labels are there") {
                    try await deployment.number("select count(*) from label") == Int64(count)
                }
                ann.want(1)
                #expect(try await ann.next().idle?.reason == .nothingLeft)
            }
        }
    }
}
