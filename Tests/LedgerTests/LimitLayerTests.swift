import Ledger
import PlimsollModel
import Postgres
import Testing

/// Limits of teams, projects and people, and raises.
@Suite struct LimitLayerTests {
    private func code(_ body: () async throws -> Void) async -> LedgerError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? LedgerError)?.code
        }
    }

    @Test func layersAreReadTogetherAndTighten() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let project = try await fixture.project(people: ["ann", "bob"])
            let before = try await ledger.epochVersion()
            try await ledger.setLimitLayer(.team("boss"), "day-time: 3h\n", by: "op")
            try await ledger.setLimitLayer(.project("puzzles"), "{day-time: 2h, open-leases: 1}", by: "op")
            #expect(try await ledger.epochVersion() == before + 2)
            let number = try await fixture.number("select max(n) from usage")
            try await ledger.setLimitLayer(.person("ann"), "{open-leases: 2, quiet-hours: none}", by: "ann")
            #expect(try await fixture.number("select max(n) from usage") == number + 1)
            for (scope, text) in [
                (LimitScope.team("boss"), "day-time: none"), (.team("boss"), "quiet-hours: none"),
                (.person("ann"), "span-max: 3"), (.project("puzzles"), "day-time: 5"),
            ] {
                #expect(await code { try await ledger.setLimitLayer(scope, text, by: "op") } == .invalid)
            }
            #expect(await code { try await ledger.setLimitLayer(.team("x"), "day-time: 1h", by: "op") } == .notFound)

            let ann = try #require(try await ledger.person(named: "ann"))
            let bob = try #require(try await ledger.person(named: "bob"))
            let layers = try await ledger.personLimitLayers(of: [ann.id, bob.id])
            #expect(layers[ann.id]?.team == "day-time: 3h\n" && layers[bob.id]?.team == "day-time: 3h\n")
            #expect(layers[ann.id]?.projects == [project.id: "{day-time: 2h, open-leases: 1}"])
            #expect(
                layers[ann.id]?.engineer == "{open-leases: 2, quiet-hours: none}" && layers[bob.id]?.engineer == nil)
            let limits = try #require(try layers[ann.id]?.limits(document: .defaults)).limits
            #expect(limits.openLeases == 2 && limits.dayTime == .hours(3) && limits.quietHours == nil)
            let inProject = try #require(try layers[ann.id]?.limits(document: .defaults, project: project.id)).limits
            #expect(inProject.openLeases == 1 && inProject.dayTime == .hours(2))

            try await ledger.clearLimitLayer(.team("boss"), by: "op")
            #expect(try await ledger.limitLayer(.team("boss")) == nil)
            // Whoever leaves a team leaves its limits.
            try await ledger.setLimitLayer(.team("boss"), "day-time: 1h", by: "op")
            _ = try await ledger.leaveProject("puzzles", person: "bob", reason: nil, by: "bob")
            #expect(try await ledger.personLimitLayers(of: [bob.id])[bob.id] == PersonLimitLayers(person: bob.id))
        }
    }

    @Test func aRaiseNeedsTwoPartiesAndStaysUnderTheCeiling() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let ask = "day-time: 5h\n"
            #expect(await code { _ = try await ledger.askRaise(ask, reason: "a sprint", by: "ann") } == .refused)
            _ = try await ledger.applyPolicy("ceiling: {day-time: 6h}\n", reason: "raises are possible", by: "op")
            #expect(await code { _ = try await ledger.askRaise(ask, reason: "", by: "ann") } == .invalid)
            #expect(await code { _ = try await ledger.askRaise("day-time: 7h", reason: "x", by: "ann") } == .refused)
            let raise = try await ledger.askRaise(ask, reason: "a sprint", by: "ann")
            #expect(raise.state == .asked && raise.agreedBy == nil)
            func dayTime() async throws -> String {
                let limits = try await ledger.effectiveLimits(for: "ann", viewer: .oneself)
                return limits.entries.filter { $0.key == "day-time" }.map { "\($0.value) \($0.source.rawValue)" }[0]
            }
            #expect(try await dayTime() == "4h shipped default")
            #expect(await code { _ = try await ledger.agreeRaise(raise.id, by: "ann") } == .refused)
            let agreed = try await ledger.agreeRaise(raise.id, by: "boss")
            #expect(agreed.state == .agreed && agreed.agreedBy == "boss")
            #expect(try await dayTime() == "5h raise")
            #expect(await code { _ = try await ledger.agreeRaise(raise.id, by: "boss") } == .refused)
            // Lowering oneself holds at once, also under a raise; a lower ceiling too.
            try await ledger.setLimitLayer(.person("ann"), "day-time: 2h", by: "ann")
            #expect(try await dayTime() == "2h engineer")
            try await ledger.clearLimitLayer(.person("ann"), by: "ann")
            _ = try await ledger.applyPolicy("ceiling: {day-time: 270m}\n", reason: "lower", by: "op")
            #expect(try await dayTime() == "270m raise")
            #expect(try await ledger.endRaise(raise.id, by: "ann").state == .ended)
            #expect(try await dayTime() == "4h shipped default")
            #expect(await code { _ = try await ledger.endRaise(raise.id, by: "ann") } == .conflict)
            #expect(try await ledger.raises().isEmpty)
            // Not in the database either.
            let error = await #expect(throws: PostgresError.self) {
                _ = try await fixture.owner.query(
                    Query(.unprepared("update limit_raise set agreed_by = person_id, agreed_at = clock()")))
            }
            #expect(error?.sqlState == "23514")
        }
    }

    @Test func aSupervisorSeesNothingOfThePerson() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann", "bob"])
            _ = try await ledger.applyPolicy("ceiling: {day-time: 6h}\n", reason: "raises are possible", by: "op")
            try await ledger.setLimitLayer(.team("boss"), "day-time: 3h", by: "op")
            try await ledger.setLimitLayer(.person("ann"), "{open-leases: 1, quiet-hours: none}", by: "ann")
            _ = try await ledger.agreeRaise(
                try await ledger.askRaise("day-time: 5h", reason: "x", by: "ann").id, by: "boss")
            let ann = try await ledger.effectiveLimits(for: "ann", viewer: .supervisor("boss"))
            let bob = try await ledger.effectiveLimits(for: "bob", viewer: .supervisor("boss"))
            #expect(ann == bob)
            let own = try await ledger.effectiveLimits(for: "ann", viewer: .oneself)
            #expect(own.limits.openLeases == 1 && own.limits.quietHours == nil && own.limits.dayTime == .hours(3))
            #expect(try await ledger.effectiveLimits(for: "ann", viewer: .operator("op")) == own)
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'limits.shown'") == 3)
            #expect(
                await code { _ = try await ledger.effectiveLimits(for: "ann", viewer: .supervisor("sue")) } == .refused)
        }
    }

    @Test func whatThisBuildCannotReadIsToldWithWhatToDo() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            func told() async throws -> String {
                let error = await #expect(throws: LedgerError.self) {
                    _ = try await ledger.effectiveLimits(for: "ann", viewer: .oneself)
                }
                let refused = try #require(error)
                #expect(refused.code == .fault)
                return refused.description
            }
            try await fixture.owner.execute(
                script: """
                    insert into limit_layer (scope, scope_id, document, set_by, set_at)
                        select 'person', person_id, 'break: soon', 'ann', clock() from person where name = 'ann'
                    """)
            let limits = try await told()
            #expect(limits.contains("limits of ann cannot be read by this build"), "\(limits)")
            #expect(limits.contains("upgrade the coordinator") && limits.contains("policy layer show"), "\(limits)")
            try await fixture.owner.execute(
                script: "insert into policy (document, author, reason) values ('limits: [', 'somebody', 'by hand')")
            let policy = try await told()
            #expect(policy.contains("policy version 2 cannot be read by this build"), "\(policy)")
            #expect(policy.contains("policy apply") && policy.contains("policy show --version 2"), "\(policy)")
            let diagnosis = try await ledger.diagnose().first { $0.name == "policy" }
            #expect(diagnosis?.remedy.contains("policy show --version 2") == true, "\(String(describing: diagnosis))")
        }
    }

    /// What an earlier build took is still read, and comes into force no more.
    @Test func parkedTimeWithoutAnEndStaysReadableAndIsAppliedNoMore() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.owner.execute(
                script: """
                    insert into policy (document, author, reason)
                    values ('limits: {parked-time: none}', 'op', 'of an earlier build')
                    """)
            #expect(try await ledger.policy().parsed().limits.parkedTime == .hours(72))
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.rollBackPolicy(to: 2, reason: "x", by: "op")
            }
            #expect(error?.code == .invalid && error?.message.contains("line 1, column 23") == true)
            #expect(error?.message.contains("write 72h") == true)
            #expect(error?.remedy?.contains("plimsoll policy show --version 2") == true)
        }
    }

    @Test func aPolicyThatStopsEveryoneIsMeantOrRefusedAndRollsBack() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let stop = "limits: {open-leases: 0}\n"
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.applyPolicy(stop, reason: "a fire", by: "op")
            }
            #expect(error?.code == .refused && error?.message.contains("open-leases is 0") == true)
            #expect(try await ledger.policy().version == 1)
            _ = try await ledger.applyPolicy(stop, reason: "a fire", stoppingEveryone: true, by: "op")
            let back = try await ledger.rollBackPolicy(to: 1, reason: "the fire is out", by: "ada")
            #expect(back.version == 3 && back.author == "ada" && back.reason == "the fire is out")
            #expect(try await ledger.policy(version: 1).document == back.document)
            #expect(
                await code { _ = try await ledger.rollBackPolicy(to: 2, reason: "x", by: "op") } == .refused)
            #expect(await code { _ = try await ledger.rollBackPolicy(to: 9, reason: "x", by: "op") } == .notFound)
            #expect(await code { _ = try await ledger.rollBackPolicy(to: 1, reason: "", by: "op") } == .invalid)
            #expect(try await ledger.policyHistory().map(\.version) == [3, 2, 1])
        }
    }
}
