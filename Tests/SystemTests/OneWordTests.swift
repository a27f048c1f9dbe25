import Foundation
import GRPCCore
import Logging
import PlimsollModel
import PlimsollProtocol
import Postgres
import PrivateCluster
import SwiftProtobuf
import TestSupport
import Testing

extension SystemTests {
    /// P9 with the real commands over mutual TLS: of one person others see `available` or `not available`, and of all
    /// who are not available the very same bytes, whatever the cause.
    @Suite struct OneWordTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#
        /// Names of the same length, which stand together in every list by name. Each is what its person is kept by.
        private static let causes = [
            "qa-asked", "qb-refus", "qc-withd", "qd-expir", "qe-denie", "qf-rolex", "qg-lease", "qh-daytm", "qi-break",
            "qj-quiet", "qk-drest", "ql-wrest", "qm-zeros", "qn-kindd",
        ]
        private static let available = "aa-avail"
        private static let standIn = "somebody"

        @Test func `of whoever is not available every list has the same bytes`() async throws {
            try await LiveSystem.with(.init()) { system in
                try await system.publishNotices(Self.purposes)
                let policy = try system.file("policy.yaml", "limits:\n  quiet-hours: none\n")
                try await system.succeed(
                    ["policy", "apply", policy.plain, "--reason", "for the test"], as: system.operatorIdentity)
                try await system.createProject("words", schema: Self.schema, overlap: 1, purposes: Self.purposes)
                try await system.importTasks((1...40).map { "t\($0)" }, project: "words")
                try await system.certifySupervisor("sue")
                for name in [Self.available] + Self.causes {
                    try await system.certify(name, projects: ["words"], supervisor: "sue")
                    if name != "qa-asked" && name != "qb-refus" {
                        try await system.agree(name, purposes: Self.purposes)
                    }
                }
                try await Self.bring(system)
                try await TestStream.with(system, "qg-lease", at: 0, project: "words", inFlight: 8) { holder in
                    try await holder.send(.with { $0.want = 3 })
                    var held = 0
                    while held < 3 { held += try await holder.next { $0.leases.isEmpty ? nil : $0.leases.count } }
                    // A word is given again for two seconds.
                    try await Task.sleep(for: .seconds(3))
                    try await Self.compareWords(system)
                    try await Self.compareCommands(system)
                }
                try await system.succeed(
                    ["deployment", "read-only", "on", "--reason", "a test"], as: system.operatorIdentity)
                let rows = try await Self.engineers(system, as: "sue")
                #expect(rows.allSatisfy { !$0.available } && rows.count == Self.causes.count + 1)
                let same = Set(try rows.map(Self.bytes))
                #expect(same.count == 1, "read-only mode is one more cause")
                // P3: whoever is shut out says no all the same, and reads by whom and why it was done.
                for (name, what) in [("qe-denie", "access-denied"), ("qf-rolex", "role-revoked")] {
                    try await system.succeed(["consent", "withdraw", "taking-part"], as: system.identity(name))
                    let told = try await system.succeed(["me", "access"], as: system.identity(name))
                    #expect(told.contains(try Regex("\(LiveSystem.operatorName) +\(what) .*: left")), "\(told)")
                }
            }
        }

        // MARK: Compared

        private static func engineers(
            _ system: LiveSystem, as name: String
        ) async throws -> [Plimsoll_V1_EngineerRow] {
            try await system.withClient(as: system.identity(name)) {
                try await Plimsoll_V1_Control.Client(wrapping: $0).listEngineers(.init()).engineers
            }
        }

        /// A row as it is on the wire, with the name replaced.
        private static func bytes(_ row: Plimsoll_V1_EngineerRow) throws -> [UInt8] {
            var row = row
            row.name = standIn
            return try row.serializedBytes()
        }

        private static func compareWords(_ system: LiveSystem) async throws {
            for reader in ["sue", LiveSystem.operatorName] {
                let rows = try await engineers(system, as: reader)
                #expect(rows.filter(\.available).map(\.name) == [available], "\(rows)")
                let same = Set(try rows.filter { !$0.available }.map(bytes))
                #expect(same.count == 1, "\(rows)")
            }
        }

        private static let formats = ["table", "json", "yaml", "name"]

