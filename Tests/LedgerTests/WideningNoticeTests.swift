import Coordinator
import Ledger
import PlimsollModel
import Postgres
import Testing

/// A version of a notice that names other data or other recipients ends the agreements under older ones at once:
/// nobody has agreed to what they were not told (P2).
@Suite struct WideningNoticeTests {
    private static let id = "taking-part"

    /// The next text, as wide as the one of the fixture unless it says otherwise.
    private static func draft(
        _ version: Int, isMaterial: Bool = true, data: String = "labels", recipients: String = "the team"
    ) -> NoticeDraft {
        var draft = noticeDraft(id, version: version, material: isMaterial, text: "Text \(version).", data: data)
        draft.recipients = recipients
        return draft
    }

    /// What makes a text wider than the one before.
    enum Widening: String, Sendable, CaseIterable {
        case data, recipients

        /// Version 2, which says more than version 1.
        func draft(isMaterial: Bool = true) -> NoticeDraft {
            switch self {
            case .data: WideningNoticeTests.draft(2, isMaterial: isMaterial, data: "labels and names")
            case .recipients: WideningNoticeTests.draft(2, isMaterial: isMaterial, recipients: "the team and clients")
            }
        }
    }

    /// Where ann stands with the one notice.
    private func state(_ fixture: LedgerFixture) async throws -> AgreementState? {
        let standing = try await fixture.ledger.agreements(of: "ann")
        #expect(standing.count == 1)
        return standing.first?.state
    }

    /// What the gate says of her.
    private func isAvailable(_ fixture: LedgerFixture) async throws -> Bool {
        try await Availability(ledger: fixture.ledger).engineers().contains { $0.name == "ann" && $0.isAvailable }
    }

    /// The version that is in force; nil: none, or more than one.
    private func inForce(_ fixture: LedgerFixture) async throws -> Int? {
        let versions = try await fixture.ledger.notices(id: Self.id).filter(\.isInForce).map(\.version)
        return versions.count == 1 ? versions[0] : nil
    }

    /// Puts the clock of this test's database so far from the moment at which a version begins.
    private func clock(_ fixture: LedgerFixture, atStartOf version: Int, and offset: String) async throws {
        let start = try await fixture.texts(
            "select effective_at::text from notice where notice_id = '\(Self.id)' and version = \(version)")
        let moment = try #require(start.first)
        try await fixture.owner.execute(
            script: """
                create or replace function plimsoll.clock() returns timestamptz language sql volatile
                    parallel restricted as $$ select timestamptz '\(moment)' + interval '\(offset)' $$;
                select plimsoll.ensure_partitions(7);
                """)
    }

    /// Everything that would have changed.
    private func counts(_ fixture: LedgerFixture) async throws -> [Int64] {
        [
            try await fixture.number("select count(*) from notice"),
            try await fixture.number("select count(*) from chain_event where kind = 'notice.published'"),
            try await fixture.ledger.epochVersion(),
        ]
    }

