import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import Synchronization
import Testing

@testable import Gateway

extension OverTLS {
    /// The cord over mutual TLS, with a coordinator and its database: what pulling it does, who lets a project go on,
    /// and that whose cord it was is told to nobody (P9).
    @Suite struct CordTests {
        typealias Client = Plimsoll_V1_Concerns.Client<HTTP2ClientTransport.Posix>

        /// All who work on `puzzles`: by the shipped policy five of them stop it.
        private static let people = ["ann", "bob", "cid", "dan", "eve", "fay"]
        private static let pullers = people.dropFirst()

        /// One engineer's open work stream.
        private final class Hand: Sendable {
            /// Why nothing is granted for a moment.
            private static let doubts: [Plimsoll_V1_IdleReason] = [.notReady, .allInOtherHands]

            private let heard = Mutex<[Plimsoll_V1_CoordinatorMessage]>([])
            private let send: AsyncStream<Plimsoll_V1_WorkerMessage>.Continuation

            init(_ send: AsyncStream<Plimsoll_V1_WorkerMessage>.Continuation) { self.send = send }

            func say(_ message: Plimsoll_V1_WorkerMessage) { send.yield(message) }
            func hear(_ message: Plimsoll_V1_CoordinatorMessage) { heard.withLock { $0.append(message) } }

            /// The next message that is meant; those before it are forgotten.
            func next(
                _ isMeant: (Plimsoll_V1_CoordinatorMessage) -> Bool
            ) async throws -> Plimsoll_V1_CoordinatorMessage {
                var found: Plimsoll_V1_CoordinatorMessage?
                _ = await eventually {
                    while found == nil, let message = take() {
                        if isMeant(message) { found = message }
                    }
                    return found != nil
                }
                return try #require(found, "the coordinator fell silent")
            }

            /// What comes of asking for one more: a lease, or why there is none.
            func ask() async throws -> Plimsoll_V1_CoordinatorMessage {
                var answer = Plimsoll_V1_CoordinatorMessage()
                _ = try await eventually {
                    say(.with { $0.want = 1 })
                    answer = try await next { !$0.leases.isEmpty || $0.hasIdle }
                    return !answer.leases.isEmpty || !Self.doubts.contains(answer.idle.reason)
                }
                return answer
            }

            private func take() -> Plimsoll_V1_CoordinatorMessage? {
                heard.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            }
        }

        private struct House: Sendable {
            let live: LiveGateway

            /// Calls as this person in this role, over a connection of its own.
            func call<Result: Sendable>(
                _ name: String, _ role: Role = .engineer, _ body: @Sendable (Client) async throws -> Result
            ) async throws -> Result {
                try await live.deployment.withClient(name, role, at: live.port) { try await body(Client(wrapping: $0)) }
            }

            /// The status that a call ends with; nil: it did not fail.
            func status<Result: Sendable>(
                _ name: String, _ role: Role = .engineer, _ body: @Sendable (Client) async throws -> Result
            ) async throws -> RPCError? {
                try await failure { try await call(name, role, body) }
            }

            func pull(_ name: String, _ project: String = "puzzles") async throws -> String {
                try await call(name) { try await $0.pullCord(.with { $0.project = project }) }.outcome
            }

            /// Why somebody may not pull; nil: they may.
            func refusal(
                _ name: String, _ role: Role = .engineer, _ project: String = "puzzles"
            ) async throws -> RPCError? {
                try await status(name, role) { try await $0.pullCord(.with { $0.project = project }) }
            }

            func resume(_ name: String, _ role: Role, _ project: String = "puzzles") async throws -> RPCError? {
                try await status(name, role) { try await $0.resumeCord(.with { $0.project = project }) }
            }

            func cords(_ name: String, _ role: Role) async throws -> [Plimsoll_V1_CordPause] {
                try await call(name, role) { try await $0.listCords(.init()) }.cords
            }

