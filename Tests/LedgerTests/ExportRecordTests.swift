import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// P11: whose answers leave is on record before they do, however the export ends.
@Suite struct ExportRecordTests {
    private struct Gone: Error {}

    private actor Pieces {
        var keys: [String] = []
        var count = 0
        func add(_ rows: [ExportedLabelRow]) {
            count += 1
            keys += rows.map(\.key)
        }
    }

    /// Labels of ann in one lane and of `second` in the next: an export has a piece for each.
    private func twoLanes(_ fixture: LedgerFixture, second: String = "bob") async throws {
        try await fixture.project(purposes: ["taking-part", "training"], people: ["ann", "bob"])
        for (number, (kind, person)) in [("puzzle", "ann"), ("rating", second)].enumerated() {
            try await fixture.importTasks(tasks(1, from: number, kind: kind))
            try await fixture.answer(try await fixture.lease("t\(number)", to: person))
        }
    }

    private func export(
        _ fixture: LedgerFixture, receive: @escaping @Sendable ([ExportedLabelRow]) async throws -> Void = { _ in }
    ) async throws {
        _ = try await fixture.ledger.exportLabels(
            project: "puzzles", purpose: "training", by: "olga", heading: { _ in }, receive: receive)
    }

    /// An export whose reader goes away with the first piece.
    private func cutOff(_ fixture: LedgerFixture, _ pieces: Pieces = Pieces()) async throws {
        await #expect(throws: Gone.self) {
            try await export(fixture) { rows in
                await pieces.add(rows)
                throw Gone()
            }
        }
    }

    private func recorded(_ fixture: LedgerFixture) async throws -> [String] {
        try await fixture.texts(
            """
            select p.export_id || ' ' || n.name || ' ' || p.labels from export_person p join person n using (person_id)
            order by p.export_id, n.name
            """)
    }

    private func events(_ fixture: LedgerFixture) async throws -> [String] {
        try await fixture.texts(
            """
            select e.kind || ' by ' || d.actor || ': ' || (d.detail ->> 'export') || ' ' || (d.detail ->> 'project')
                || ' ' || (d.detail ->> 'purpose')
            from chain_event e join chain_detail d using (event_id) where e.kind like 'labels.%' order by e.event_id
            """)
    }

    private func access(_ fixture: LedgerFixture, _ name: String) async throws -> [String] {
        try await fixture.ledger.access(of: name).filter { $0.what == "export" }.map { "\($0.by): \($0.detail)" }
    }

    private static let unfinished = """
        olga: export 1 of puzzles for training was begun and is not finished: 1 or more of your answers may have left \
        with it, under a pseudonym
        """

    @Test func anExportThatBreaksOffLeavesWhoseAnswersItTook() async throws {
        try await withLedger { fixture in
            try await twoLanes(fixture)
            let pieces = Pieces()
            try await cutOff(fixture, pieces)
            #expect(await pieces.keys == ["t0"])
            #expect(try await events(fixture) == ["labels.export-begun by olga: 1 puzzles training"])
            #expect(try await fixture.number("select count(*) from export where finished_at is not null") == 0)
            #expect(try await recorded(fixture) == ["1 ann 1"])
            #expect(try await access(fixture, "ann") == [Self.unfinished])
            // Nothing of his had left.
            #expect(try await access(fixture, "bob").isEmpty)
            // Nor does housekeeping take it.
            try await fixture.ledger.forgetPast()
            #expect(try await recorded(fixture) == ["1 ann 1"])
        }
    }

    /// On disk, for others to see, and not when the piece has gone.
    @Test func theRecordIsThereBeforeThePieceLeaves() async throws {
        try await withLedger { fixture in
            try await twoLanes(fixture)
            let pieces = Pieces()
            try await export(fixture) { rows in
                await pieces.add(rows)
                let names = await pieces.count == 1 ? ["1 ann 1"] : ["1 ann 1", "1 bob 1"]
                let held = try await recorded(fixture)
                #expect(held == names)
            }
            #expect(await pieces.keys == ["t0", "t1"])
            #expect(
                try await events(fixture) == [
                    "labels.export-begun by olga: 1 puzzles training", "labels.exported by olga: 1 puzzles training",
                ])
            let holds = "olga: export 1 of puzzles for training holds 1 of your answers, under a pseudonym"
            for name in ["ann", "bob"] { #expect(try await access(fixture, name) == [holds]) }
        }
    }

    /// A person's row is written anew when their number has doubled, and a last time before the sealing.
    @Test(arguments: [150, 350])
    func theRecordEndsWithWhatTheExportHolds(count: Int) async throws {
        try await withLedger { fixture in
            try await fixture.project(purposes: ["taking-part", "training"], people: ["ann"])
            try await fixture.importTasks(tasks(count))
            try await fixture.manyLabels(of: "ann")
            let pieces = Pieces()
            try await export(fixture) { rows in
                await pieces.add(rows)
                let (record, left) = (try await recorded(fixture), await pieces.keys.count)
                let said = try #require(record.first?.split(separator: " ").last.flatMap { Int($0) })
                #expect(said <= left && left < 2 * said, "\(said) of \(left)")
            }
            #expect(await pieces.count > 1)
            #expect(try await recorded(fixture) == ["1 ann \(count)"])
        }
    }

    @Test func aWithdrawalOwesNothingToAnExportThatWasNeverSealed() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await twoLanes(fixture)
            try await cutOff(fixture)
            try await export(fixture)
            #expect(try await recorded(fixture) == ["1 ann 1", "2 ann 1", "2 bob 1"])
            try await fixture.withdraw("ann", "training")
            #expect(try await fixture.texts("select export_id::text from owed_drop") == ["2"])
            try await ledger.settleWithdrawals()
            let superseded = try await ledger.supersededExports()
            #expect(superseded.map(\.export) == [2] && superseded.map(\.dropped) == [1])
            await #expect(throws: LedgerError.self) {
                try await ledger.droppedRecords(of: 1) { _ in
                } receive: { _ in
                }
            }
            // What left stays on her record.
            #expect(try await recorded(fixture) == ["1 ann 1", "2 ann 1", "2 bob 1"])
            #expect(try await access(fixture, "ann").contains(Self.unfinished))
        }
    }

    @Test func aStaleExportKeepsItsRecord() async throws {
        try await withLedger { fixture in
            try await twoLanes(fixture)
            let error = await #expect(throws: LedgerError.self) {
                try await export(fixture) { _ in try await fixture.withdraw("ann", "training") }
            }
            #expect(error?.code == .stale)
            #expect(try await events(fixture) == ["labels.export-begun by olga: 1 puzzles training"])
            #expect(try await recorded(fixture) == ["1 ann 1", "1 bob 1"])
            for name in ["ann", "bob"] { #expect(try await access(fixture, name) == [Self.unfinished]) }
            try await fixture.ledger.settleWithdrawals()
            #expect(try await fixture.number("select count(*) from owed_drop") == 0)
            #expect(try await fixture.ledger.supersededExports().isEmpty)
        }
    }

    /// An erasure takes the record of its person, and what comes of the export behind it does not bring it back.
    @Test func nothingLeavesAndNothingIsRecordedBehindAnErasure() async throws {
        try await withLedger { fixture in
            try await twoLanes(fixture, second: "ann")
            let pieces = Pieces()
            let error = await #expect(throws: LedgerError.self) {
                try await export(fixture) { rows in
                    await pieces.add(rows)
                    _ = try await fixture.ledger.erase(
                        purpose: nil, voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
                }
            }
            #expect(error?.code == .stale)
            #expect(await pieces.keys == ["t0"])
            #expect(try await recorded(fixture).isEmpty)
        }
    }

    /// The other order of the hardest case: the withdrawal comes while the export is being sealed, and finds it sealed.
    @Test func aWithdrawalThatWaitsForTheSealingOwesWhatWasSealed() async throws {
        try await withLedger { fixture in
            try await twoLanes(fixture)
            let (holder, watcher) = (try await fixture.coordinator(), try await fixture.coordinator())
            let pieces = Pieces()
            // The sealing has its lock and stops at the export's row.
            let exporting = Task {
                try await export(fixture) { rows in
                    await pieces.add(rows)
                    if await pieces.count == 2 {
                        try await holder.execute(
                            script: "begin; select from export where export_id = 1 for no key update")
                    }
                }
            }
            #expect(try await eventually { try await waitingForLocks(watcher) == 1 })
            let withdrawal = Task { try await fixture.withdraw("ann", "training") }
            #expect(try await eventually { try await waitingForLocks(watcher) == 2 })
            try await holder.execute(script: "commit")
            try await exporting.value
            #expect(try await withdrawal.value.state == .withdrawn)
            #expect(try await fixture.texts("select export_id::text from owed_drop") == ["1"])
            try await fixture.ledger.settleWithdrawals()
            #expect(try await fixture.ledger.supersededExports().map(\.dropped) == [1])
            await holder.close()
            await watcher.close()
        }
    }
}
