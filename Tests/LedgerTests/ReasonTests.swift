import Ledger
import PlimsollModel
import Testing

/// What needs a reason needs more than blanks (P11, P13).
@Suite struct ReasonTests {
    private static let blanks = ["", " ", "\n\t \u{A0}"]

    @Test(arguments: blanks) func nothingIsDoneForBlanks(blank: String) async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let draft = CorrectionDraft(from: "2026-01-05 10:00", to: "2026-01-05 11:00", reason: blank)
            let calls: [(String, () async throws -> Void)] = [
                ("apply", { _ = try await ledger.applyPolicy("limits: {}", reason: blank, by: "op") }),
                ("rollback", { _ = try await ledger.rollBackPolicy(to: 1, reason: blank, by: "op") }),
                ("read-only", { _ = try await ledger.setReadOnly(true, reason: blank, by: "op") }),
                ("deny", { _ = try await ledger.deny(.person("ann"), reason: blank, by: "op") }),
                ("move", { _ = try await ledger.moveEngineer("ann", to: "t", reason: blank, by: "op") }),
                ("leave", { _ = try await ledger.leaveProject("puzzles", person: "ann", reason: blank, by: "op") }),
                ("discard", { _ = try await ledger.judgeLateAnswer(1, accept: false, reason: blank, by: "op") }),
                ("raise", { _ = try await ledger.askRaise("day-time: 5h", reason: blank, by: "ann") }),
                ("add time", { _ = try await ledger.addTime(draft, by: "ann") }),
                ("remove time", { _ = try await ledger.askTimeRemoval(draft, by: "ann") }),
                (
                    "refuse",
                    { _ = try await ledger.answerCorrection(1, agree: false, reason: blank, by: .operator("op")) }
                ),
                ("look", { _ = try await ledger.showThroughput(of: "ann", to: "op", reason: blank) }),
            ]
            for (name, call) in calls {
                let error = await #expect(throws: LedgerError.self, "\(name)") { try await call() }
                #expect(error?.code == .invalid && error?.remedy == "say it with --reason", "\(name): \(error as Any)")
            }
            #expect(try await ledger.policy().version == 1)
        }
    }
}
