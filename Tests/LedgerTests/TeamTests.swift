import Ledger
import PlimsollModel
import Postgres
import Testing

/// Who answers for whom: selection records, teams and the span of control. Whatever is decided about somebody has a
/// named human, and a reason where it takes something away (P13).
@Suite struct TeamTests {
    private func code(_ body: () async throws -> Void) async -> LedgerError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? LedgerError)?.code
        }
    }

    private func names(_ range: ClosedRange<Int>) -> [NewEngineer] {
        range.map { NewEngineer(name: "p\($0)", zone: "UTC") }
    }

    @Test func onlyAHumanBeingWithTheOfficeDecides() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await ledger.createProject(draft(), by: "op")
            _ = try await ledger.enrolEngineer("ann", zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            try await ledger.grantRole(.reviewer, to: "rob", by: "op")
            try await ledger.grantRole(.supervisor, to: "sue", by: "op")
            func decided(by name: String, for person: String = "bob") async -> LedgerError.Code? {
                var selection = record
                selection.decidedBy = name
                let chosen = selection
                return await code {
                    _ = try await ledger.enrolEngineer(
                        person, zone: "UTC", projects: ["puzzles"], selection: chosen, by: "op")
                }
            }
            // A service, an engineer, a reviewer, and somebody about themselves.
            #expect(await decided(by: "coordinator-1") == .invalid)
            #expect(await decided(by: "ann") == .invalid)
            #expect(await decided(by: "rob") == .invalid)
            #expect(await decided(by: "sue", for: "sue") == .invalid)
            #expect(await decided(by: "sue") == nil)
            _ = try await ledger.deny(.person("sue"), reason: "left", by: "op")
            #expect(await decided(by: "sue", for: "cid") == .invalid)
            var unversioned = record
            unversioned.rule = "volunteers"
            let rule = unversioned
            #expect(
                await code {
                    _ = try await ledger.enrolEngineer(
                        "cid", zone: "UTC", projects: ["puzzles"], selection: rule, by: "op")
                } == .invalid)
        }
    }

    @Test func aTeamOfFiftyIsRefusedWholeAndNamesTheRule() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await ledger.createProject(draft(), by: "op")
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.enrolEngineers(
                    names(1...50), projects: ["puzzles"], selection: record, by: "op")
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("span-of-control: 50 of 20") == true, "\(String(describing: error))")
            #expect(try await fixture.number("select count(*) from person where name like 'p%'") == 0)
            #expect(try await fixture.number("select count(*) from enrolment") == 0)
            #expect(try await fixture.number("select count(*) from team") == 0)

            let twelve = try await ledger.enrolEngineers(
                names(1...12), projects: ["puzzles"], selection: record, by: "op")
            #expect(twelve.people.map(\.name) == names(1...12).map(\.name))
            #expect(twelve.span?.engineers == 12 && twelve.span?.warning == nil)
            #expect(try await ledger.diagnose().filter { $0.name == SpanOfControl.rule }.map(\.state) == [.ok])
            let thirteen = try await ledger.enrolEngineers(
                names(13...13), projects: ["puzzles"], selection: record, by: "op")
            #expect(thirteen.span?.warning?.contains("13 engineers, more than 12") == true)
            let row = try await ledger.diagnose().first { $0.name == SpanOfControl.rule }
            #expect(row?.state == .warning && row?.finding.contains("boss answers for 13") == true)
            // Who is in a team is not counted again.
            let again = try await ledger.enrolEngineers(
                names(1...13), projects: ["puzzles"], selection: record, by: "op")
            #expect(again.span == nil)
        }
    }

    /// At 19 of 20, two hundred at once: exactly one comes in.
    @Test func theSpanHoldsUnderARace() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await ledger.createProject(draft(), by: "op")
            _ = try await ledger.enrolEngineers(names(1...19), projects: ["puzzles"], selection: record, by: "op")
            // Over two teams of the one supervisor.
            _ = try await ledger.createTeam("second", supervisor: "boss", by: "op")
            let codes = await withTaskGroup(of: LedgerError.Code?.self) { group in
                for number in 100..<300 {
                    group.addTask {
                        var code: LedgerError.Code?
                        repeat {
                            code = await self.code {
                                _ = try await ledger.enrolEngineers(
                                    [NewEngineer(name: "p\(number)", zone: "UTC")], projects: ["puzzles"],
                                    selection: record, team: number.isMultiple(of: 2) ? "second" : nil, by: "op")
                            }
                            // Beside two hundred others some do not get a connection in time, and try again.
                        } while code == .unavailable || code == .busy
                        return code
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.count { $0 == nil } == 1)
            #expect(codes.count { $0 == .refused } == 199)
            #expect(try await fixture.number("select count(*) from team_member") == 20)
            #expect(try await fixture.number("select count(distinct person_id) from enrolment") == 20)
        }
    }

    @Test func teamsChangeHandsWithinTheSpan() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            _ = try await ledger.createProject(draft(), by: "op")
            try await ledger.grantRole(.supervisor, to: "sue", by: "op")
            #expect(await code { _ = try await ledger.createTeam("t", supervisor: "nobody", by: "op") } == .invalid)
            _ = try await ledger.createTeam("east", supervisor: "sue", by: "op")
            #expect(await code { _ = try await ledger.createTeam("east", supervisor: "sue", by: "op") } == .conflict)
            _ = try await ledger.enrolEngineers(
                names(1...15), projects: ["puzzles"], selection: record, team: "east", by: "op")
            _ = try await ledger.enrolEngineers(names(16...25), projects: ["puzzles"], selection: record, by: "op")
            #expect(try await ledger.teams().map(\.name) == ["boss", "east"])
            #expect(try await ledger.team("east").engineers == 15)
            // 25 would be too many, whichever way they come.
            #expect(await code { _ = try await ledger.setTeam("east", supervisor: "boss", by: "op") } == .refused)
            for number in 16...20 {
                _ = try await ledger.moveEngineer("p\(number)", to: "east", reason: "nearer", by: "op")
            }
            #expect(
                await code { _ = try await ledger.moveEngineer("p21", to: "east", reason: "x", by: "op") } == .refused)
            #expect(
                await code { _ = try await ledger.moveEngineer("p21", to: "east", reason: " ", by: "op") } == .invalid)
            #expect(try await ledger.teamMembers("east").count == 20)
            #expect(
                try await fixture.texts("select ended_by || ' ' || end_reason from past_team_member")
                    == Array(repeating: "op nearer", count: 5))
            let moved = try await ledger.memberships(of: "p16")
            #expect(moved.map(\.team) == ["east", "boss"] && moved[1].end?.by == "op" && moved[0].decidedBy == "op")
            // From one team to another of the same supervisor, who is full.
            _ = try await ledger.createTeam("west", supervisor: "sue", by: "op")
            #expect(try await ledger.moveEngineer("p1", to: "west", reason: "smaller teams", by: "op").engineers == 20)
            _ = try await ledger.moveEngineer("p1", to: "east", reason: "and back", by: "op")
            // Not by enrolling in another team either.
            #expect(
                await code {
                    _ = try await ledger.enrolEngineers(
                        names(21...21), projects: ["puzzles"], selection: record, team: "east", by: "op")
                } == .conflict)
            #expect(
                await code {
                    _ = try await ledger.moveEngineer("p21", to: "nowhere", reason: "x", by: "op")
                } == .notFound)
        }
    }

    @Test func leavingEndsLeasesAndKeepsTheRecord() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.project("others", people: ["ann"])
            try await fixture.importTasks(tasks(3))
            try await fixture.importTasks(tasks(1), project: "others")
            try await fixture.lease("t0", to: "ann")
            try await fixture.lease("t1", to: "ann")
            try await fixture.lease("t2", to: "bob")
            try await fixture.lease("t0", to: "ann", project: "others")
            let left = try await ledger.leaveProject("puzzles", person: "ann", reason: nil, by: "ann")
            #expect(left.leasesEnded == 2 && left.remaining == ["others"])
            #expect(try await fixture.number("select count(*) from lease") == 2)
            #expect(
                try await fixture.texts("select how from lease_history") == ["left", "left"])
            #expect(try await fixture.number("select count(*) from span where first_task <= last_task") > 0)
            #expect(try await fixture.number("select count(*) from team_member") == 2)
            #expect(
                await code {
                    _ = try await ledger.leaveProject("puzzles", person: "ann", reason: nil, by: "ann")
                } == .notFound)
            // Somebody else needs a reason.
            #expect(
                await code {
                    _ = try await ledger.leaveProject("others", person: "ann", reason: nil, by: "op")
                } == .invalid)
            let last = try await ledger.leaveProject("others", person: "ann", reason: "the project shrinks", by: "op")
            #expect(last.leasesEnded == 1 && last.remaining.isEmpty)
            #expect(try await fixture.number("select count(*) from team_member") == 1)
            let kept = try await ledger.selections(of: "ann")
            #expect(kept.map(\.project) == ["others", "puzzles"])
            #expect(kept.allSatisfy { $0.record == record })
            #expect(kept.map(\.end?.by) == ["op", "ann"])
            #expect(kept.map(\.end?.reason) == ["the project shrinks", nil])
            // And in again, with a new record.
            _ = try await ledger.enrolEngineer("ann", zone: nil, projects: ["puzzles"], selection: record, by: "op")
            #expect(try await ledger.selections(of: "ann").map { $0.end == nil } == [true, false, false])
            #expect(
                try await fixture.texts("select kind from chain_event where kind like 'engineer.left'").count == 2)
        }
    }
}
