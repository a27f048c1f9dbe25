import Coordinator
import Foundation
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// What can be agreed to and for how long, and that a withdrawal is final at once (P3).
@Suite struct ConsentTests {
    private func voice(_ name: String = "ann") -> ConsentVoice {
        ConsentVoice(name: name, certificateSerial: "ab01")
    }

    @Test func anIncompleteNoticeIsRefusedWithAllThatIsMissing() async throws {
        try await withLedger { fixture in
            var draft = noticeDraft()
            draft.alternativeOffered = " "
            draft.recipients = ""
            let bad = draft
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.publishNotice(bad, by: "op")
            }
            #expect(error?.message.contains("recipients, alternative offered") == true)
        }
    }

    @Test func versionsFollowEachOtherAndMaterialOnesWait() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let first = try await ledger.publishNotice(noticeDraft(material: true), by: "op")
            #expect(first.isInForce && !first.isMaterial)
            for version in [1, 3] {
                await #expect(throws: LedgerError.self) {
                    _ = try await ledger.publishNotice(noticeDraft(version: version), by: "op")
                }
            }
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.publishNotice(noticeDraft(version: 2, purpose: "training"), by: "op")
            }
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.publishNotice(noticeDraft(version: 2, data: "more data"), by: "op")
            }
            let second = try await ledger.publishNotice(noticeDraft(version: 2, material: true), by: "op")
            #expect(!second.isInForce)
            #expect(second.effectiveAt - first.effectiveAt >= .seconds(14 * 86_400))
            // Nothing overtakes a version that was announced.
            let third = try await ledger.publishNotice(noticeDraft(version: 3), by: "op")
            #expect(third.effectiveAt >= second.effectiveAt)
            // But what widens it does, and is in force before what was announced.
            let fourth = try await ledger.publishNotice(
                noticeDraft(version: 4, material: true, data: "labels and names"), by: "op")
            #expect(fourth.isInForce && fourth.effectiveAt < second.effectiveAt)
            #expect(try await ledger.notices(id: first.id).filter(\.isInForce).map(\.version) == [4])
            let widened = try await ledger.publishNotice(noticeDraft("wide"), by: "op")
            #expect(widened.isInForce)
            let wider = try await ledger.publishNotice(
                noticeDraft("wide", version: 2, material: true, data: "labels and names"), by: "op")
            #expect(wider.isInForce && wider.isMaterial)
        }
    }

    @Test func onlyTheTextInForceCanBeAgreedTo() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await fixture.project(people: [])
            _ = try await ledger.createPerson(named: "ann", zone: "Europe/Berlin")
            let notice = try await ledger.notices(id: "taking-part")[0]
            var wrong = notice.sha256
            wrong[0] ^= 1
            let changed = wrong
            for (version, hash) in [(1, changed), (2, notice.sha256), (0, notice.sha256)] {
                let error = await #expect(throws: LedgerError.self) {
                    _ = try await ledger.giveAgreement(
                        notice: "taking-part", version: version, sha256: hash, voice: voice())
                }
                #expect(error?.code == .stale)
            }
            let missing = await #expect(throws: LedgerError.self) {
                _ = try await ledger.giveAgreement(notice: "none", version: 1, sha256: [], voice: voice())
            }
            #expect(missing?.code == .notFound)
            let given = try await fixture.give("ann", "taking-part")
            #expect(given.state == .given)
            #expect(given.until.map { $0 - given.at } == .seconds(90 * 86_400))
            let renewed = try await fixture.give("ann", "taking-part")
            #expect(renewed.state == .renewed)
            let standing = try await ledger.agreements(of: "ann")
            #expect(standing.count == 1 && standing[0].state == .renewed)
            let receipts = try await ledger.receipts(of: "ann")
            #expect(receipts.map(\.receiptID) == [given.receiptID, renewed.receiptID])
            #expect(receipts.map(\.eventHash) == [given.eventHash, renewed.eventHash])
            // Numbers of a person have no gaps, and each has its usage row.
            #expect(
                try await fixture.texts(
                    "select n::text from usage where person_id = (select person_id from person where name = 'ann') order by n"
                ) == ["1", "2"])
        }
    }

    @Test func withdrawalEndsWorkExcludesLabelsAndCannotBeUndone() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(overlap: 2, purposes: ["taking-part", "training"], people: ["ann", "bob"])
            try await fixture.importTasks(tasks(6))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.answer(try await fixture.lease("t0", to: "bob", slot: 2))
            try await fixture.lease("t1", to: "ann")
            try await fixture.lease("t2", to: "bob")
            let parked = try await fixture.lease("t3", to: "ann")
            try await fixture.owner.execute(
                script: """
                    insert into parked select task_id, slot, person_id, fence, lane_id, project_id, first_granted_at,
                        clock(), clock() + interval '1 day', provenance_id from lease where fence = \(parked);
                    insert into tally (project_id, at, leased, parked) select project_id, clock(), -1, 1 from project;
                    insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash,
                        answer, why) select task_id, person_id, 99, project_id, 1, current_date, '\\x01', '{}', 'late'
                        from lease where fence <> \(parked) order by person_id limit 1;
                    insert into tally (project_id, at, late) select project_id, clock(), 1 from project;
                    """)
            let before = try await fixture.number("select count(*) from span")
            let receipt = try await ledger.withdrawAgreement(purpose: "training", voice: voice())
            #expect(receipt.state == .withdrawn && receipt.leasesEnded == 2)
            #expect(receipt.noticeID == "training" && receipt.noticeVersion == 1)
            #expect(try await fixture.texts("select p.name from lease join person p using (person_id)") == ["bob"])
            #expect(try await fixture.number("select count(*) from parked") == 0)
            #expect(try await fixture.number("select count(*) from lease_history where how = 'withdrawn'") == 2)
            #expect(try await fixture.number("select count(*) from returned") == 0)
            #expect(try await fixture.number("select count(*) from span") == before + 2)
            #expect(try await fixture.number("select count(*) from late_answer where state = 'waiting'") == 0)
            #expect(
                try await fixture.texts(
                    "select sum(leased) || ' ' || sum(parked) || ' ' || sum(late) from tally") == ["1 0 0"])
            func exported(_ purpose: String) async throws -> (ExportTotals, [String]) {
                let rows = Gathered()
                let totals = try await ledger.exportLabels(project: "puzzles", purpose: purpose, by: "op") { _ in
                } receive: {
                    await rows.append($0)
                }
                return (totals, await rows.all.map(\.key))
            }
            let (totals, keys) = try await exported("training")
            #expect(totals.labels == 1 && totals.excluded == 1 && totals.annotators == 1 && keys == ["t0"])
            // Agreeing again brings nothing back.
            try await fixture.give("ann", "training")
            let (again, _) = try await exported("training")
            #expect(again.labels == 1 && again.excluded == 1)
            // Another use of the same labels is untouched; a purpose that no label stands on gets none.
            let (other, _) = try await exported("evaluation")
            #expect(other.labels == 0 && other.excluded == 2)
            _ = try await ledger.withdrawAgreement(purpose: "taking-part", voice: voice("bob"))
            let (none, _) = try await exported("training")
            #expect(none.labels == 0 && none.excluded == 2)
        }
    }

    @Test func refusingAnAgreementThatWasGivenTakesItBack() async throws {
        try await withLedger { fixture in
            try await fixture.project()
            let receipt = try await fixture.ledger.refuseAgreement(purpose: "taking-part", voice: voice())
            #expect(receipt.state == .withdrawn)
            #expect(try await fixture.number("select count(*) from exclusion") == 1)
            let again = try await fixture.ledger.refuseAgreement(purpose: "taking-part", voice: voice())
            #expect(again.state == .refused)
            let unknown = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.withdrawAgreement(purpose: "takingpart", voice: voice())
            }
            #expect(unknown?.code == .notFound)
        }
    }

    @Test func refusingAfterAnAgreementHasRunOutTakesNothingBack() async throws {
        try await withLedger { fixture in
            try await fixture.project()
            try await fixture.owner.execute(
                script: """
                    create or replace function plimsoll.clock() returns timestamptz language sql volatile
                        parallel restricted as $$ select clock_timestamp() + interval '91 days' $$;
                    select plimsoll.ensure_partitions(7);
                    """)
            let receipt = try await fixture.ledger.refuseAgreement(purpose: "taking-part", voice: voice())
            #expect(receipt.state == .refused)
            #expect(try await fixture.number("select count(*) from exclusion") == 0)
            let taken = try await fixture.ledger.withdrawAgreement(purpose: "taking-part", voice: voice())
            #expect(taken.state == .withdrawn)
            #expect(try await fixture.number("select count(*) from exclusion") == 1)
        }
    }

    @Test func whatWasRefusedAfterItHadRunOutIsErasedToo() async throws {
        try await withLedger { fixture in
            try await fixture.project()
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.owner.execute(
                script: """
                    create or replace function plimsoll.clock() returns timestamptz language sql volatile
                        parallel restricted as $$ select clock_timestamp() + interval '91 days' $$;
                    select plimsoll.ensure_partitions(7);
                    """)
            #expect(
                try await fixture.ledger.refuseAgreement(purpose: "taking-part", voice: voice()).state == .refused)
            let outcome = try await fixture.ledger.erase(purpose: nil, voice: voice())
            #expect(outcome.receipts.map(\.purpose) == ["taking-part"] && outcome.labels == 1)
            #expect(outcome.pseudonym != nil)
            #expect(try await fixture.number("select count(*) from kept_label") == 0)
        }
    }

    /// What each reader has of ann's one agreement; no hello where she is not warned.
    private struct Readings {
        let hello: EndingAgreement?
        let list: NoticeStanding
        let gate: StoredAgreement
        let plan: StoredAgreement
    }

    private func readings(_ fixture: LedgerFixture) async throws -> Readings {
        let ledger = fixture.ledger
        let ann = PersonID(try await fixture.number("select person_id from person where name = 'ann'"))
        let endings = try await ledger.news(of: ann, serial: "ab01").endings
        #expect(endings.count <= 1)
        let listed = try await ledger.agreements(of: "ann")
        let read = try await ledger.standing(of: "ann").person.agreements
        #expect(listed.count == 1 && read.count == 1)
        let frame = try await ledger.beginPlan("limits: {day-time: 2h}", project: nil, by: "op")
        let past = try await ledger.past(of: [ann], in: frame)
        return Readings(
            hello: endings.first, list: try #require(listed.first), gate: try #require(read.first),
            plan: try #require(past.first?.consents.last))
    }

    @Test func everyReaderSaysTheMomentAtWhichAnAnnouncedVersionEndsAnAgreement() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-06-10 12:00+02")
            try await fixture.project(people: ["ann"])
            let announced = try await fixture.ledger.publishNotice(
                noticeDraft("taking-part", version: 2, material: true), by: "op")
            let begins = announced.effectiveAt
            #expect(begins == Moment(rfc3339: "2026-06-24T12:00:00+02:00"))

            func expectItEndsThen(_ state: AgreementState) async throws {
                let now = try await readings(fixture)
                #expect(now.hello?.at == begins && now.hello?.isForNewVersion == true)
                let told = now.hello?.sentence ?? ""
                #expect(told.contains("ends on 2026-06-24") && !told.contains("silence"), "\(told)")
                #expect(told.contains("notice show taking-part --diff") && told.contains("from then on"), "\(told)")
                #expect(now.list.state == state && now.list.until == begins)
                #expect(now.list.endsIn == .seconds(10 * 86_400) && now.list.newVersionOf == "taking-part")
                for agreement in [now.gate, now.plan] {
                    #expect(agreement.state == state && agreement.until == begins)
                    #expect(agreement.endsAs == .invalidated)
                }
            }
            try await fixture.setClock("2026-06-14 12:00+02")
            try await expectItEndsThen(.given)
            // Nobody can agree to it ahead, and to agree to the old one again moves nothing.
            let early = await #expect(throws: LedgerError.self) {
                _ = try await fixture.give("ann", "taking-part", version: 2)
            }
            #expect(early?.code == .stale)
            try await fixture.give("ann", "taking-part", version: 1)
            try await expectItEndsThen(.renewed)

            try await fixture.setClock("2026-06-24 12:00+02")
            let ended = try await readings(fixture)
            #expect(ended.hello == nil && ended.list.state == .invalidated && ended.list.endsIn == nil)
            #expect(ended.list.until == begins && ended.gate.until == begins && ended.plan.until == begins)
            // Not renewed: nothing was in force.
            #expect(try await fixture.give("ann", "taking-part", version: 2).state == .given)
            let again = try await readings(fixture)
            let end = Moment(rfc3339: "2026-09-22T12:00:00+02:00")
            #expect(again.hello == nil && again.list.state == .given && again.list.newVersionOf == nil)
            #expect(again.list.until == end && again.gate.until == end && again.plan.until == end)
        }
    }

    @Test func aVersionThatChangesNothingMaterialEndsNoAgreementAndWarnsOfNone() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-06-10 12:00+02")
            try await fixture.project(people: ["ann"])
            _ = try await fixture.ledger.publishNotice(noticeDraft("taking-part", version: 2), by: "op")
            let end = try #require(Moment(rfc3339: "2026-09-08T12:00:00+02:00"))
            func expectItsTime(_ now: Readings) {
                #expect(now.list.until == end && now.list.newVersionOf == nil)
                for agreement in [now.gate, now.plan] {
                    #expect(agreement.until == end && agreement.endsAs == .expired)
                }
            }
            let before = try await readings(fixture)
            #expect(before.hello == nil && before.list.state == .given && before.list.endsIn == nil)
            expectItsTime(before)
            try await fixture.setClock("2026-08-29 12:00+02")
            let soon = try await readings(fixture)
            #expect(soon.hello?.at == end && soon.hello?.isForNewVersion == false)
            #expect(soon.hello?.sentence.contains("silence does not renew it") == true)
            #expect(soon.list.endsIn == .seconds(10 * 86_400))
            expectItsTime(soon)
            try await fixture.setClock("2026-09-08 12:00+02")
            let ended = try await readings(fixture)
            #expect(ended.hello == nil && ended.list.state == .expired)
            expectItsTime(ended)
        }
    }

    @Test func availableSaysNothingAboutWhyNot() async throws {
        try await withLedger { fixture in
            let people = ["ann", "bob", "cid", "dan", "eve", "fay"]
            try await fixture.project(people: people)
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(5))
            let ledger = fixture.ledger
            _ = try await ledger.refuseAgreement(purpose: "taking-part", voice: voice("bob"))
            _ = try await ledger.deny(.person("cid"), reason: "left", by: "op")
            try await ledger.revokeRole(.engineer, from: "dan", reason: "a test", by: "op")
            for key in ["t0", "t1", "t2"] { try await fixture.lease(key, to: "eve") }
            _ = try await ledger.enrolEngineer(
                "gus", zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            let engineers = try await Availability(ledger: ledger).engineers()
            #expect(engineers.filter(\.isAvailable).map(\.name) == ["ann", "fay"])
            #expect(engineers.count == 7)
        }
    }
}

actor Gathered {
    var all: [ExportedLabelRow] = []
    func append(_ more: [ExportedLabelRow]) { all += more }
}