        private static func compareCommands(_ system: LiveSystem) async throws {
            // Where everybody stands: between one name and the next are the same bytes.
            for words in [["engineer", "list"], ["team", "show", "sue"]] {
                for reader in ["sue", LiveSystem.operatorName] {
                    for format in formats {
                        let text = try await system.succeed(words + ["-o", format], as: system.identity(reader))
                        let between = parts(text)
                        // The name of a team is the team's.
                        if words[0] == "team" && format == "name" {
                            #expect(text == "sue\n")
                            continue
                        }
                        #expect(between.count == causes.count + 1, "\(words) as \(format): \(text)")
                        #expect(Set(between.dropFirst().dropLast()).count == 1, "\(words) as \(format): \(text)")
                    }
                }
            }
            // Where nobody stands: no name is there, for supervisors nor for operators. Of the record see below.
            let anonymous = [
                ["team", "list"], ["queue", "status"], ["queue", "leases"], ["task", "list", "--project", "words"],
                ["task", "list", "--project", "words", "--state", "leased"], ["project", "list"],
                ["project", "show", "words"], ["concern", "list"], ["concern", "digest"], ["policy", "show"],
                ["policy", "history"], ["policy", "raise", "list"], ["concern", "cord", "list"], ["doctor"],
                ["deployment", "show"],
            ]
            let operators = [["label", "late", "list", "--project", "words"], ["label", "superseded", "list"]]
            for (reader, commands) in [("sue", anonymous), (LiveSystem.operatorName, anonymous + operators)] {
                for words in commands {
                    for format in ["table", "json"] {
                        let result = try await system.run(words + ["-o", format], as: system.identity(reader))
                        #expect(result.code != 2 && result.code != 4, "\(result)")
                        for name in causes + [available] {
                            #expect(
                                !result.output.contains(name) && !result.errors.contains(name),
                                "\(words) as \(format) names \(name): \(result)")
                        }
                    }
                }
            }
            // Asked about one person. A supervisor reads what policy, team and project say, and nothing of the person.
            for format in ["table", "json"] {
                try await same(system, "sue", causes) { ["policy", "show", "--for", $0, "-o", format] }
            }
            // An operator may ask for everything that holds for somebody, what they set for themselves included: to
            // answer their questions, and each look is in the record and in `me access` (P11). So two differ here.
            let ownLimits: Set = ["qj-quiet", "qm-zeros"]
            for format in ["table", "json"] {
                try await same(system, LiveSystem.operatorName, causes.filter { !ownLimits.contains($0) }) {
                    ["policy", "show", "--for", $0, "-o", format]
                }
            }
            // Who may enter at all is an operator's own doing: that a certificate is shut out or a role taken away is
            // listed for operators alone, and is no state that the person came into.
            for format in ["table", "json"] {
                try await same(system, LiveSystem.operatorName, causes.filter { $0 != "qe-denie" }) {
                    ["cert", "list", $0, "-o", format]
                }
                try await same(system, LiveSystem.operatorName, causes.filter { $0 != "qf-rolex" }) {
                    ["role", "list", $0, "-o", format]
                }
            }
            for words in [["cert", "list"], ["role", "list"], ["audit", "list"]] {
                let result = try await system.run(words, as: system.identity("sue"))
                #expect(result.code == 4, "\(result)")
            }
            // On the record everybody stands for what operators did to or for them, and for nothing else: what they did
            // for themselves is there without a name, a kind and a time.
            let events = try await system.succeed(
                ["audit", "list", "--limit", "10000", "-o", "table"], as: system.operatorIdentity)
            let kinds = Set(
                events.split(separator: "\n").filter { line in causes.contains { line.contains($0) } }.compactMap {
                    $0.split(separator: " ").first { $0.contains(".") && $0.first?.isLetter == true }.map(String.init)
                })
            #expect(
                kinds.isSubset(of: [
                    "engineer.enrolled", "certificate.issued", "access.denied", "role.granted", "role.revoked",
                    "limits.shown", "people.read",
                ]), "\(kinds)")
            #expect(!events.contains("consent.") && !events.contains("person, name"), "\(events)")
            #expect(events.contains("a person's own"), "\(events)")
            // P11: whoever was looked at alone sees it.
            let looks = try await system.succeed(["me", "access"], as: system.identity("qi-break"))
            for reader in ["sue", LiveSystem.operatorName] {
                #expect(looks.contains(try Regex("\(reader) +limits ")), "\(looks)")
            }
        }

        /// What stands after each name up to the next, the last rest included.
        private static func parts(_ text: String) -> [String] {
            var text = text
            for name in causes { text = text.replacing(name, with: standIn) }
            return text.components(separatedBy: standIn)
        }

        /// The same command about each of these people gives the same bytes, but for the name, serials and times.
        private static func same(
            _ system: LiveSystem, _ reader: String, _ names: [String], _ words: (String) -> [String]
        ) async throws {
            var outputs: Set<String> = []
            for name in names {
                let result = try await system.run(words(name), as: system.identity(reader))
                let text = "\(result.code)\n\(result.output)\n\(result.errors)".replacing(name, with: standIn)
                    .replacing(/[0-9a-f]{16,64}/, with: "SERIAL").replacing(
                        /\d{4}-\d\d-\d\d[T ]?[0-9:.Z]*/, with: "TIME"
                    )
                    .replacing(/\d{10,}/, with: "SECONDS")
                outputs.insert(text)
            }
            #expect(outputs.count == 1, "\(words(standIn)): \(outputs)")
        }

        // MARK: Made

        /// Everybody into the state of their name, by what brings it about; what takes hours is written as flushes do.
        private static func bring(_ system: LiveSystem) async throws {
            try await system.succeed(["consent", "refuse", "taking-part"], as: system.identity("qb-refus"))
            try await system.succeed(["consent", "withdraw", "taking-part"], as: system.identity("qc-withd"))
            try await system.succeed(
                ["cert", "deny", "--name", "qe-denie", "--reason", "left", "--yes"], as: system.operatorIdentity)
            try await system.succeed(
                ["role", "revoke", "qf-rolex", "engineer", "--reason", "left", "--yes"], as: system.operatorIdentity)
            for (name, document) in [("qj-quiet", quietNow), ("qm-zeros", "open-leases: 0")] {
                _ = try await system.withClient(as: system.identity(name)) {
                    try await Plimsoll_V1_Organisation.Client(wrapping: $0).setMyLimits(
                        .with { $0.document = document })
                }
            }
            try await system.asDatabaseOwner { try await bring($0) }
        }

        private static func bring(_ owner: Connection) async throws {
            func worked(_ name: String, _ minutes: [ClosedRange<Int>], _ kind: String = "other") async throws {
                for range in minutes {
                    try await owner.execute(
                        script: """
                            insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to,
                                kind, severity)
                            select p.person_id, coalesce(max(u.n), 0) + 1, clock(),
                                (clock() at time zone p.zone)::date, 0, 0,
                                clock() + make_interval(mins => \(range.lowerBound)),
                                clock() + make_interval(mins => \(range.upperBound)), '\(kind)', 0
                            from person p left join usage u using (person_id) where p.name = '\(name)' group by p.person_id
                            """)
                }
            }
            // Within the day of a zone whose noon it is, whatever the hour here.
            try await owner.execute(
                script: """
                    update person set zone = \(noonZone) where name like 'q%';
                    alter table consent_event disable trigger append_only;
                    update consent_event set at = at - interval '2 days', valid_until = clock() - interval '1 second'
                        where person_id = (select person_id from person where name = 'qd-expir');
                    alter table consent_event enable trigger append_only
                    """)
            try await worked("qh-daytm", [-300 ... -180, -150 ... -90, -80 ... -20])
            try await worked("qi-break", [-51 ... -1])
            try await worked("qk-drest", [-14 * 60 ... -13 * 60 - 30, -4 * 60 ... -3 * 60 - 30])
            try await worked("ql-wrest", (1...6).map { -$0 * 24 * 60 ... -$0 * 24 * 60 + 30 })
            try await worked("qn-kindd", [-150 ... -110, -100 ... -60, -50 ... -10], "test")
        }

        /// A zone without summer time, as SQL, in which it is noon or a little later: from Greenwich minus 11 on.
        private static let noonZone = """
            (array['Pacific/Pago_Pago', 'Pacific/Honolulu', 'Pacific/Gambier', 'Pacific/Pitcairn', 'America/Phoenix',
                'America/Guatemala', 'America/Bogota', 'America/La_Paz', 'America/Sao_Paulo', 'America/Noronha',
                'Atlantic/Cape_Verde', 'UTC', 'Africa/Lagos', 'Africa/Johannesburg', 'Africa/Nairobi', 'Asia/Dubai',
                'Asia/Karachi', 'Asia/Dhaka', 'Asia/Bangkok', 'Asia/Singapore', 'Asia/Tokyo', 'Australia/Brisbane',
                'Pacific/Guadalcanal', 'Pacific/Tarawa'])[24 - extract(hour from clock() at time zone 'UTC')::int]
            """

        /// An hour around noon, which it is for everybody here.
        private static let quietNow = "quiet-hours: 10:00-15:00"
    }
}
