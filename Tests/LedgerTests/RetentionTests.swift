import Glibc
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P10: no longer than listed. Each thing that is kept for a limited time has something in it that is nowhere else, and
/// the whole database is searched for that, as whoever gets hold of a backup would.
@Suite struct RetentionTests {
    /// Kept for a time that the inventory tells in words alone.
    private static let keptInWords = ["work_interval", "work_day", "time_correction_answer"]

    @Test func whatIsPastItsTimeIsNowhereInTheDatabase() async throws {
        var kept: [String: Int] = [:]
        for table in try Inventory.shipped().tables { kept[table.name] = table.days?.count }
        let day = try #require(LocalDay("2026-06-10"))
        let first = KeptThings(number: 1, day: day, kept: kept)
        let second = KeptThings(number: 2, day: day.advanced(by: 2), kept: kept)
        let canaries = first.canaries + second.canaries
        #expect(
            Set(kept.keys).union(Self.keptInWords).subtracting(canaries.map(\.table)).sorted() == [],
            "kept for a limited time, and nothing in it is looked for")
        try await withLedger { fixture in
            try await fixture.setClock(first.clock(0) + "Z")
            try await fixture.project(people: ["ann", "bob", "cleo", "dora"])
            try await fixture.importTasks(tasks(1))
            for things in [first, second] {
                try await fixture.setClock(things.clock(0) + "Z")
                try await things.fill(fixture)
                // Leased time is merged once it is an hour old.
                try await look(fixture, at: things.clock(0, "13:30:00"), for: canaries)
            }
            // The first ones' last moment and the next; the second ones are two days newer and still there.
            var clocks = Set(first.canaries.flatMap { [$0.until, $0.gone] })
            clocks.formUnion(second.canaries.map(\.gone).max().map { [$0] } ?? [])
            for clock in clocks.sorted() { try await look(fixture, at: clock, for: canaries) }
            #expect(try await fixture.number("select count(*) from work_interval") == 0)
            #expect(try await fixture.number("select count(*) from work_day") == 0)
            try await fixture.expectNoGaps()
        }
    }

    /// Lets a coordinator's housekeeping run at this time, and searches what is left.
    private func look(_ fixture: LedgerFixture, at clock: String, for canaries: [Canary]) async throws {
        try await fixture.setClock(clock + "Z")
        try await keepHouse(fixture.ledger)
        let dump = try DatabaseDump.text(of: fixture.conninfo)
        for canary in canaries {
            let isThere = strstr(dump, canary.word) != nil
            if canary.from <= clock, clock <= canary.until {
                #expect(isThere, "\(canary.table): \(canary.word) went before \(clock)")
            }
            if clock >= canary.gone { #expect(!isThere, "\(canary.table): \(canary.word) is still there at \(clock)") }
        }
    }

    /// What a coordinator does every some minutes, in its order.
    private func keepHouse(_ ledger: Ledger) async throws {
        _ = try await ledger.ensurePartitions()
        for table in HistoryTable.allCases { while try await ledger.dropOldPartition(of: table) != nil {} }
        try await ledger.ageWork()
        try await ledger.forgetPast()
    }
}

/// Something to look for. Clocks are texts of one form, so that the later one is the greater one.
private struct Canary: Sendable {
    let table: String
    let word: String
    /// From the first of these clocks to the second it must be there; in between nothing is said.
    let from: String
    let until: String
    /// From this clock on it must be nowhere.
    let gone: String
}

/// Rows of one day's noon in every table that keeps something for a limited time.
private struct KeptThings: Sendable {
    /// One digit, and not 0: fractions of a second end with it.
    let number: Int
    let day: LocalDay
    /// Days that the inventory names, by table.
    let kept: [String: Int]

    private static let intervalDays = 28
    private static let kindDays = 9
    private static let totalDays = 366
    private static let noon = "12:00:00"

    /// A clock so many days later (UTC).
    func clock(_ days: Int, _ time: String = Self.noon) -> String { "\(day.advanced(by: days)) \(time)" }

    /// A fraction of a second that nothing else has.
    private func fraction(_ place: Int) -> String { "1\(place)00\(number)" }
    private func moment(_ time: String, _ place: Int) -> String { "\(day) \(time).\(fraction(place))Z" }
    private func moment(_ place: Int) -> String { moment(Self.noon, place) }
    /// What is left of it in any zone of whole hours.
    private func word(_ time: String, _ place: Int) -> String { "\(time.suffix(5)).\(fraction(place))" }
    private func word(_ place: Int) -> String { word(Self.noon, place) }
    private func total(_ seconds: Int) -> String { "\(day)\t\(seconds)" }

    /// 12:00:00 less this is 10:46 and some seconds, which no other total of a date has.
    private var annSeconds: Int { 4_417 + number }
    private var bobSeconds: Int { 4_427 + number }
    private func begin(_ seconds: Int) -> String { "10:46:\(4_440 - seconds)" }

