import Coordinator
import Ledger
import PlimsollModel
import Testing

@Suite("Read-only mode (P2, P3)")
struct ReadOnlyTests {
    private func voice(_ name: String) -> ConsentVoice { ConsentVoice(name: name, certificateSerial: "ab01") }

    @Test("nothing new is leased and what is in hand can be finished, given back or withdrawn")
    func finishing() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let bob = try await Hand(one, "bob")
                ann.want(3)
                let held = try await ann.next().leases
                try #require(held.count == 3)
                let parked = try await bob.lease()
                bob.park(parked.lease)
                #expect(try await bob.change().state == .parked)

                _ = try await deployment.ledger.setReadOnly(true, reason: "a test", by: "op")
                for hand in [ann, bob] {
                    hand.want(1)
                    let (leases, idle) = try await hand.next()
                    // A parked lease that comes back would be a new lease too.
                    #expect(leases.isEmpty && idle?.reason == .readOnly && idle?.refusal == nil)
                }
                ann.submit(held[0].lease)
                #expect(try await ann.settlement().outcome == .accepted)
                ann.release(held[1].lease)
                #expect(try await ann.change().state == .released)
                // The answer of a lease that was given back would be a lease anew: it is kept for a human.
                ann.submit(held[1].lease)
                #expect(try await ann.settlement().outcome == .keptLate)
                ann.decline(held[2].lease)
                #expect(try await ann.change().state == .declined)
                let receipt = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: voice("bob"))
                #expect(receipt.state == .withdrawn && receipt.leasesEnded == 1)
                #expect(try await deployment.number("select count(*) from lease") == 0)

                _ = try await deployment.ledger.setReadOnly(false, reason: "over", by: "op")
                _ = try await ann.lease()
            }
        }
    }

    /// Those that ended too: on a busy machine leases of an earlier round's streams end at any moment.
    private static let leasesEver =
        "select count(distinct fence) from (select fence from lease union all select fence from lease_history) l"

    @Test("no lease commits after the switch has returned, whoever decides")
    func exactly() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3_000)
            try await deployment.limits(openLeases: 64)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                for _ in 0..<5 {
                    // Room for more than is wanted: a stream that is full hears nothing until a lease of it ends.
                    let hands = [
                        try await Hand(one, "ann", inFlight: 16), try await Hand(two, "ann", inFlight: 16),
                    ]
                    for hand in hands { hand.want(8) }
                    _ = try await deployment.ledger.setReadOnly(true, reason: "a test", by: "op")
                    let granted = try await deployment.number("select last_value from fence_run")
                    let ever = try await deployment.number(Self.leasesEver)
                    for hand in hands {
                        hand.want(1)
                        try await hand.read { $0.idle?.reason == .readOnly }
                    }
                    #expect(try await deployment.number(Self.leasesEver) == ever)
                    #expect(try await deployment.number("select last_value from fence_run") >= granted)
                    _ = try await deployment.ledger.setReadOnly(false, reason: "on", by: "op")
                    for hand in hands { hand.stream.detach() }
                }
            }
        }
    }
}
