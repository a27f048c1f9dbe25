import Coordinator
import Foundation
import Ledger
import PlimsollModel
import Testing

@Suite("Why tasks wait, as coordinators tell of their workers")
struct PresenceTests {
    /// Available and never connected: of fewer people it is not said who is.
    private static let crowd = ["cid", "dan", "eve", "fay", "gus"]

    private func reasons(_ deployment: Deployment) async throws -> [WaitingReason.Code] {
        try await Availability(ledger: deployment.ledger).queueStatus(project: "puzzles")[0].reasons.map(\.code)
    }

    private func expect(_ codes: [WaitingReason.Code], _ deployment: Deployment) async throws {
        try await eventually("\(codes) is why tasks wait") { try await reasons(deployment) == codes }
    }

    @Test("nobody is connected until a worker is, to whichever coordinator, and again when it has gone")
    func connected() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"] + Self.crowd, tasks: 10)
            let one = deployment.coordinator("one")
            let two = deployment.coordinator("two")
            try await running(one, two) {
                try await expect([.nobodyConnected], deployment)
                let ann = try await Hand(two, "ann", session: 7)
                try await expect([.beingHandedOut], deployment)
                ann.stream.detach()
                try await expect([.nobodyConnected], deployment)
            }
            // Both were ended as a kill ends them, so what they said last stays until their lives have run out.
            try await expect([.noCoordinator], deployment)
        }
    }

    @Test("a worker who can be given nothing is not available, whatever the cause (P9)")
    func available() async throws {
        try await withDeployment { deployment in
            try await deployment.limits(openLeases: 2)
            try await deployment.project(people: ["ann", "bob"] + Self.crowd, tasks: 10)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                _ = try await ann.lease()
                try await expect([.beingHandedOut], deployment)
                // At the limit on open leases.
                let second = try await ann.lease()
                try await expect([.nobodyConnected], deployment)
                ann.submit(second.lease)
                try await expect([.beingHandedOut], deployment)
                // Withdrawn: bob is available and not connected, ann is connected and not available.
                _ = try await deployment.ledger.withdrawAgreement(
                    purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                try await expect([.nobodyConnected], deployment)
                let bob = try await Hand(one, "bob", session: 8)
                try await expect([.beingHandedOut], deployment)
                bob.stream.detach()
            }
        }
    }

    @Test("what everybody connected has answered already waits for somebody else")
    func othersAreNeeded() async throws {
        try await withDeployment { deployment in
            try await deployment.project(overlap: 2, people: ["ann", "bob"] + Self.crowd, tasks: 3)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann")
                for _ in 0..<3 {
                    ann.submit(try await ann.lease().lease)
                    #expect(try await ann.settlement().outcome == .accepted)
                }
                ann.want(1)
                while try await ann.next().idle?.reason != .nothingLeft {
                    try await Task.sleep(for: .milliseconds(100))
                    ann.want(1)
                }
                try await expect([.nobodyConnected], deployment)
                let bob = try await Hand(one, "bob", session: 9)
                try await expect([.beingHandedOut], deployment)
                bob.stream.detach()
            }
        }
    }

    @Test("of a paused project nothing is said, and once it is open again all is")
    func paused() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"] + Self.crowd, tasks: 5)
            let one = deployment.coordinator()
            try await running(one) {
                let ann = try await Hand(one, "ann", session: 7)
                try await expect([.beingHandedOut], deployment)
                _ = try await deployment.ledger.setProjectState("puzzles", to: .paused, by: "op")
                try await eventually("nothing is said of a paused project") {
                    try await deployment.number("select count(*) from presence") == 0
                }
                #expect(try await reasons(deployment) == [.paused])
                _ = try await deployment.ledger.setProjectState("puzzles", to: .open, by: "op")
                try await expect([.beingHandedOut], deployment)
                ann.stream.detach()
            }
        }
    }

    @Test("what a coordinator said goes when it is taken over (P12)")
    func takenOver() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"] + Self.crowd, tasks: 5)
            let two = deployment.coordinator("two") { $0.times.presenting = .milliseconds(200) }
            let one = deployment.coordinator("one")
            try await running(two) {
                try await running(one) {
                    let ann = try await Hand(one, "ann", session: 7)
                    try await expect([.beingHandedOut], deployment)
                    withExtendedLifetime(ann) {}
                }
                try await expect([.nobodyConnected], deployment)
                try await eventually("its row is gone") {
                    try await deployment.number("select count(*) from presence") == 0
                }
            }
        }
    }
}
