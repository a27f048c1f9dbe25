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