            /// Enough people stop `puzzles`.
            func stop() async throws {
                for name in CordTests.pullers.dropLast() { #expect(try await pull(name) == "counted", "\(name)") }
                #expect(try await pull(CordTests.pullers.last ?? "") == "paused")
                #expect(try await isPaused())
            }

            func isPaused(_ project: String = "puzzles") async throws -> Bool {
                try await live.ledger.project(named: project).state == .paused
            }

            func number(_ sql: String) async throws -> Int64 {
                try await live.owner.query(Query(.unprepared(sql)))[0].int8(0)
            }

            func texts(_ sql: String) async throws -> [String] {
                try await live.owner.query(Query(.unprepared(sql))).map { try $0.text(0) }
            }

            /// Every row of the database as a text, with its table before it.
            func everything() async throws -> [String] {
                let tables = try await texts(
                    """
                    select relname::text from pg_class where relnamespace = 'plimsoll'::regnamespace
                        and relkind in ('r', 'p') and not relispartition
                    """)
                var rows: [String] = []
                for table in tables {
                    rows += try await texts("select '\(table): ' || t::text from plimsoll.\(table) t")
                }
                return rows
            }

            /// An engineer's work stream for the length of `body`.
            func withHand(_ name: String, _ body: @Sendable @escaping (Hand) async throws -> Void) async throws {
                try await live.deployment.withClient(name, .engineer, at: live.port) { client in
                    let (outgoing, send) = AsyncStream.makeStream(of: Plimsoll_V1_WorkerMessage.self)
                    let hand = Hand(send)
                    hand.say(.with { $0.hello = .test })
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        defer { send.finish() }
                        group.addTask {
                            try await Plimsoll_V1_WorkQueue.Client(wrapping: client).work { writer in
                                for await message in outgoing { try await writer.write(message) }
                            } onResponse: { response in
                                for try await message in response.messages { hand.hear(message) }
                            }
                        }
                        try await body(hand)
                        send.finish()
                        try await group.waitForAll()
                    }
                }
            }
        }

        /// sue is named for both projects, and tom for none; few work on the second.
        private func withHouse(_ body: @escaping @Sendable (House) async throws -> Void) async throws {
            try await withLiveGateway(prepare: Self.fill) { try await body(House(live: $0)) }
        }

        private static func fill(_ ledger: Ledger) async throws {
            // No test depends on the hour at which it runs.
            _ = try await ledger.applyPolicy("limits: {quiet-hours: none}", reason: "a test", by: "olu")
            _ = try await ledger.publishNotice(noticeDraft("taking-part"), by: "olu")
            for name in ["sue", "tom"] { try await ledger.grantRole(.supervisor, to: name, by: "olu") }
            for (project, names) in [("puzzles", people), ("few", ["zoe"])] {
                _ = try await ledger.createProject(
                    ProjectDraft(
                        name: project, answerSchema: #"{"type":"string"}"#, effortSeconds: 60,
                        purposes: ["taking-part"], namedPersons: ["sue"]), by: "olu")
                _ = try await ledger.enrolEngineers(
                    names.map { NewEngineer(name: $0, zone: "UTC") }, projects: [project],
                    selection: SelectionRecord(
                        rule: "volunteers/1", dataUsed: "none", decidedBy: "sue", alternativeOffered: "the usual work"),
                    by: "olu")
                for name in names { try await agree(ledger, name, "taking-part") }
            }
            let tasks = (0..<4).map {
                TaskDraft(key: "t\($0)", kind: "puzzle", severity: 0, priority: 0, payload: Array("{}".utf8))
            }
            _ = try await ledger.importTasks(
                AsyncThrowingStream<ImportPiece, any Error> { continuation in
                    continuation.yield(ImportPiece(request: ImportRequest(project: "puzzles", source: "test")))
                    continuation.yield(ImportPiece(tasks: tasks))
                    continuation.yield(ImportPiece(total: tasks.count))
                    continuation.finish()
                }, by: "olu")
        }

        /// Words of letters alone: no hash in hexadecimal has one of these names among its own.
        private static func words(_ texts: [String]) -> Set<String> {
            Set(texts.flatMap { text in text.split { !$0.isLetter }.map { String($0) } })
        }

