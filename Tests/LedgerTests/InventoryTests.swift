import Foundation
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P10: only listed data, for no longer than listed.
@Suite struct InventoryTests {
    @Test func everyColumnOfTheDatabaseIsListed() async throws {
        let inventory = try Inventory.shipped()
        var listed: [String: [String]] = inventory.otherTables
        for table in inventory.tables {
            #expect(listed[table.name] == nil, "\(table.name) is listed twice")
            listed[table.name] = table.columnNames
        }
        try await withLedger { fixture in
            let rows = try await fixture.texts(
                """
                select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
                where c.relnamespace = 'plimsoll'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
                    and not c.relispartition and a.attnum > 0 and not a.attisdropped
                """)
            let live = Set(rows)
            let known = Set(listed.flatMap { table, columns in columns.map { "\(table).\($0)" } })
            #expect(
                live.subtracting(known).sorted() == [],
                "not in Schema/inventory/inventory.json: list each with what it is for, or among those without people")
            #expect(known.subtracting(live).sorted() == [], "listed, and not in the database")
            #expect(listed.values.allSatisfy { Set($0).count == $0.count })
        }
    }

    /// A column that says who somebody is cannot hide among those without people.
    @Test func noTableWithoutPeopleSaysWho() throws {
        let inventory = try Inventory.shipped()
        for (table, columns) in inventory.otherTables where table != "kept_label" {
            #expect(
                !columns.contains("person_id") && !columns.contains("actor") && !columns.contains("zone"), "\(table)")
            for column in columns { #expect(!column.hasSuffix("_by"), "\(table).\(column)") }
        }
        for table in inventory.tables {
            #expect(!table.purpose.isEmpty && !table.kept.isEmpty && !table.readBy.isEmpty && !table.columns.isEmpty)
            #expect(table.person.map { table.columns.map(\.name).contains($0) } ?? true, "\(table.name)")
            #expect(table.actors.allSatisfy(table.columns.map(\.name).contains), "\(table.name)")
            #expect(table.person != nil || !table.actors.isEmpty || table.name == "export_drop", "\(table.name)")
            #expect(table.columns.allSatisfy { !$0.what.isEmpty }, "\(table.name)")
            #expect(!table.plain.contains("person_id"), "\(table.name)")
        }
    }

    /// Rows now, and the clock moved to when each table's time is over: nothing of them is left, anywhere, and what is
    /// newer is.
    @Test func nothingIsKeptPastItsTime() async throws {
        let inventory = try Inventory.shipped()
        let limited = inventory.tables.filter { $0.days != nil }
        #expect(limited.count >= 8)
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(1))
            try await addRows(fixture, 1)
            for table in limited {
                #expect(try await fixture.number("select count(*) from \(table.name)") > 0, "\(table.name)")
            }
            let longest = limited.compactMap { $0.days?.count }.max() ?? 0
            for days in Set(limited.compactMap { $0.days?.count }).sorted() {
                // A day more than the limit: partitions go by whole days.
                try await moveClock(fixture, toDays: days + 2)
                _ = try await fixture.ledger.ensurePartitions()
                try await addRows(fixture, Int64(days))
                for table in HistoryTable.allCases {
                    while try await fixture.ledger.dropOldPartition(of: table) != nil {}
                }
                try await fixture.ledger.forgetPast()
                for table in limited {
                    guard let limit = table.days else { continue }
                    let isPast = "\(limit.after) < (clock() - interval '\(limit.count + 1) days')"
                    #expect(
                        try await fixture.number("select count(*) from \(table.name) where \(isPast)") == 0,
                        "\(table.name) after \(days) days")
                    #expect(
                        try await fixture.number("select count(*) from \(table.name) where not \(isPast)") > 0,
                        "\(table.name) after \(days) days")
                }
            }
            #expect(longest == 366)
            // P11: that answers may have left with an export that was never sealed is kept as long as of a sealed one.
            try await fixture.owner.execute(
                script: """
                    insert into export (project_id, purpose, cut_at, pseudonym_key, exported_by, finished_at)
                        select project_id, 'x', clock() - interval '400 days', '\\x00', 'op', finished
                        from project, unnest(array[null, clock()]) finished;
                    insert into export_person select x.export_id, p.person_id, 1, 1 from export x, person p;
                    """)
            let recorded = try await fixture.number("select count(*) from export_person")
            try await fixture.ledger.forgetPast()
            #expect(recorded > 0)
            #expect(try await fixture.number("select count(*) from export_person") == recorded)
        }
    }

    private func addRows(_ fixture: LedgerFixture, _ n: Int64) async throws {
        let ann = "(select person_id from person where name = 'ann')"
        try await fixture.owner.execute(
            script: """
                insert into certificate values ('a\(n)', \(ann), 'spiffe://x/engineer/ann', clock(), clock(), clock(), 'op');
                insert into enrolment_token values ('\\x\(String(format: "%04x", n))', \(ann), clock(), clock(), null);
                insert into delivery_failure select task_id, \(n), \(ann), 'expired', clock() from task;
                insert into contribution select project_id, date_trunc('hour', clock()), \(ann) from project
                    on conflict do nothing;
                insert into read_access (person_id, reader, what, read_on)
                    values (\(ann), 'op', 'engineer-list', clock()::date) on conflict do nothing;
                insert into usage select \(ann), max(n) + 1, clock(), clock()::date, 0, 1 from usage;
                insert into lease_history select \(ann), \(n), task_id, 1, lane_id, clock(), clock(), 'label' from task;
                insert into decision values (\(ann), clock(), 'break', '1', '2', null);
                insert into time_correction (person_id, what, starts, ends, recorded, reason, asked_at)
                    values (\(ann), 'add', clock() - interval '1 hour', clock(), '{}', '', clock());
                insert into throughput_look (person_id, reader_id, reason, looked_at)
                    select \(ann), person_id, 'planning', clock() from person where name = 'boss';
                """)
    }

    private func moveClock(_ fixture: LedgerFixture, toDays days: Int) async throws {
        try await fixture.owner.execute(
            script: """
                create or replace function clock() returns timestamptz language sql volatile parallel restricted
                    as $$ select clock_timestamp() + interval '\(days) days' $$
                """)
    }
}
