import PlimsollModel
import Postgres
import Testing

@testable import Ledger

/// What `doctor` says of the record (P11).
@Suite struct ChainDiagnosisTests {
    private func rows(
        link: Int64 = 10, linkAge: Duration = .seconds(5), waiting: Int64 = 0, oldest: Duration = .zero,
        head: Int64 = 10, headAge: Duration = .seconds(3)
    ) -> [DiagnosisRow] {
        Ledger.chainRows(
            link: link, linkAge: linkAge, waiting: waiting, oldest: oldest, head: head, headAge: headAge)
    }

    @Test func whatIsSealedAndSignedIsWell() {
        #expect(rows().map(\.state) == [.ok, .ok])
        #expect(rows()[0].finding.contains("10") && rows()[0].finding.contains("nothing waits"))
        #expect(rows(link: 0, linkAge: .zero, head: 0, headAge: .zero).map(\.state) == [.ok, .ok])
        // Nothing has happened for a day: the last head is old and covers everything.
        #expect(rows(linkAge: .hours(24), headAge: .hours(24)).map(\.state) == [.ok, .ok])
    }

    @Test func aSealerOrSignerThatIsBehindIsBad() {
        #expect(rows(waiting: 3, oldest: .seconds(10)).map(\.state) == [.ok, .ok])
        let behind = rows(waiting: 3, oldest: .seconds(11))
        #expect(behind.map(\.state) == [.failed, .ok] && !behind[0].remedy.isEmpty)
        let unsigned = rows(link: 12, linkAge: .seconds(61), headAge: .seconds(61))
        #expect(unsigned.map(\.state) == [.ok, .warning] && unsigned[1].finding.contains("2 sealed events"))
        #expect(rows(link: 12, linkAge: .seconds(30), headAge: .seconds(61)).map(\.state) == [.ok, .ok])
        #expect(rows(head: 0, headAge: .zero).map(\.state) == [.ok, .ok])
        #expect(rows(linkAge: .minutes(2), head: 0, headAge: .zero)[1].state == .warning)
    }

    @Test func itIsReadFromTheDatabase() async throws {
        try await withLedger { fixture in
            let start = try await fixture.owner.query(Query(.unprepared("select clock()::text")))[0].text(0)
            /// The clock stands, so that a busy machine makes nothing late.
            func stand(at moment: String) async throws {
                try await fixture.owner.execute(
                    script: """
                        create or replace function plimsoll.clock() returns timestamptz language sql volatile
                            parallel restricted as $$ select timestamptz '\(start)' + interval '\(moment)' $$
                        """)
            }
            try await stand(at: "0 s")
            try await fixture.project(people: ["ann"])
            // No coordinator runs: everything waits, and soon for too long.
            let waiting = try await fixture.number("select count(*) from chain_unsealed")
            #expect(waiting > 0)
            var rows = try await fixture.ledger.chainRows()
            #expect(rows[0].finding.contains("\(waiting) not sealed") && rows[0].state == .ok)
            try await stand(at: "1 minute")
            rows = try await fixture.ledger.chainRows()
            #expect(rows[0].state == .failed)
            #expect(try await fixture.ledger.diagnose().map(\.name).contains("chain head"))
        }
    }
}