        @Test func enoughCordsStopGrantsAndWhatIsOpenIsFinished() async throws {
            try await withHouse { house in
                try await house.withHand("ann") { hand in
                    let lease = try #require(try await hand.ask().leases.first)
                    // Each counts once, however often they pull.
                    for name in Self.pullers.dropLast() {
                        for _ in 0..<2 { #expect(try await house.pull(name) == "counted", "\(name)") }
                    }
                    #expect(try await !house.isPaused())
                    #expect(try await house.number("select count(*) from concern") == 0)
                    #expect(try await house.pull("fay") == "paused")
                    let none = try await hand.ask()
                    #expect(none.leases.isEmpty && none.idle.reason == .paused, "\(none)")
                    // The cord takes nothing out of anybody's hands.
                    hand.say(
                        .with {
                            $0.submits = [
                                .with {
                                    $0.task = lease.task
                                    $0.fence = lease.fence
                                    $0.answer = Data(#""a""#.utf8)
                                }
                            ]
                        })
                    let settled = try await hand.next { !$0.settlements.isEmpty }
                    #expect(settled.settlements.map(\.outcome) == [.accepted])
                    // Whoever pulls now changes nothing, and is told how it is.
                    for name in ["bob", "fay", "ann"] { #expect(try await house.pull(name) == "paused", "\(name)") }
                    let paused = "select count(*) from chain_event where kind = 'cord.paused'"
                    #expect(try await house.number(paused) == 1)
                    #expect(try await house.number("select count(*) from concern") == 1)
                    #expect(try await house.resume("sue", .supervisor) == nil)
                    #expect(try await hand.ask().leases.count == 1)
                    // All cords are forgotten, so it takes as many again.
                    try await house.stop()
                    #expect(try await house.number(paused) == 2)
                }
            }
        }

        @Test func whoDoesNotWorkThereStopsNothing() async throws {
            try await withHouse { house in
                let other = try await house.refusal("zoe")
                #expect(other?.code == .failedPrecondition)
                #expect(other?.message == "the cord of a project is pulled by who is enrolled in it")
                #expect(try await house.refusal("zoe", .engineer, "nowhere")?.code == .notFound)
                // Who leads pauses a project under their own name; a role that nobody granted is none.
                for (name, role) in [("sue", Role.supervisor), ("olu", .operator), ("sue", .engineer)] {
                    #expect(try await house.refusal(name, role)?.code == .permissionDenied, "\(name) as \(role)")
                }
                _ = try await house.live.ledger.deny(.person("bob"), reason: "a test", by: "olu")
                #expect(try await house.refusal("bob")?.code == .permissionDenied)
                _ = try await house.live.ledger.leaveProject("puzzles", person: "ann", reason: nil, by: "ann")
                #expect(try await house.refusal("ann")?.code == .failedPrecondition)
                _ = try await house.live.ledger.setProjectState("few", to: .closed, by: "olu")
                #expect(try await house.refusal("zoe", .engineer, "few")?.code == .aborted)
                #expect(
                    try await house.number(
                        """
                        select (select count(*) from cord) + (select count(*) from cord_key)
                            + (select count(*) from concern)
                        """) == 0)
                #expect(try await !house.isPaused())
            }
        }

        @Test func whoIsNamedOrAnOperatorLetsAProjectGoOnAndNobodyElse() async throws {
            try await withHouse { house in
                // Nothing stands still by the cord, and a project that was paused by hand does not either.
                _ = try await house.live.ledger.setProjectState("puzzles", to: .paused, by: "olu")
                #expect(try await house.cords("sue", .supervisor).isEmpty)
                #expect(try await house.resume("sue", .supervisor)?.code == .notFound)
                _ = try await house.live.ledger.setProjectState("puzzles", to: .open, by: "olu")

                try await house.stop()
                for (name, role) in [("tom", Role.supervisor), ("ann", .engineer), ("fay", .engineer)] {
                    #expect(try await house.cords(name, role).isEmpty, "\(name)")
                    let others = try await house.resume(name, role)
                    let nowhere = try await house.resume(name, role, "nowhere")
                    // As if there were no such project.
                    #expect(others?.code == .notFound && nowhere?.code == .notFound, "\(name)")
                    #expect(others?.message.replacing("puzzles", with: "nowhere") == nowhere?.message, "\(name)")
                }
                // A certificate alone makes an operator of nobody.
                #expect(try await house.resume("tom", .operator)?.code == .permissionDenied)
                #expect(try await house.isPaused())

                let shown = try await house.cords("sue", .supervisor)
                #expect(shown.map(\.project) == ["puzzles"] && shown[0].pausedOn.count == 10)
                #expect(try await house.cords("olu", .operator) == shown)
                #expect(try await house.resume("sue", .supervisor) == nil)
                #expect(try await !house.isPaused())
                #expect(try await house.cords("sue", .supervisor).isEmpty)
                #expect(
                    try await house.number(
                        """
                        select (select count(*) from cord) + (select count(*) from cord_key)
                            + (select count(*) from cord_pause)
                        """) == 0)
                // What goes on is resumed once.
                #expect(try await house.resume("sue", .supervisor)?.code == .notFound)
                try await house.stop()
                #expect(try await house.resume("olu", .operator) == nil)
                // P11: who let it go on is on the record.
                #expect(
                    try await house.texts(
                        """
                        select d.actor || ' ' || (d.detail ->> 'to')
                        from chain_detail d join chain_event e using (event_id)
                        where e.kind = 'project.state' order by event_id
                        """) == ["olu paused", "olu open", "sue open", "olu open"])
            }
        }

