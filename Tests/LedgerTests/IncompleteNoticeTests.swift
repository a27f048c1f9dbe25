import Ledger
import PlimsollModel
import Testing

/// A notice that lacks something is refused as a whole, with all that it lacks, and nothing of it is kept.
@Suite struct IncompleteNoticeTests {
    /// What a notice must say, in the order in which it is told what is missing.
    private static let required: [(name: String, empty: @Sendable (inout NoticeDraft, String) -> Void)] = [
        ("locale", { $0.locale = $1 }),
        ("purpose", { $0.purpose = $1 }),
        ("text", { $0.text = $1 }),
        ("data", { $0.data = $1 }),
        ("recipients", { $0.recipients = $1 }),
        ("retention", { $0.retention = $1 }),
        ("withdrawal method", { $0.withdrawalMethod = $1 }),
        ("alternative offered", { $0.alternativeOffered = $1 }),
        ("assessment", { $0.assessment.text = $1 }),
        ("date of the assessment", { $0.assessment.on = $1 }),
        ("consultation", { $0.consultation.text = $1 }),
        ("date of the consultation", { $0.consultation.on = $1 }),
    ]

    /// Everything that publishing writes: texts, the record, and the deployment's shared state.
    private struct Kept: Equatable {
        var notices: Int64
        var events: Int64
        var epoch: Int64
    }

    private func kept(_ fixture: LedgerFixture) async throws -> Kept {
        Kept(
            notices: try await fixture.number("select count(*) from notice"),
            events: try await fixture.number("select count(*) from chain_event"),
            epoch: try await fixture.ledger.epochVersion())
    }

    /// Publishes what must be refused; gives the error, and sees to it that nothing was kept.
    private func refusal(
        of draft: NoticeDraft, _ what: String, _ fixture: LedgerFixture
    ) async throws -> LedgerError? {
        let before = try await kept(fixture)
        let error = await #expect(throws: LedgerError.self, "\(what)") {
            _ = try await fixture.ledger.publishNotice(draft, by: "op")
        }
        #expect(error?.code == .invalid, "\(what)")
        #expect(try await kept(fixture) == before, "\(what)")
        return error
    }

    @Test func eachThingThatIsMissingIsNamed() async throws {
        try await withLedger { fixture in
            for (name, empty) in Self.required {
                for blank in ["", " \t\n"] {
                    var draft = noticeDraft()
                    empty(&draft, blank)
                    let error = try await refusal(of: draft, name, fixture)
                    #expect(error?.message == "the notice part lacks: \(name)")
                }
            }
            // With nothing missing it is taken, so it was for those alone.
            let whole = try await fixture.ledger.publishNotice(noticeDraft(), by: "op")
            #expect(whole.isInForce && whole.validityDays == NoticeDraft.validityDefault)
        }
    }

    @Test func allThatIsMissingIsNamedAtOnce() async throws {
        try await withLedger { fixture in
            var draft = noticeDraft()
            for (_, empty) in Self.required { empty(&draft, "") }
            let error = try await refusal(of: draft, "all", fixture)
            #expect(error?.message == "the notice part lacks: " + Self.required.map(\.name).joined(separator: ", "))
            #expect(try await fixture.ledger.notices().isEmpty)
        }
    }

    /// What it is called is asked for first: without it there is nothing to speak of.
    @Test func aNoticeWithoutANameIsRefusedByTheRuleForNames() async throws {
        try await withLedger { fixture in
            for id in ["", " ", "Part"] {
                let error = try await refusal(of: noticeDraft(id), "named “\(id)”", fixture)
                #expect(error?.message.contains("is no name for a notice") == true)
            }
        }
    }

    @Test func aReferenceWhoseDateIsNoneIsRefused() async throws {
        try await withLedger { fixture in
            for date in ["soon", "31.3.2026", "2026-3-1", "2026-02-30"] {
                var draft = noticeDraft()
                draft.assessment.on = date
                let assessment = try await refusal(of: draft, date, fixture)
                #expect(assessment?.message.hasPrefix("the date of the assessment is \(date)") == true)
                draft = noticeDraft()
                draft.consultation.on = date
                let consultation = try await refusal(of: draft, date, fixture)
                #expect(consultation?.message.hasPrefix("the date of the consultation is \(date)") == true)
            }
        }
    }

    @Test func anIncompleteNextVersionLeavesTheOneInForceAndItsAgreements() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            var draft = noticeDraft("taking-part", version: 2, material: true, data: "labels and names")
            draft.consultation = NoticeBasis(text: "", on: "")
            let error = try await refusal(of: draft, "version 2", fixture)
            #expect(
                error?.message == "the notice taking-part lacks: consultation, date of the consultation")
            let notices = try await fixture.ledger.notices(id: "taking-part")
            #expect(notices.map(\.version) == [1] && notices[0].isInForce)
            let standing = try await fixture.ledger.agreements(of: "ann")
            #expect(standing.map(\.state) == [.given])
        }
    }
}
