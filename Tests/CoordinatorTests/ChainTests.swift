import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Synchronization
import TestSupport
import Testing

/// Coordinators keep the chain beside their work (P11).
@Suite struct ChainTests {
    /// Signs with nothing: what a signature is, the tests of the ledger and of the system look at.
    private static let signer: CoordinatorSigner = { CoordinatorSignature(signature: $0, certificate: [1]) }

    /// A place that is away at first.
    private final class Place: HeadPlace {
        let name = "a test's place"
        private let state: Mutex<(failures: Int, heads: [SignedHead])>

        init(failures: Int) { state = Mutex((failures, [])) }

        var heads: [SignedHead] { state.withLock { $0.heads } }

        func last() async throws -> Int64? { state.withLock { $0.heads.last?.head.seq ?? 0 } }

        func keep(_ head: SignedHead) async throws {
            try state.withLock { state in
                if state.failures > 0 {
                    state.failures -= 1
                    throw IsAway()
                }
                state.heads.append(head)
            }
        }
    }

    private struct IsAway: Error {}

    private func coordinator(_ deployment: Deployment, _ name: String, _ place: Place) -> Coordinator {
        var configuration = CoordinatorConfiguration(name: name, address: "127.0.0.1:1")
        configuration.times.chainHead = .milliseconds(200)
        return Coordinator(
            configuration: configuration, ledger: deployment.ledger,
            connections: LedgerConnections(
                base: deployment.coordinatorConfiguration(), name: name, logger: quiet),
            chain: ChainKeeping(signer: Self.signer, places: [place]), logger: quiet)
    }

    @Test func eventsAreChainedWithinASecondAndHeadsReachEveryPlace() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            let places = [Place(failures: 0), Place(failures: 3)]
            try await running(
                coordinator(deployment, "one", places[0]), coordinator(deployment, "two", places[1])
            ) {
                try await eventually("what was there is chained") {
                    try await deployment.number("select count(*) from chain_unsealed") == 0
                }
                for round in 0..<5 {
                    _ = try await deployment.ledger.applyPolicy("limits: {}\n", reason: "round \(round)", by: "op")
                    let began = ContinuousClock.now
                    try await eventually("the event is chained") {
                        try await deployment.number("select count(*) from chain_unsealed") == 0
                    }
                    // The promise is a second; beside other tests on a busy machine it is given two.
                    #expect(ContinuousClock.now - began < .seconds(2))
                }
                let last = try await deployment.number("select max(seq) from chain_link")
                for place in places {
                    try await eventually("the last head is at the place") { place.heads.last?.head.seq == last }
                    // Each once and in order, whoever signed it and however often the place was away.
                    let heads = place.heads.map(\.head.seq)
                    #expect(heads == Array(Set(heads)).sorted())
                }
                #expect(places[0].heads == places[1].heads)
                #expect(places[0].heads.allSatisfy { $0.signature.signature == $0.head.text })
            }
            let verifier = try await audit(deployment)
            #expect(verifier.faults.isEmpty && verifier.lastSigned == verifier.lastLink)
            #expect(verifier.events == (try await deployment.number("select count(*) from chain_event")))
        }
    }

    private func audit(_ deployment: Deployment) async throws -> ChainVerifier {
        var verifier = ChainVerifier { _ in nil }
        for head in try await deployment.ledger.chainHeads(after: 0) { verifier.expect(head) }
        for entry in try await deployment.ledger.chainPage(after: 0, upTo: .max) { verifier.add(entry) }
        verifier.endOfLinks()
        verifier.finish(try await deployment.ledger.chainEnd())
        return verifier
    }

    @Test func aHelloTellsOfAgreementsThatEndSoon() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann", "bob"], tasks: 1)
            // The clock of the deployment goes on until bob's has 13 days left; ann renews hers.
            try await deployment.owner.execute(
                script: """
                    create or replace function plimsoll.clock() returns timestamptz language sql volatile
                        parallel restricted as $$ select clock_timestamp() + interval '77 days' $$;
                    select plimsoll.ensure_partitions(7);
                    """)
            try await deployment.agree("ann")
            let coordinator = deployment.coordinator()
            try await running(coordinator) {
                let ann = try await Hand(coordinator, "ann")
                #expect(ann.stream.welcome.notifications.isEmpty)
                let bob = try await Hand(coordinator, "bob")
                let told = bob.stream.welcome.notifications
                #expect(told.map(\.kind) == [.agreementEnds])
                #expect(told.first?.message.hasPrefix("your agreement to taking-part ends on 20") == true, "\(told)")
                ann.stream.detach()
                bob.stream.detach()
            }
            let standing = try await deployment.ledger.agreements(of: "bob")[0].endsIn
            #expect(standing.map { $0 > .seconds(12 * 86_400) && $0 <= .seconds(13 * 86_400) } == true)
            #expect(try await deployment.ledger.agreements(of: "ann")[0].endsIn == nil)
        }
    }
}
