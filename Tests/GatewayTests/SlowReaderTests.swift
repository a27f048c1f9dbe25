import Foundation
import GRPCCore
import Identity
import Ledger
import Logging
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// People who read a stream of their own data slowly, over a real database and its pool of eight connections.
@Suite(.timeLimit(.minutes(5))) struct SlowReaderTests {
    /// Takes nothing until it is let go on.
    private final class Reader<Element: Sendable>: RPCWriterProtocol {
        private let gate: AsyncStream<Void>
        private let opener: AsyncStream<Void>.Continuation
        private let parts = Mutex(0)

        init() { (gate, opener) = AsyncStream.makeStream(of: Void.self) }

        /// Whether something was sent to it.
        var isServed: Bool { parts.withLock { $0 > 0 } }
        func goOn() { opener.finish() }

        func write(_ element: Element) async throws {
            parts.withLock { $0 += 1 }
            for await _ in gate {}
        }
        func write(contentsOf elements: some Sequence<Element>) async throws {
            for element in elements { try await write(element) }
        }
    }

    private typealias DataReader = Reader<Plimsoll_V1_DataPart>
    private typealias ExportReader = Reader<Plimsoll_V1_ExportLabelsResponse>

    private struct Office: Sendable {
        let ledger: Ledger
        let owner: Connection
        let person: PersonService
        let control: ControlService

        /// How a reading of one's own data ends; nil: well.
        func end(_ name: String, _ reader: DataReader) async -> GatewayError? {
            await end {
                let identity = try PeerIdentity(
                    role: .engineer, name: name, worker: "w1", trustDomain: "test.example")
                try await person.showData(
                    request: .init(), response: RPCWriter(wrapping: reader),
                    context: context("Person", "ShowData", identity))
            }
        }

        /// How an export ends; nil: well.
        func end(export reader: ExportReader, by name: String) async -> GatewayError? {
            await end {
                let identity = try PeerIdentity(role: .operator, name: name, trustDomain: "test.example")
                try await control.exportLabels(
                    request: .with {
                        $0.project = "puzzles"
                        $0.purpose = "taking-part"
                    }, response: RPCWriter(wrapping: reader), context: context("Control", "ExportLabels", identity))
            }
        }

        private func end(_ call: () async throws -> Void) async -> GatewayError? {
            do {
                try await call()
                return nil
            } catch {
                return GatewayError(of: error)
            }
        }

        private func context(_ service: String, _ method: String, _ identity: PeerIdentity) -> ServerContext {
            var context = ServerContext(
                descriptor: MethodDescriptor(fullyQualifiedService: "plimsoll.v1.\(service)", method: method),
                remotePeer: "in-process", localPeer: "in-process", cancellation: .init())
            context.transportSpecific = Caller(identity: identity, serial: "0a", notAfter: Date() + 3_600)
            return context
        }

        /// Reads all of it without a pause.
        func read(_ name: String) async -> GatewayError? {
            let reader = DataReader()
            reader.goOn()
            return await end(name, reader)
        }
    }

    private func withOffice(
        turn: Duration = .seconds(300), pauseMax: Duration = Ledger.readerPauseMax,
        _ body: (Office) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test.slow", factory: { _ in SwiftLogNoOpLogHandler() })
        try await withLedger(operator: "olga", logger) { test in
            try await Puzzles.fill(
                test.ledger, answerSchema: #"{"type":"string"}"#, agreements: [("taking-part", nil)])
            var times = GatewayConfiguration.Times()
            times.turn = turn
            try await body(
                Office(
                    ledger: test.ledger, owner: test.owner,
                    person: PersonService(
                        ledger: test.ledger, turns: StreamTurns(GatewayConfiguration.Limits(), times),
                        pauseMax: pauseMax),
                    control: ControlService(
                        ledger: test.ledger, authority: nil,
                        turns: StreamTurns(GatewayConfiguration.Limits(), times))))
        }
    }

    @Test func slowReadersOfTheirOwnDataStopNoOtherCall() async throws {
        try await withOffice(turn: .milliseconds(200)) { office in
            // As many as there are connections.
            let names = ["ann", "bob", "olga", "boss", "ann", "bob", "olga", "boss"]
            let readers = names.map { _ in DataReader() }
            try await withThrowingTaskGroup(of: GatewayError?.self) { group in
                for (name, reader) in zip(names, readers) { group.addTask { await office.end(name, reader) } }
                var refused = 0
                while refused < 6, let end = try await group.next() {
                    let refusal = try #require(end)
                    #expect(refusal.code == .limitExceeded && refusal.retryAfter != nil)
                    #expect(refusal.message.contains("try again in a moment"), "\(refusal)")
                    refused += 1
                }
                #expect(await eventually { readers.count(where: \.isServed) == 2 })
                #expect(office.ledger.pool.statistics.lent == 2)
                #expect(office.person.turns.openCount == 2 && office.person.turns.waitingCount == 0)
                _ = try await office.ledger.access(of: "ann")
                for reader in readers { reader.goOn() }
                for try await end in group { #expect(end?.code == nil) }
            }
            #expect(office.ledger.pool.statistics.lent == 0)
            #expect(await office.read("boss")?.code == nil)
        }
    }

    @Test func aReaderWhoStopsIsToldWhyAndTheNextReadsOn() async throws {
        // Long enough for a reader who makes no pause on a busy machine.
        try await withOffice(pauseMax: .seconds(10)) { office in
            let reader = DataReader()
            let call = Task { await office.end("ann", reader) }
            #expect(await eventually { reader.isServed })
            let isEnded = try await eventually {
                try await office.owner.query(
                    Query(
                        .unprepared(
                            """
                            select count(*) from pg_stat_activity
                            where datname = current_database() and state = 'idle in transaction'
                            """)))[0].int8(0) == 0
            }
            #expect(isEnded)
            reader.goOn()
            let end = await call.value
            let refusal = try #require(end)
            #expect(refusal.code == .refused && refusal.message.contains("nothing of the stream was taken"))
            #expect(refusal.message.contains("without a pause"), "\(refusal)")
            #expect(office.ledger.pool.statistics.lent == 0 && office.person.turns.openCount == 0)
            for name in ["ann", "bob"] { #expect(await office.read(name)?.code == nil) }
        }
    }

    @Test func aSecondStreamOfOnePersonWaitsForTheFirstAndHoldsNobodyUp() async throws {
        try await withOffice { office in
            let (first, second) = (DataReader(), DataReader())
            second.goOn()
            let one = Task { await office.end("ann", first) }
            #expect(await eventually { first.isServed })
            let two = Task { await office.end("ann", second) }
            #expect(await eventually { office.person.turns.waitingCount == 1 })
            #expect(await office.read("bob")?.code == nil)
            // A third does not even wait.
            #expect(await office.read("ann")?.code == .limitExceeded)
            #expect(!second.isServed)
            first.goOn()
            for call in [one, two] { #expect(await call.value?.code == nil) }
            #expect(second.isServed && office.person.turns.openCount == 0)
        }
    }

    @Test func exportsTakeTurnsToo() async throws {
        try await withOffice(turn: .milliseconds(200)) { office in
            let slow = ["olga", "otto"].map { (name: $0, reader: ExportReader()) }
            let calls = slow.map { export in Task { await office.end(export: export.reader, by: export.name) } }
            #expect(await eventually { slow.allSatisfy(\.reader.isServed) })
            // One of each person, and two in all.
            for name in ["olga", "oscar"] {
                let reader = ExportReader()
                #expect(await office.end(export: reader, by: name)?.code == .limitExceeded)
                #expect(!reader.isServed)
            }
            // Readers of their own data have turns of their own.
            #expect(await office.read("ann")?.code == nil)
            for export in slow { export.reader.goOn() }
            for call in calls { #expect(await call.value?.code == nil) }
            let next = ExportReader()
            next.goOn()
            #expect(await office.end(export: next, by: "oscar")?.code == nil)
        }
    }

    @Test func whoGivesUpWaitingHoldsNobodyUp() async throws {
        var times = GatewayConfiguration.Times()
        times.turn = .seconds(300)
        var limits = GatewayConfiguration.Limits()
        limits.streamsMax = 1
        let turns = StreamTurns(limits, times)
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let holder = Task { try await turns.withTurn(of: "ann") { for await _ in gate {} } }
        #expect(await eventually { turns.openCount == 1 })
        let waiter = Task { try await turns.withTurn(of: "bob") {} }
        #expect(await eventually { turns.waitingCount == 1 })
        let next = Task { try await turns.withTurn(of: "cid") {} }
        #expect(await eventually { turns.waitingCount == 2 })
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        #expect(turns.waitingCount == 1)
        opener.finish()
        try await holder.value
        try await next.value
        #expect(turns.openCount == 0 && turns.waitingCount == 0)
    }
}
