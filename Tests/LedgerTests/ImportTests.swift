import Foundation
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

@Suite struct ImportTests {
    @Test func tasksGetContiguousIdsInFileOrderAndOneSpanForEachLaneAndSlot() async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 2, people: [])
            let mixed = tasks(5) + tasks(3, from: 5, priority: 7) + tasks(2, from: 8)
            let outcome = try await fixture.importTasks(mixed)
            #expect(outcome.imported == 10 && outcome.skipped == 0 && outcome.conflicts == 0)
            #expect(outcome.importID != nil)
            let keys = try await fixture.texts("select external_key from task order by task_id")
            #expect(keys == (0..<10).map { "t\($0)" })
            #expect(try await fixture.number("select max(task_id) - min(task_id) from task") == 9)
            #expect(try await fixture.number("select count(*) from span where fresh") == 4)
            #expect(
                try await fixture.number(
                    """
                    select count(*) from span s where exists (select from task t where t.lane_id = s.lane_id
                        and t.task_id = s.first_task) and exists (select from task t where t.lane_id = s.lane_id
                        and t.task_id = s.last_task)
                    """) == 4)
            #expect(try await fixture.number("select sum(slots)::bigint from tally") == 20)
            #expect(try await fixture.number("select tasks from import") == 10)
            #expect(try await fixture.number("select effort_seconds from task limit 1") == 60)
        }
    }

    @Test func theSameFileAgainAddsNothingAndAnotherPayloadIsAConflict() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            try await fixture.importTasks(tasks(5))
            let again = try await fixture.importTasks(tasks(5))
            #expect(again == ImportOutcome.of(imported: 0, skipped: 5))
            let more = try await fixture.importTasks(tasks(4, from: 3))
            #expect(more.imported == 2 && more.skipped == 2)
            #expect(try await fixture.number("select last_task - first_task + 1 from import order by 1 limit 1") == 2)
            #expect(
                try await fixture.texts("select external_key from task order by task_id") == (0..<7).map { "t\($0)" })
            var changed = tasks(2, from: 6)
            changed[0].payload = Array(#"{"n":"another"}"#.utf8)
            let clash = try await fixture.importTasks(changed)
            #expect(clash.conflicts == 1 && clash.conflictingKeys == ["t6"] && clash.imported == 0)
            #expect(try await fixture.number("select count(*) from task") == 7)
        }
    }

    @Test func aDryRunFindsTheSameAndChangesNothing() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            let outcome = try await fixture.ledger.importTasks(stream([tasks(5)], isDryRun: true), by: "op")
            #expect(outcome == ImportOutcome.of(imported: 5, skipped: 0))
            #expect(try await fixture.number("select count(*) from task") == 0)
            #expect(try await fixture.number("select count(*) from lane") == 0)
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.importTasks(stream([tasks(2), tasks(1)], isDryRun: true), by: "op")
            }
            #expect(error?.message.contains("“t0” (tasks 1 and 3)") == true)
        }
    }

    @Test func anyProblemImportsNothing() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            struct Cut: Error {}
            await #expect(throws: Cut.self) {
                _ = try await fixture.ledger.importTasks(stream([tasks(5)], failing: Cut()), by: "op")
            }
            let short = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.importTasks(stream([tasks(5)], total: 6), by: "op")
            }
            #expect(short?.message == "6 tasks were announced and 5 came")
            var problems: [(TaskDraft, String)] = []
            func bad(_ what: String, _ change: (inout TaskDraft) -> Void) {
                var task = tasks(1, from: 90)[0]
                change(&task)
                problems.append((task, what))
            }
            bad("key") { $0.key = "" }
            bad("severity") { $0.severity = 4 }
            bad("priority") { $0.priority = 101 }
            bad("effort") { $0.effortSeconds = 0 }
            bad("object") { $0.payload = Array("[1]".utf8) }
            bad("JSON") { $0.payload = Array("{\"a\":".utf8) }
            bad("gold") { $0.gold = Array(#"{"label":"z"}"#.utf8) }
            bad("twice") { $0.key = "t1" }
            for (task, what) in problems {
                let error = await #expect(throws: LedgerError.self, "\(what)") {
                    _ = try await fixture.importTasks(tasks(3) + [task])
                }
                #expect(
                    error?.code == .invalid && error?.message.contains(what) == true,
                    "\(what): \(String(describing: error))")
            }
            #expect(try await fixture.number("select count(*) from task") == 0)
            #expect(try await fixture.number("select count(*) from span") == 0)
            #expect(try await fixture.importTasks(tasks(3)).imported == 3)
        }
    }

    @Test func importsAtTheSameTimeNeitherMixNorLoseTasks() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            try await fixture.project("other", people: [])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<3 {
                    group.addTask { try await fixture.importTasks(tasks(400, from: number * 400)) }
                    group.addTask { try await fixture.importTasks(tasks(300, from: number * 200), project: "other") }
                }
                try await group.waitForAll()
            }
            #expect(try await fixture.number("select count(*) from task") == 1_200 + 700)
            #expect(
                try await fixture.number(
                    """
                    select count(*) from import i where i.tasks <> (select count(*) from task t
                        where t.project_id = i.project_id and t.task_id between i.first_task and i.last_task)
                    """) == 0)
            #expect(try await fixture.number("select sum(slots)::bigint from tally") == 1_900)
        }
    }

    @Test func manyTasksComeInAboutAsFastAsTheDatabaseTakesThem() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            let count = Int(ProcessInfo.processInfo.environment["PLIMSOLL_IMPORT_TASKS"] ?? "") ?? 20_000
            let filler = String(repeating: "x", count: 270)
            let batches = stride(from: 0, to: count, by: 1_000).map { first in
                (first..<min(first + 1_000, count)).map {
                    TaskDraft(
                        key: "t\($0)", kind: "puzzle", severity: 0, priority: 0,
                        payload: Array("{\"n\":\($0),\"text\":\"\(filler)\"}".utf8))
                }
            }
            let clock = ContinuousClock()
            let began = clock.now
            let outcome = try await fixture.ledger.importTasks(stream(batches), by: "op")
            let ours = clock.now - began
            #expect(outcome.imported == count)
            // The yardstick: COPY of the same rows into a table with the same indexes.
            try await fixture.owner.execute(
                script:
                    "create unlogged table source as select * from task; create table copy (like task including all)")
            let rows = Collected()
            _ = try await fixture.owner.copyOut("copy source to stdout (format binary)") { await rows.append($0) }
            let bytes = await rows.bytes
            let copyBegan = clock.now
            _ = try await fixture.owner.copyIn("copy copy from stdin (format binary)", bytes: bytes)
            let copied = clock.now - copyBegan
            print("import: \(count) tasks in \(ours), COPY alone in \(copied), ratio \(copied / ours)")
        }
    }
}

private actor Collected {
    var bytes: [UInt8] = []
    func append(_ more: [UInt8]) { bytes += more }
}

extension ImportOutcome {
    static func of(imported: Int, skipped: Int) -> ImportOutcome {
        ImportOutcome(importID: nil, imported: imported, skipped: skipped, conflicts: 0, conflictingKeys: [])
    }
}
