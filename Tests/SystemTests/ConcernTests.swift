import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

extension SystemTests {
    /// Concerns and the cord of a running deployment, with the real commands.
    @Suite struct ConcernTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#
        private static let project = "data"
        /// Who answers for the project, in the order of escalation. The last is known here by name alone.
        private static let named = ["sue", "tom", "uma"]

        /// A deployment whose operator is named for nothing, with two supervisors who are.
        private static func with(_ body: @escaping @Sendable (LiveSystem) async throws -> Void) async throws {
            try await LiveSystem.with(.init(policy: "bench")) { system in
                try await system.publishNotices(purposes)
                try await createProject(project, system)
                for name in named.dropLast() { try await system.certifySupervisor(name) }
                try await body(system)
            }
        }

        private static func createProject(_ name: String, _ system: LiveSystem) async throws {
            try await system.createProject(name, schema: schema, overlap: 1, purposes: purposes)
            try await system.succeed(
                ["project", "set", name] + named.flatMap { ["--named-person", $0] }, as: system.operatorIdentity)
        }

        /// What a command prints for programs.
        private static func ask(_ system: LiveSystem, _ words: [String], as name: String) async throws -> JSONValue {
            try JSONValue.parse(await system.succeed(words + ["-o", "json"], as: system.identity(name)))
        }

        /// The concerns that are addressed to somebody.
        private static func list(_ system: LiveSystem, as name: String) async throws -> [JSONValue] {
            try #require(try await ask(system, ["concern", "list"], as: name).arrayValue)
        }

        private static func texts(_ concerns: [JSONValue]) -> Set<String> {
            Set(concerns.compactMap { $0["text"]?.stringValue })
        }

        // MARK: - Raised and answered

        private static let withName = "The pictures are too small."
        private static let withoutName = "It wears me out."