    @Test func itIsMaterialWhateverItsAuthorSays() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            for widening in Widening.allCases {
                let before = try await counts(fixture)
                let error = await #expect(throws: LedgerError.self, "\(widening)") {
                    _ = try await fixture.ledger.publishNotice(widening.draft(isMaterial: false), by: "op")
                }
                #expect(error?.code == .invalid && error?.remedy == "say that it is material", "\(widening)")
                #expect(try await counts(fixture) == before, "\(widening)")
                #expect(try await state(fixture) == .given, "\(widening)")
            }
        }
    }

    @Test(arguments: Widening.allCases)
    func itEndsAgreementsAtOnceAndWhatWasAnsweredUnderThemStays(widening: Widening) async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(3))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            #expect(try await isAvailable(fixture))
            let epoch = try await ledger.epochVersion()
            let published = try await ledger.publishNotice(widening.draft(), by: "op")
            #expect(published.isMaterial && published.isInForce)
            // With the epoch: no lease that commits from here on stands on the older text.
            #expect(try await ledger.epochVersion() == epoch + 1)
            #expect(try await state(fixture) == .invalidated)
            #expect(try await !isAvailable(fixture))
            // It was taken back by nobody: no label is excluded.
            #expect(try await fixture.number("select count(*) from exclusion") == 0)
            #expect(try await fixture.number("select count(*) from label") == 1)
            let old = await #expect(throws: LedgerError.self) {
                _ = try await fixture.give("ann", Self.id, version: 1)
            }
            #expect(old?.code == .stale)
            // Given anew, and not renewed: the one before does not reach so far.
            #expect(try await fixture.give("ann", Self.id, version: 2).state == .given)
            #expect(try await state(fixture) == .given)
            #expect(try await isAvailable(fixture))
        }
    }

    /// What was withdrawn is not turned into something that a text has ended.
    @Test func whoHasWithdrawnStaysSo() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.withdraw("ann", Self.id)
            _ = try await fixture.ledger.publishNotice(Self.draft(2, data: "labels and names"), by: "op")
            #expect(try await state(fixture) == .withdrawn)
        }
    }

    @Test func aMaterialVersionThatIsNoWiderEndsThemWhenItBegins() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let first = try await ledger.notices(id: Self.id)[0]
            let second = try await ledger.publishNotice(Self.draft(2), by: "op")
            #expect(second.isMaterial && !second.isInForce)
            #expect(second.effectiveAt - first.effectiveAt >= .seconds(Ledger.materialNoticeDays * 86_400))
            #expect(try await state(fixture) == .given)
            try await clock(fixture, atStartOf: 2, and: "-1 second")
            #expect(try await state(fixture) == .given)
            #expect(try await inForce(fixture) == 1)
            try await clock(fixture, atStartOf: 2, and: "0 seconds")
            #expect(try await state(fixture) == .invalidated)
            #expect(try await inForce(fixture) == 2)
            #expect(try await fixture.give("ann", Self.id, version: 2).state == .given)
        }
    }

    @Test func aVersionThatIsNotMaterialLetsThemRunToTheirEnd() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            let second = try await fixture.ledger.publishNotice(Self.draft(2, isMaterial: false), by: "op")
            #expect(second.isInForce && !second.isMaterial)
            #expect(try await state(fixture) == .given)
            #expect(try await fixture.give("ann", Self.id, version: 2).state == .renewed)
        }
    }

    @Test func itOvertakesWhatWasAnnounced() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let announced = try await ledger.publishNotice(Self.draft(2), by: "op")
            // What is not material waits behind it, and may not be agreed to either.
            let behind = try await ledger.publishNotice(Self.draft(3, isMaterial: false), by: "op")
            #expect(behind.effectiveAt == announced.effectiveAt && !behind.isInForce)
            #expect(try await state(fixture) == .given)

            let wider = try await ledger.publishNotice(Self.draft(4, recipients: "the team and clients"), by: "op")
            #expect(wider.isInForce && wider.effectiveAt < announced.effectiveAt)
            #expect(try await inForce(fixture) == 4)
            #expect(try await state(fixture) == .invalidated)
            for version in [1, 2, 3] {
                let error = await #expect(throws: LedgerError.self, "\(version)") {
                    _ = try await fixture.give("ann", Self.id, version: version)
                }
                #expect(error?.code == .stale, "\(version)")
            }
            #expect(try await fixture.give("ann", Self.id, version: 4).state == .given)
            // The next ones are held against it, and no more against what it overtook.
            let small = try await ledger.publishNotice(
                Self.draft(5, isMaterial: false, recipients: "the team and clients"), by: "op")
            #expect(small.isInForce && small.effectiveAt < announced.effectiveAt)
            #expect(try await state(fixture) == .given)

            // Its day comes, and it is over already.
            try await clock(fixture, atStartOf: 2, and: "1 second")
            #expect(try await inForce(fixture) == 5)
            #expect(try await state(fixture) == .given)
        }
    }
}
