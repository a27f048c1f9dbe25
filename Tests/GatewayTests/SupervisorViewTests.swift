import GRPCCore
import Identity
import Ledger
import PlimsollProtocol
import TestSupport
import Testing

@testable import Gateway

@Suite("What is open to a supervisor is held against everything else that is (P9)")
struct SupervisorViewTests {
    private static func isOpen(_ method: MethodDescriptor, to role: Role) -> Bool {
        switch MethodRules.rule(for: method)?.admission {
        case .granted(let roles)?, .subject(let roles)?: roles.contains(role)
        case .certified?: true
        case nil: false
        }
    }

    private static func short(_ method: MethodDescriptor) -> String {
        let service = method.service.fullyQualifiedService.split(separator: ".").last.map { String($0) } ?? ""
        return "\(service)/\(method.method)"
    }

    @Test("no method is open to a supervisor that the tests of published cells neither read nor name with a reason")
    func allAreNamed() {
        let open = Set(ownMethods.filter { Self.isOpen($0, to: .supervisor) }.map { Self.short($0) })
        let read = Set(SupervisorView.allCases.map(\.method))
        let named = Set(SupervisorView.withoutCells.keys)
        #expect(open.subtracting(read).subtracting(named).sorted() == [])
        // Nor is anything in the lists that is not open any more, or in both.
        #expect(read.union(named).subtracting(open).sorted() == [])
        #expect(read.intersection(named).sorted() == [])
    }

    @Test("the last part of a service's name tells its methods from all others")
    func names() {
        #expect(Set(ownMethods.map { Self.short($0) }).count == ownMethods.count)
    }
}

extension OverTLS {
    /// Every agreement, refusal, withdrawal and limit of one's own is an event of the record, and every denial is
    /// another version of the deployment; a break or a cap is neither. So the length of the one and the number of the
    /// other, beside a word that changes, would tell the cause.
    @Suite("What a supervisor reads of the record and the deployment's version tells no cause (P9)")
    struct SupervisorRecordTests {
        private func withPeople(_ body: @escaping @Sendable (LiveGateway) async throws -> Void) async throws {
            try await withLiveGateway(
                prepare: { ledger in
                    _ = try await ledger.createProject(
                        ProjectDraft(
                            name: "puzzles", answerSchema: #"{"type":"string"}"#, purposes: ["taking-part"],
                            namedPersons: ["sue"]), by: "olu")
                    _ = try await ledger.publishNotice(noticeDraft("taking-part"), by: "olu")
                    try await ledger.grantRole(.supervisor, to: "sue", by: "olu")
                    for name in ["ann", "bob"] {
                        _ = try await ledger.enrolEngineer(
                            name, zone: "UTC", projects: ["puzzles"],
                            selection: SelectionRecord(
                                rule: "volunteers/1", dataUsed: "none", decidedBy: "sue",
                                alternativeOffered: "the usual work"), by: "olu")
                        try await agree(ledger, name, "taking-part")
                    }
                }, body)
        }

        @Test("doctor tells a supervisor neither how long the record is nor when its last event was")
        func lengthOfRecord() async throws {
            try await withPeople { live in
                try await live.deployment.withClient("sue", .supervisor, at: live.port) { client in
                    let checks = try await Plimsoll_V1_Control.Client(wrapping: client).diagnose(.init()).checks
                    #expect(!checks.isEmpty && checks.allSatisfy { !$0.name.hasPrefix("chain") })
                }
            }
        }

        @Test("the deployment's version does not tell a supervisor that somebody was denied")
        func version() async throws {
            try await withPeople { live in
                try await live.deployment.withClient("sue", .supervisor, at: live.port) { client in
                    let deployment = Plimsoll_V1_Deployment.Client(wrapping: client)
                    let before = try await deployment.showDeployment(.init())
                    _ = try await live.ledger.deny(.person("bob"), reason: "a test", by: "olu")
                    let after = try await deployment.showDeployment(.init())
                    #expect(after == before)
                }
            }
        }
    }
}