        @Test func `a concern is answered by those it is addressed to, and without a name nobody learns whose it is`()
            async throws
        {
            try await Self.with { system in
                let ada = system.identity("ada")
                try await system.certify("ada", projects: [Self.project], supervisor: "sue")
                let raised = try await Self.ask(
                    system, ["concern", "raise", Self.withName, "--project", Self.project], as: "ada")
                #expect(raised["id"]?.intValue != nil && raised["token"] == .null, "\(raised)")
                #expect(raised["due_on"]?.stringValue != nil, "\(raised)")
                let hidden = try await Self.ask(
                    system, ["concern", "raise", Self.withoutName, "--project", Self.project, "--anonymous"], as: "ada")
                let token = try #require(hidden["token"]?.stringValue)
                #expect(hidden["id"] == .null, "the number is in lists that others see: \(hidden)")

                // Nobody but the first of the named persons is asked yet.
                let asked = try await Self.list(system, as: "sue")
                #expect(Self.texts(asked) == [Self.withName, Self.withoutName])
                #expect(asked.allSatisfy { $0["state"] == "waiting" && $0["answers"]?.arrayValue == [] }, "\(asked)")
                for concern in asked {
                    let author: JSONValue = concern["text"]?.stringValue == Self.withName ? "ada" : .null
                    #expect(concern["author"] == author, "\(concern)")
                }
                for other in ["tom", LiveSystem.operatorName, "ada"] {
                    #expect(try await Self.list(system, as: other).isEmpty, "\(other)")
                }
                let numbers = try asked.map { String(try #require($0["id"]?.intValue)) }
                let wrong = try await system.run(
                    ["concern", "answer", numbers[0], "Mine."], as: system.identity("tom"))
                #expect(wrong.code == 5 && wrong.errors.contains("plimsoll concern list"), "\(wrong)")
                let silent = try await system.run(["concern", "answer", numbers[0], " "], as: system.identity("sue"))
                #expect(silent.code == 2, "\(silent)")
                for number in numbers {
                    let answered = try await system.run(
                        ["concern", "answer", number, "We stop at noon."], as: system.identity("sue"))
                    #expect(answered.code == 0 && answered.output == "concern \(number) is answered\n", "\(answered)")
                }
                #expect(try await Self.list(system, as: "sue").allSatisfy { $0["state"] == "answered" })

                // What was said by name is in the author's list; the other is read by its token alone.
                let own = try await Self.ask(system, ["concern", "list", "--own"], as: "ada")
                #expect(own.arrayValue?.compactMap { $0["text"]?.stringValue } == [Self.withName])
                let answer = own.arrayValue?.first?["answers"]?.arrayValue?.first
                #expect(answer?["by"] == "sue" && answer?["text"] == "We stop at noon.", "\(own)")
                let shown = try await Self.ask(system, ["concern", "show", "--token", token], as: "ada")
                #expect(shown["text"] == .string(Self.withoutName) && shown["author"] == .null)
                #expect(shown["answers"]?.arrayValue?.first?["text"] == "We stop at noon.", "\(shown)")
                let page = try await system.run(["concern", "show", "--token", token], as: ada)
                #expect(page.output.contains("without a name") && !page.output.contains("ada"), "\(page)")
                let unknown = try await system.run(["concern", "show", "--token", "none"], as: ada)
                #expect(unknown.code == 5, "\(unknown)")
            }
        }

        // MARK: - Overdue

        @Test func `a concern that nobody answers reaches one more person each working day, and operators at last`()
            async throws
        {
            try await Self.with { system in
                try await system.certify("ada", projects: [Self.project], supervisor: "sue")
                let late = try await Self.ask(
                    system, ["concern", "raise", "Nobody replies.", "--project", Self.project], as: "ada")
                let id = try #require(late["id"]?.intValue)
                try await system.succeed(
                    ["concern", "raise", "This one can wait.", "--project", Self.project], as: system.identity("ada"))
                #expect(try await Self.list(system, as: "tom").isEmpty)

                // Working days pass by themselves alone; so it is dated back by as many.
                try await Self.dateBack(id, workingDays: 1, system)
                let reached = try await Self.list(system, as: "tom")
                #expect(reached.compactMap { $0["id"]?.intValue } == [id])
                #expect(reached.first?["state"]?.stringValue?.hasPrefix("overdue by") == true, "\(reached)")
                #expect(try await Self.list(system, as: "sue").compactMap { $0["id"]?.intValue }.first == id)
                #expect(try await Self.list(system, as: "sue").count == 2)
                #expect(try await Self.list(system, as: LiveSystem.operatorName).isEmpty)

                try await Self.dateBack(id, workingDays: Self.named.count, system)
                let last = try await Self.list(system, as: LiveSystem.operatorName)
                #expect(last.compactMap { $0["id"]?.intValue } == [id], "\(last)")
                try await system.succeed(["concern", "answer", "\(id)", "At last."], as: system.operatorIdentity)
                let own = try await Self.ask(system, ["concern", "list", "--own"], as: "ada")
                let answered = own.arrayValue?.first { $0["id"]?.intValue == id }
                let answers = try #require(answered?["answers"]?.arrayValue)
                #expect(answers.compactMap { $0["text"]?.stringValue } == ["At last."])
                #expect(answers.first?["by"] == .string(LiveSystem.operatorName), "\(own)")
                // It waits for nobody any more.
                #expect(try await Self.list(system, as: "tom").isEmpty)
            }
        }

        /// As if the reply had been due so many working days ago; one more where midnight passes meanwhile, which is
        /// why one day leaves somebody between the second of the named persons and the operators.
        private static func dateBack(_ concern: Int, workingDays: Int, _ system: LiveSystem) async throws {
            try await system.asDatabaseOwner { owner in
                let rows = try await owner.query(Query(.unprepared("select (clock() at time zone 'UTC')::date")))
                let today = LocalDay(try rows[0].date(0))
                var due = today
                while ConcernDue.daysOverdue(dueOn: due, on: today) < workingDays { due = due.advanced(by: -1) }
                try await owner.execute(
                    script: """
                        update concern set raised_on = date '\(due)' - 1, due_on = '\(due)'
                        where concern_id = \(concern)
                        """)
            }
        }

        // MARK: - The cord

        /// As many engineers as a group must have for its cords to count, by the policy of these tests.
        private static let engineers = ["ada", "bert", "cyril", "dorothy", "evelyn"]

        @Test func `enough cords stop a project and its worker, which goes on when somebody named lets it`()
            async throws
        {
            try await Self.with { system in
                try await Self.createProject("maps", system)
                try await system.importTasks((1...5_000).map { "t\($0)" }, project: Self.project)
                for name in Self.engineers {
                    let projects = name == "ada" ? [Self.project, "maps"] : [Self.project]
                    try await system.certify(name, projects: projects, supervisor: "sue")
                }
                try await system.agree("ada", purposes: Self.purposes)
                let worker = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", Self.project, "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--exec", "cat >/dev/null; sleep 0.1; echo 4",
                    ], log: "cord-ada")
                try await Self.waitForMore(than: 0, system, worker)

                // Where few work it is a concern of the same day, and nothing stops.
                #expect(try await Self.pull(system, "ada", "maps") == "concern")
                let concern = try await Self.list(system, as: "sue").first
                #expect(concern?["project"] == "maps" && concern?["kind"] == "cord" && concern?["author"] == .null)
                #expect(concern?["due_on"] == concern?["raised_on"], "\(String(describing: concern))")
                #expect(try await Self.state(of: "maps", system) == "open")

                for name in Self.engineers.dropFirst() {
                    #expect(try await Self.pull(system, name, Self.project) == "counted")
                }
                // Once a person.
                #expect(try await Self.pull(system, "evelyn", Self.project) == "counted")
                #expect(try await Self.state(of: Self.project, system) == "open")
                #expect(try await Self.cords(system, as: "sue").isEmpty)
                try await Self.waitForMore(than: Self.labels(system), system, worker)

                #expect(try await Self.pull(system, "ada", Self.project) == "paused")
                try await Self.standsStill(system, worker)
                try await Self.resume(system)
                try await Self.waitForMore(than: Self.labels(system), system, worker)
                // Who had pulled is forgotten: the next one is the first.
                #expect(try await Self.pull(system, "bert", Self.project) == "counted")
                let pulled = "select count(*) from cord join project using (project_id) where name = '\(Self.project)'"
                #expect(try await Self.number(system, pulled) == 1)
                #expect(try await Self.state(of: Self.project, system) == "open")
                worker.signal(SIGTERM)
                #expect(await worker.end(within: .seconds(60)) == 0, "\(worker.errorText)")
            }
        }