        @Test func whoseCordItWasIsToldToNobody() async throws {
            try await withHouse { house in
                let before = Set(try await house.everything())
                var serials: [String] = []
                for name in Self.pullers {
                    let holder = try house.live.deployment.engineer(name)
                    serials.append(holder.serial)
                    _ = try await house.live.deployment.withClient(holder, at: house.live.port) { client in
                        try await Client(wrapping: client).pullCord(.with { $0.project = "puzzles" })
                    }
                }
                #expect(try await house.isPaused())
                // Not in the database: no name, no certificate, and no time beside the date of the pause.
                let new = try await house.everything().filter { !before.contains($0) }
                let cords = new.filter { $0.hasPrefix("cord") || $0.hasPrefix("concern") }
                #expect(cords.filter { $0.hasPrefix("cord: ") }.count == Self.pullers.count)
                #expect(cords.allSatisfy { $0.firstMatch(of: /[0-9]{2}:[0-9]{2}/) == nil }, "\(cords)")
                #expect(Self.words(new).isDisjoint(with: Self.people), "\(new)")
                #expect(!new.contains { row in serials.contains { row.contains($0) } })

                // Nor to those who may know that it stands still, nor to those who work there.
                let readers = [("sue", Role.supervisor), ("tom", .supervisor), ("olu", .operator), ("ann", .engineer)]
                for (name, role) in readers {
                    let read = try await house.call(name, role) { client in
                        [
                            try await client.listCords(.init()).jsonString(),
                            try await client.listConcerns(.init()).jsonString(),
                            try await client.weeklyDigest(.init()).jsonString(),
                        ]
                    }
                    #expect(Self.words(read).isDisjoint(with: Self.people), "\(name): \(read)")
                }
                let concerns = try await house.call("sue", .supervisor) { try await $0.listConcerns(.init()) }
                #expect(concerns.addressed.map { "\($0.kind) \($0.project) \($0.author)" } == ["cord puzzles "])
                let told = try await house.live.deployment.withClient("olu", .operator, at: house.live.port) { client in
                    try await Plimsoll_V1_Audit.Client(wrapping: client).listEvents(.with { $0.kind = "cord.*" }).events
                }
                #expect(told.map(\.actor) == ["cord"])
                let detail = try #require(told.first?.detail)
                #expect(try JSONValue.parse(detail) == ["actor": "cord", "project": "puzzles"])
            }
        }

        @Test func whereFewWorkACordIsAConcernOfTheSameDay() async throws {
            try await withHouse { house in
                for _ in 0..<2 { #expect(try await house.pull("zoe", "few") == "concern") }
                func addressed(to name: String) async throws -> [Plimsoll_V1_ConcernDocument] {
                    try await house.call(name, .supervisor) { try await $0.listConcerns(.init()) }.addressed
                }
                // Once, however often she pulls.
                let first = try await addressed(to: "sue")
                #expect(first.map(\.kind) == ["cord"])
                let cord = try #require(first.first)
                #expect(cord.project == "few" && cord.author.isEmpty && cord.raisedOn == cord.dueOn)
                #expect(Self.words([cord.text]).isDisjoint(with: ["zoe"]))
                #expect(try await addressed(to: "tom").isEmpty)
                #expect(try await house.call("zoe") { try await $0.listConcerns(.init()) }.own.isEmpty)
                #expect(try await !house.isPaused("few"))
                #expect(try await house.cords("sue", .supervisor).isEmpty)
                _ = try await house.call("sue", .supervisor) { client in
                    try await client.answerConcern(
                        .with {
                            $0.id = cord.id
                            $0.text = "What is it?"
                        })
                }
                #expect(try await addressed(to: "sue").map { $0.answers.map(\.text) } == [["What is it?"]])
                // It was heard, and she may ask anew.
                #expect(try await house.pull("zoe", "few") == "concern")
                #expect(try await addressed(to: "sue").map(\.answers.isEmpty) == [true, false])
            }
        }
    }
}
