import Foundation
import GRPCCore
import Identity
import Ledger
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import Testing

@testable import Gateway

extension OverTLS {
    /// What a policy would do, asked over mutual TLS of weeks of real rows.
    @Suite struct PlanServiceTests {
        private static let tighter = "limits: {kind-day: 60m, day-time: 2h}"

        private func figures(_ rows: [Plimsoll_V1_PlanRefused]) -> [String] {
            rows.map { "\($0.rule) \($0.figure.inForce.value) \($0.figure.proposed.value)" }
        }

        @Test func `forty people who worked the same, by hand`() async throws {
            try await PlanDeployment.with(people: 40) { office in
                let (plan, progress) = try await office.plan(Self.tighter)
                #expect(plan.inForce == 1 && plan.inForceDocument.contains("day-time: 4h"))
                #expect(plan.asOfMicroseconds == 1_774_864_800_000_000)
                #expect(plan.untilMicroseconds == 1_774_828_800_000_000)
                #expect(plan.smallestGroup == 5 && plan.plansLeft == 15)
                #expect(progress.map(\.done) == [0] && progress.allSatisfy { $0.total == 41 })

                let all = plan.capacity[0]
                #expect(plan.capacity.map(\.project) == ["", "few", "puzzles"])
                #expect(all.people.value == 40 && all.people.step == 5)
                #expect(all.mayBeLeased.inForce.value == 40 && all.mayBeLeased.proposed.value == 40)
                // Four hours each, two under the proposed one; the four who add most add sixteen.
                #expect(all.hoursToday.inForce.value == 160 && all.hoursToday.inForce.step == 20)
                #expect(all.hoursToday.proposed.value == 80)
                // Twenty hours each; six days of two, then the rest of a week; to the nearest fifty.
                #expect(all.hoursThisWeek.inForce.value == 800 && all.hoursThisWeek.proposed.value == 500)

                // Ten of the twenty leases of each are within an hour of one kind.
                #expect(plan.leases.value == 800 && plan.leases.step == 100)
                #expect(figures(plan.refused) == ["kind-day 0 400"])
                #expect(plan.refusedInAll.proposed.value == 400)

                // Two hours and three; of those three, half an hour in breaks, or twenty minutes and forty more;
                // in all is the sum of what is shown.
                #expect(plan.hours.value == 200)
                #expect(figures(plan.beyond) == ["day-time 0 25", "break 20 14"])
                #expect(plan.beyondInAll.inForce.value == 20 && plan.beyondInAll.proposed.value == 39)
            }
        }

        @Test func `a project of three tells nothing, and one by its name the same as beside others`() async throws {
            try await PlanDeployment.with(people: 12) { office in
                let (plan, _) = try await office.plan(Self.tighter)
                let few = plan.capacity[1]
                for figure in [
                    few.people, few.mayBeLeased.inForce, few.mayBeLeased.proposed, few.hoursToday.inForce,
                    few.hoursThisWeek.proposed,
                ] {
                    #expect(!figure.hasValue && figure.hidden == "too few people")
                }
                let (only, _) = try await office.plan(Self.tighter, project: "few")
                #expect(only.capacity.map(\.project) == ["few"] && only.capacity[0] == few)
                #expect(!only.hours.hasValue && !only.leases.hasValue && !only.beyondInAll.proposed.hasValue)
                let (puzzles, _) = try await office.plan(Self.tighter, project: "puzzles")
                #expect(puzzles.capacity == [plan.capacity[2]] && puzzles.refused == plan.refused)
                // The same document is no further plan.
                #expect(puzzles.plansLeft == 15)
                let error = await #expect(throws: RPCError.self) {
                    _ = try await office.plan(Self.tighter, project: "nowhere")
                }
                #expect(error?.code == .notFound)
            }
        }