        /// How long nothing may come of a worker that stands still.
        private static let stillness = Duration.seconds(3)

        private static func standsStill(_ system: LiveSystem, _ worker: Program) async throws {
            #expect(try await state(of: project, system) == "paused")
            // What was open is finished; then the worker is told why nothing more comes, and waits.
            let isTold = try await eventually(within: .seconds(30)) {
                try await number(system, "select count(*) from lease") == 0 && worker.errorText.contains("[paused]")
            }
            #expect(isTold, "\(worker.errorText)")
            let done = try await labels(system)
            let goesOn = try await eventually(within: stillness) { try await labels(system) != done }
            #expect(!goesOn, "a paused project gave work")
            #expect(worker.exitCode == nil, "\(worker.errorText)")
            let why = try await system.run(["me", "why", "--project", project], as: system.identity("ada"))
            #expect(why.output.contains("rule paused"), "\(why)")
            for reader in ["sue", "tom", LiveSystem.operatorName] {
                #expect(try await cords(system, as: reader) == [project], "\(reader)")
            }
            // That it stands still is told to the named; of those who pulled nobody is.
            let told = try await system.run(["concern", "list"], as: system.identity("sue"))
            #expect(told.output.contains("Enough people have pulled the cord"), "\(told)")
            for name in engineers { #expect(!told.output.contains(name), "\(name): \(told)") }
        }

        private static func resume(_ system: LiveSystem) async throws {
            let words = ["concern", "cord", "resume", "--project", project]
            let stranger = try await system.run(words, as: system.identity("ada"))
            #expect(stranger.code == 5 && stranger.errors.contains("concern cord list"), "\(stranger)")
            let resumed = try await system.run(words, as: system.identity("tom"))
            #expect(resumed.code == 0 && resumed.output == "the project \(project) goes on\n", "\(resumed)")
            #expect(try await cords(system, as: "tom").isEmpty)
            let again = try await system.run(words, as: system.identity("tom"))
            #expect(again.code == 5, "\(again)")
        }

        private static func pull(_ system: LiveSystem, _ name: String, _ project: String) async throws -> String? {
            try await ask(system, ["concern", "cord", "pull", "--project", project], as: name)["outcome"]?.stringValue
        }

        /// Projects that stand still, as somebody is told.
        private static func cords(_ system: LiveSystem, as name: String) async throws -> [String] {
            let rows = try await ask(system, ["concern", "cord", "list"], as: name).arrayValue ?? []
            return rows.compactMap { $0["project"]?.stringValue }
        }

        private static func state(of name: String, _ system: LiveSystem) async throws -> String? {
            try await ask(system, ["project", "show", name], as: LiveSystem.operatorName)["state"]?.stringValue
        }

        // MARK: - What the worker did

        private static func number(_ system: LiveSystem, _ sql: String) async throws -> Int64 {
            try await system.asDatabaseOwner { try await $0.query(Query(.unprepared(sql)))[0].int8(0) }
        }

        private static func labels(_ system: LiveSystem) async throws -> Int64 {
            try await number(system, "select count(*) from label")
        }

        private static func waitForMore(than count: Int64, _ system: LiveSystem, _ worker: Program) async throws {
            let comes = try await eventually(within: .seconds(60)) { try await labels(system) > count }
            #expect(comes && worker.exitCode == nil, "no more than \(count) labels: \(worker.errorText)")
        }
    }
}
