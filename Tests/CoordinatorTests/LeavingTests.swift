import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("Leaving a project costs nothing and ends its leases at once (P2, P9)")
struct LeavingTests {
    @Test("who leaves gets no lease of the project any more, the worker hears, and the slot goes to somebody else")
    func leaving() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                let left = try await deployment.ledger.leaveProject(
                    "puzzles", person: "ann", reason: nil, by: "ann")
                #expect(left.leasesEnded == 1)
                #expect(try await deployment.number("select count(*) from lease") == 0)
                let heard = try await ann.read { !$0.revokes.isEmpty }
                let revoke = try #require(heard.flatMap(\.revokes).first)
                #expect(revoke.lease == lease.lease && revoke.message.contains("left its project"))
                ann.want(1)
                let (leases, idle) = try await ann.next()
                // In no project at all there is nothing to be refused from.
                #expect(leases.isEmpty && idle?.reason == .nothingLeft, "\(String(describing: idle))")
                let bob = try await Hand(one, "bob")
                let again = try await bob.lease()
                #expect(again.lease.task == lease.lease.task)
                bob.submit(again.lease)
                #expect(try await bob.settlement().outcome == .accepted)
            }
        }
    }
}