        @Test func `who plans is on the record, people see it, and no plan names anybody`() async throws {
            try await PlanDeployment.with(people: 12) { office in
                let (plan, _) = try await office.plan(Self.tighter)
                #expect(!plan.textFormatString().contains("worker-"))
                #expect(
                    try await office.number("select count(*) from chain_event where kind = 'policy.planned'") == 1)
                #expect(
                    try await office.number(
                        """
                        select count(*) from chain_detail where actor = 'olga' and detail ->> 'in_force' = '1'
                            and detail ->> 'document' like '%kind-day: 1h%'
                        """) == 1)
                _ = try await office.plan(Self.tighter, project: "few")
                func seen(_ name: String) async throws -> [String] {
                    try await office.ledger.access(of: name).map { "\($0.what) \($0.by) \($0.on) \($0.detail)" }
                }
                let everybody = "policy-plan olga 2026-03-30 of everybody"
                #expect(try await seen("worker-9") == [everybody])
                #expect(try await seen("worker-1") == [everybody, "policy-plan olga 2026-03-30 of yours"])
                for role in [Role.engineer, .supervisor, .reviewer] {
                    let error = await #expect(throws: RPCError.self) {
                        _ = try await office.plan(Self.tighter, as: "worker-1", role)
                    }
                    #expect(error?.code == .permissionDenied)
                }
                #expect(
                    try await office.number("select count(*) from chain_event where kind = 'policy.planned'") == 2)
            }
        }

        @Test func `a document that does not parse is refused with its place, one too many for a day too`() async throws
        {
            try await PlanDeployment.with(people: 6) { office in
                for (document, words) in [
                    ("limits: {day-time: 5}", "line 1, column"), ("limits: {break: 10s}", "break is below 1m"),
                ] {
                    let error = await #expect(throws: RPCError.self) { _ = try await office.plan(document) }
                    #expect(error?.code == .invalidArgument && error?.message.contains(words) == true, "\(words)")
                }
                // All of them, over the wire too.
                let several = await #expect(throws: RPCError.self) {
                    _ = try await office.plan("limits:\n  day-time: 5\n  k: 1\n  break: none\n")
                }
                for place in ["line 2, column 13: ", "\nline 3, column 3: “k”", "\nline 4, column 3: "] {
                    #expect(several?.message.contains(place) == true, "\(several as Any)")
                }
                for minutes in 1...16 {
                    let (plan, _) = try await office.plan("limits: {kind-day: \(60 + minutes)m}")
                    #expect(plan.plansLeft == UInt32(16 - minutes))
                }
                let error = await #expect(throws: RPCError.self) { _ = try await office.plan(Self.tighter) }
                #expect(error?.code == .failedPrecondition && error?.message.contains("16 policies") == true)
                // One of them again is none.
                _ = try await office.plan("# once more\nname: again\nlimits: {kind-day: 70m}")
            }
        }

        /// As the demonstration's policy has it; whatever is in force can be shown, changed and planned.
        @Test func `a break of seconds is planned where one is in force, and no shorter one`() async throws {
            try await PlanDeployment.with(people: 6) { office in
                let inForce = try await office.ledger.applyPolicy(
                    "limits: {break: 20s}", reason: "a demonstration", by: "olga")
                for document in [inForce.document, "limits: {break: 20s, day-time: 2h}", "limits: {break: 30s}"] {
                    #expect(try await office.plan(document).plan.inForce == inForce.version)
                }
                let error = await #expect(throws: RPCError.self) {
                    _ = try await office.plan("limits: {break: 19s}")
                }
                #expect(error?.code == .invalidArgument)
                #expect(
                    error?.message.contains("break is below 20s, which is not replayed; plan it with break at 20s")
                        == true)
            }
        }

        /// Nothing waits for a plan, and a plan for nothing but another plan's record.
        @Test func `a plan goes on while people are locked and the epoch is held`() async throws {
            try await PlanDeployment.with(people: 12) { office in
                try await office.owner.execute(script: "begin; select person_id from person for update;")
                try await office.owner.execute(
                    script: "select pg_advisory_xact_lock(\(EpochLock.key));")
                let (plan, _) = try await office.plan(Self.tighter)
                try await office.owner.execute(script: "rollback;")
                #expect(plan.leases.value == 200)
            }
        }
    }
}