    var canaries: [Canary] {
        var all = rows("certificate", 11, "canary-certificate-\(number)")
        all += rows("enrolment_token", 12, "ca11ab1e0\(number)")
        all += rows("delivery_failure", 13)
        all += rows("contribution", 14)
        all += rows("throughput_look", 15, "canary-look-\(number)")
        all += days("read_access", kept["read_access"] ?? 0, from: begun, "canary-reader-\(number)")
        all += partitions("decision", word(16), "canary-decision-\(number)")
        all += partitions("lease_history", word("11:40:00", 17), word(18))
        // Number and count of one who was given no time, and time of another, which is in work_interval as well.
        all += partitions("usage", word(19), total(31_337 + number))
        all += partitions("usage", word(begin(annSeconds), 21), word(22), "canary-kind-of-usage-\(number)")
        all += intervals(Self.kindDays, "canary-kind-\(number)")
        all += intervals(Self.intervalDays, word(begin(bobSeconds), 23), word(24))
        // Leased time becomes totals when its intervals go.
        let folded = clock(Self.intervalDays, "12:00:01")
        all += days("work_day", Self.totalDays, from: folded, total(annSeconds), total(bobSeconds))
        // Added time is over at 11:58:17 and a fraction; its moments are in work_interval as well.
        all += corrections("time_correction", "canary-added-\(number)", "canary-asked-\(number)")
        all += corrections("time_correction", word("11:50:19", 25), word("11:58:17", 26))
        all += corrections("time_correction_answer", "canary-answer-\(number)")
        return all
    }

    private var begun: String { clock(0, "13:30:00") }

    /// Of rows that go one by one, with the moment that counts.
    private func rows(_ table: String, _ place: Int, _ words: String...) -> [Canary] {
        let days = kept[table] ?? 0
        return ([word(place)] + words).map {
            Canary(table: table, word: $0, from: begun, until: clock(days), gone: clock(days, "12:00:01"))
        }
    }

    /// Of rows that have a date alone.
    private func days(_ table: String, _ days: Int, from: String, _ words: String...) -> [Canary] {
        words.map {
            Canary(table: table, word: $0, from: from, until: clock(days), gone: clock(days + 1, "00:00:00"))
        }
    }

    private func intervals(_ days: Int, _ words: String...) -> [Canary] {
        words.map {
            Canary(table: "work_interval", word: $0, from: begun, until: clock(days), gone: clock(days, "12:00:01"))
        }
    }

    private func corrections(_ table: String, _ words: String...) -> [Canary] {
        let days = kept["time_correction"] ?? 0
        return words.map {
            Canary(table: table, word: $0, from: begun, until: clock(days, "11:58:17"), gone: clock(days))
        }
    }

    /// Of tables that go by the whole day.
    private func partitions(_ table: String, _ words: String...) -> [Canary] {
        let days = kept[table] ?? 0
        return words.map {
            Canary(table: table, word: $0, from: begun, until: clock(days), gone: clock(days + 1, "00:00:00"))
        }
    }

    func fill(_ fixture: LedgerFixture) async throws {
        func person(_ name: String) -> String { "(select person_id from person where name = '\(name)')" }
        try await fixture.owner.execute(
            script: """
                insert into certificate (serial, person_id, identity, not_before, not_after, issued_by)
                    values ('ca\(number)', \(person("ann")), 'spiffe://test/engineer/ann/worker/canary-certificate-\(number)',
                        '\(day)', '\(moment(11))', 'op');
                insert into enrolment_token (hash, person_id, expires_at)
                    values ('\\xca11ab1e0\(number)', \(person("ann")), '\(moment(12))');
                insert into delivery_failure (task_id, fence, person_id, how, failed_at)
                    select task_id, \(number), \(person("ann")), 'expired', '\(moment(13))' from task;
                insert into contribution (project_id, hour, person_id)
                    select project_id, '\(moment(14))', \(person("ann")) from project;
                insert into throughput_look (person_id, reader_id, reason, looked_at)
                    values (\(person("bob")), \(person("boss")), 'canary-look-\(number)', '\(moment(15))');
                insert into read_access (person_id, reader, what, read_on)
                    values (\(person("bob")), 'canary-reader-\(number)', 'engineer-list', '\(day)');
                insert into decision (person_id, at, rule, value, bound)
                    values (\(person("bob")), '\(moment(16))', 'break', 'canary-decision-\(number)', '50m');
                insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
                    select \(person("bob")), \(number), task_id, 1, lane_id, '\(moment("11:40:00", 17))', '\(moment(18))',
                        'label' from task;
                insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                    select person_id, max(n) + 1, '\(moment(19))', '\(day)', \(31_337 + number), 7 from usage
                    where person_id = \(person("cleo")) group by person_id;
                insert into work_interval (person_id, kind, severity, starts, ends)
                    values (\(person("bob")), 'canary-kind-\(number)', 2, '\(moment(begin(bobSeconds), 23))',
                        '\(moment(24))');
                """)
        try await fixture.worked(
            "ann", moment(begin(annSeconds), 21), moment(22), kind: "canary-kind-of-usage-\(number)")
        // Said as people say it, so that what the chain has of it is searched as well.
        let stretch = (from: moment("11:50:19", 25), to: moment("11:58:17", 26))
        _ = try await fixture.ledger.addTime(
            CorrectionDraft(from: stretch.from, to: stretch.to, reason: "canary-added-\(number)"), by: "dora")
        let asked = try await fixture.ledger.askTimeRemoval(
            CorrectionDraft(from: stretch.from, to: stretch.to, reason: "canary-asked-\(number)"), by: "dora")
        try await fixture.owner.execute(
            script: """
                insert into time_correction_answer (correction_id, person_id, outcome, answered_by, reason, answered_at)
                    select correction_id, person_id, 'refused', \(person("boss")), 'canary-answer-\(number)', clock()
                    from time_correction where correction_id = \(asked.id)
                """)
    }
}
