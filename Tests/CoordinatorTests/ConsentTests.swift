import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

@Suite("Nothing without the gate (P2, P3, P7)")
struct ConsentTests {
    @Test("a withdrawal ends open leases at once, the worker hears, and nothing comes after it")
    func withdrawal() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                let lease = try await ann.lease()
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                #expect(try await deployment.number("select count(*) from lease") == 0)
                let heard = try await ann.read { !$0.revokes.isEmpty }
                let revoke = try #require(heard.flatMap(\.revokes).first)
                #expect(revoke.lease == lease.lease && revoke.reason == .withdrawn)
                ann.submit(lease.lease)
                #expect(try await ann.settlement().outcome == .refusedAgreement)
                #expect(try await deployment.number("select count(*) from label") == 0)
                #expect(try await deployment.number("select count(*) from late_answer") == 0)
                ann.want(1)
                let idle = try #require(try await ann.next().idle)
                #expect(idle.reason == .notEligible && idle.refusal?.rule == .agreement)
            }
        }
    }

    @Test("limits are per person across coordinators: three open leases, never four")
    func openLeases() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 100)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                var hands: [Hand] = []
                for coordinator in [one, two, one, two] { hands.append(try await Hand(coordinator, "ann")) }
                for hand in hands { hand.want(8) }
                var leases = 0
                for hand in hands {
                    let (granted, idle) = try await hand.next()
                    leases += granted.count
                    if granted.isEmpty { #expect(idle?.refusal?.rule == .openLeases) }
                }
                #expect(leases == 3)
                #expect(try await deployment.number("select count(*) from lease") == 3)
            }
        }
    }

    @Test("a person whose lock a frozen process holds is served within seconds")
    func frozenHolder() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 3)
            let one = deployment.coordinator()
            try await running(one) {
                // A flush that froze between lock and commit: the same settings, the same lock.
                var configuration = deployment.coordinatorConfiguration()
                configuration.settings = FlushSession.settings
                let frozen = try await Connection.connect(configuration, logger: quiet)
                let session = FlushSession(connection: frozen)
                let person = PersonID(try await deployment.number("select person_id from person where name = 'ann'"))
                _ = try await session.open(people: [person])
                let ann = try await Hand(one, "ann")
                let asked = ContinuousClock.now
                _ = try await ann.lease()
                #expect(ContinuousClock.now - asked < .seconds(5))
                await frozen.close()
            }
        }
    }
}
