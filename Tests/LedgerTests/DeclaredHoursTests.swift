import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// Hours worked elsewhere, and the zone by which days are told.
@Suite struct DeclaredHoursTests {
    @Test func hoursElsewhereAreThePersonsWordAndOnTheRecord() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let number = try await fixture.personNumber("ann")
            #expect(try await ledger.declareHours(.seconds(12 * 3_600), by: "ann") == .zero)
            #expect(try await ledger.standing(of: "ann").person.declaredWeek == .seconds(12 * 3_600))
            #expect(try await fixture.personNumber("ann") == number + 1)
            // Said again, nothing is new.
            #expect(try await ledger.declareHours(.seconds(12 * 3_600), by: "ann") == .seconds(12 * 3_600))
            #expect(try await fixture.personNumber("ann") == number + 1)
            #expect(try await ledger.declareHours(.zero, by: "ann") == .seconds(12 * 3_600))
            for week in [Duration.seconds(-1), .seconds(168 * 3_600 + 1)] {
                #expect(await code { _ = try await ledger.declareHours(week, by: "ann") } == .invalid)
            }
            _ = try await ledger.declareHours(Ledger.declaredWeekMax, by: "ann")
            let declared = "select count(*) from chain_event where kind = 'person.hours-declared'"
            #expect(try await fixture.number(declared) == 3)
            // Operators read the chain, and not how many.
            #expect(
                try await fixture.number(
                    """
                    select count(*) from chain_detail join chain_event using (event_id)
                    where kind = 'person.hours-declared' and detail::text <> '{"actor":"ann","person":"ann"}'
                    """) == 0)
        }
    }

    @Test func theZoneBeforeCountsForEightDaysAndIsNotForgottenMeanwhile() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.setClock("2026-06-10 12:00+02")
            try await fixture.project(people: ["ann"])
            let number = try await fixture.personNumber("ann")
            func former() async throws -> String {
                let person = try await ledger.standing(of: "ann").person
                return "\(person.zone) \(person.formerZone?.name ?? "-")"
            }
            let same = try await ledger.setZone("Europe/Berlin", by: "ann")
            #expect(same.former == nil)
            #expect(try await fixture.personNumber("ann") == number)
            let until = try #require(Moment(rfc3339: "2026-06-18T12:00:00+02:00"))
            let changed = try await ledger.setZone("Asia/Tokyo", by: "ann")
            #expect(changed.former?.zone == "Europe/Berlin" && changed.former?.until == until)
            #expect(try await former() == "Asia/Tokyo Europe/Berlin")
            #expect(try await fixture.personNumber("ann") == number + 1)
            try await fixture.expectNoGaps()

            // A third would make the first forgotten; the one before is no third.
            try await fixture.setClock("2026-06-18 11:59:59+02")
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.setZone("America/New_York", by: "ann")
            }
            #expect(error?.code == .refused && error?.message.contains("2026-06-18T19:00:00+09:00") == true)
            #expect(error?.remedy?.contains("plimsoll me zone Europe/Berlin") == true)
            #expect(try await former() == "Asia/Tokyo Europe/Berlin")
            let back = try await ledger.setZone("Europe/Berlin", by: "ann")
            #expect(back.former?.zone == "Asia/Tokyo")
            #expect(try await former() == "Europe/Berlin Asia/Tokyo")
            #expect(await code { _ = try await ledger.setZone("America/New_York", by: "ann") } == .refused)
            // Eight days from the last change on.
            try await fixture.setClock("2026-06-26 11:59:58+02")
            #expect(await code { _ = try await ledger.setZone("America/New_York", by: "ann") } == .refused)
            try await fixture.setClock("2026-06-26 11:59:59+02")
            _ = try await ledger.setZone("America/New_York", by: "ann")
            #expect(try await former() == "America/New_York Europe/Berlin")
            let changes = "select count(*) from chain_event where kind = 'person.zone-changed'"
            #expect(try await fixture.number(changes) == 3)
        }
    }

    @Test func aZoneThatNobodyKnowsIsRefusedWithNearOnes() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.setZone("Europe/Lisboa", by: "ann")
            }
            #expect(error?.code == .invalid && error?.remedy?.contains("Europe/Lisbon") == true)
            let nothing = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.setZone("x'; drop table person", by: "ann")
            }
            #expect(nothing?.code == .invalid && nothing?.remedy?.contains("Europe/Berlin") == true)
            #expect(try await fixture.texts("select zone from person where name = 'ann'") == ["Europe/Berlin"])
        }
    }
}