extension OverTLS {
    /// How long a plan takes and what it keeps in memory, in a deployment of PLIMSOLL_PLAN_PEOPLE people (default: 60),
    /// each with 28 days of leased time and a week of leases, no two the same.
    @Suite struct PlanVolumeTests {
        private static let people = ProcessInfo.processInfo.environment["PLIMSOLL_PLAN_PEOPLE"].flatMap(Int.init) ?? 60

        /// Five days of 24 leases of 6 to 9 minutes, and before them three weeks of days of four stretches.
        private static let varied = """
            insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
                select p.person_id, p.person_id * 1000 + d * 24 + i, i + 1, 1, l.lane_id, s.start,
                    s.start + (6 + (p.person_id + i) % 4) * interval '1 minute', 'label'
                from person p, generate_series(0, 4) d, generate_series(0, 23) i
                join lane l on l.kind = case when i % 3 = 2 then 'rating' else 'puzzle' end
                    and l.project_id = (select project_id from project where name = 'puzzles')
                cross join lateral (
                    select timestamptz '2026-03-23 08:00+00' + d * interval '1 day' + p.person_id % 120 * interval '1 minute'
                        + i * interval '9 minutes' + (i / 5) * interval '12 minutes' as start) s
                where p.name like 'worker-%';
            insert into work_interval (person_id, kind, severity, starts, ends)
                select person_id, kind, 0, lower(m), upper(m) from (
                    select h.person_id, l.kind, unnest(range_agg(tstzrange(h.granted_at, h.at))) m
                    from lease_history h join lane l using (lane_id) group by 1, 2) x
                union all
                select p.person_id, '', 0, s.start, s.start + (30 + p.person_id % 40) * interval '1 minute'
                from person p, generate_series(1, 15) d, generate_series(0, 3) i
                cross join lateral (
                    select timestamptz '2026-03-02 08:00+00' + (d + d / 5 * 2) * interval '1 day'
                        + i * interval '80 minutes' as start) s
                where p.name like 'worker-%';
            analyze;
            """

        @Test func `a plan of many people takes seconds and keeps figures alone`() async throws {
            try await PlanDeployment.with(people: Self.people, fill: Self.varied) { office in
                let before = Self.memoryKilobytes("VmRSS")
                let start = ContinuousClock.now
                let (plan, progress) = try await office.plan("limits: {kind-day: 90m, day-time: 150m}")
                let time = ContinuousClock.now - start
                let peak = Self.memoryKilobytes("VmHWM")
                let again = ContinuousClock.now
                _ = try await office.plan("limits: {kind-day: 91m, day-time: 150m}")
                print(
                    "plan: \(Self.people) people, \(plan.leases.value) leases, \(plan.hours.value) hours: \(time), memory "
                        + "from \(before) to \(peak) kB; the day's second: \(ContinuousClock.now - again)")
                let leases = UInt64(Self.people * 5 * 24)
                #expect(
                    plan.leases.value + plan.leases.step >= leases && plan.leases.value <= leases + plan.leases.step)
                // In pieces, however many there are.
                #expect(progress.count == (Self.people + 1 + 49) / 50)
                #expect(plan.refused.contains { $0.rule == "kind-day" && $0.figure.proposed.hasValue })
                #expect(plan.beyond.contains { $0.rule == "day-time" && $0.figure.proposed.hasValue })
                // No person's past is kept: what grows is some figures of each.
                #expect(peak - before < 200_000 + Self.people * 20)
            }
        }

        private static func memoryKilobytes(_ field: String) -> Int {
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix(field + ":") } ?? ""
            return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
        }
    }
}
