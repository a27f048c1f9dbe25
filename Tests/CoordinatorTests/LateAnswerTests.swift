import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("Answers whose lease is gone (P6)")
struct LateAnswerTests {
    @Test("an answer to a task of a closed project is kept and can be found, also by a coordinator that was not there")
    func closedProject() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            let lease = try await running(deployment.coordinator("one")) { [one = deployment.coordinator("two")] in
                try await running(one) { try await Hand(one, "ann").lease() }
            }
            _ = try await deployment.ledger.setProjectState("puzzles", to: .closed, by: "op")
            let later = deployment.coordinator("later")
            try await running(later) {
                let ann = try await Hand(later, "ann")
                ann.submit(lease.lease, "kept")
                #expect(try await ann.settlement().outcome == .keptLate)
                let kept = try await deployment.ledger.lateAnswers(project: "puzzles")
                #expect(kept.count == 1)
                // The schema still holds.
                ann.submit(lease.lease, String(repeating: "x", count: 101))
                guard case .refusedSchema = try await ann.settlement().outcome else {
                    Issue.record("an answer that does not fit the schema was taken")
                    return
                }
            }
        }
    }

    @Test("a late answer that is granted its free slot anew and a want in one message do not meet in that slot")
    func lateWithWant() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            // The slot that came back stays in memory.
            let one = deployment.coordinator {
                $0.times.holding = .seconds(60)
                $0.times.surplus = .seconds(60)
            }
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                try await deployment.moveClock(by: .seconds(200))
                try await ann.read { !$0.revokes.isEmpty }
                ann.submit(lease.lease, want: 1)
                #expect(try await ann.settlement().outcome == .accepted)
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(try await deployment.number("select count(*) from lease") == 0)
                // Nothing of it is left for anybody.
                let bob = try await Hand(one, "bob")
                bob.want(1)
                #expect(try await bob.next().idle?.reason == .nothingLeft)
            }
        }
    }

    @Test("of two late answers to one task in one message the first is granted the slot anew and the other kept")
    func twoLate() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                var leases: [LeaseGrant] = []
                for _ in 0..<2 {
                    leases.append(try await ann.patientLease())
                    try await deployment.moveClock(by: .seconds(200))
                    try await ann.read { !$0.revokes.isEmpty }
                }
                #expect(leases[0].lease.task == leases[1].lease.task && leases[0].lease != leases[1].lease)
                var request = StreamRequest()
                request.submits = zip(leases, ["first", "second"]).map {
                    SubmittedAnswer(lease: $0.lease, answer: Array("{\"label\":\"\($1)\"}".utf8))
                }
                ann.stream.receive(request)
                var settled: [Settlement] = []
                while settled.count < 2 {
                    settled += try await ann.read { !$0.settlements.isEmpty }.flatMap(\.settlements)
                }
                #expect(settled.map(\.outcome) == [.accepted, .keptLate])
                #expect(try await deployment.number("select count(*) from label") == 1)
                #expect(try await deployment.number("select count(*) from late_answer") == 1)
            }
        }
    }

    @Test("a worker hears how its lease ended: by its project's close, and not by an old withdrawal")
    func whyRevoked() async throws {
        try await withDeployment { deployment in
            try await deployment.project("first", people: ["ann"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.lease()
                _ = try await deployment.ledger.setProjectState("first", to: .closed, by: "op")
                let seen = try await ann.read { !$0.revokes.isEmpty }
                #expect(seen.flatMap(\.revokes).map(\.reason) == [.projectClosed])
            }
        }
    }
}
