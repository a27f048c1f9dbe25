import Coordinator
import Foundation
import Ledger
import Logging
import PlimsollModel
import Postgres
import TestSupport
import Testing

let quiet: Logger = {
    var logger = Logger(label: "test.coordinator")
    logger.logLevel = ProcessInfo.processInfo.environment["PLIMSOLL_TEST_LOG"] == nil ? .error : .debug
    return logger
}()

/// A migrated database with coordinators over it, for the length of a test.
final class Deployment: Sendable {
    let conninfo: String
    let owner: Connection
    let ledger: Ledger

    init(conninfo: String, owner: Connection, ledger: Ledger) {
        self.conninfo = conninfo
        self.owner = owner
        self.ledger = ledger
    }

    static let schema = """
        {"type":"object","properties":{"label":{"type":"string","maxLength":100}},"required":["label"],\
        "additionalProperties":false}
        """

    /// A number of the owner's, for looking behind the scenes.
    func number(_ sql: String) async throws -> Int64 { try await owner.query(Query(.unprepared(sql)))[0].int8(0) }

    /// `host` nil: the cluster itself; else the folder of something that stands before it.
    func coordinatorConfiguration(through host: String? = nil) -> ConnectionConfiguration {
        // Of a key that comes twice libpq takes the last.
        ConnectionConfiguration(
            conninfo: conninfo + " user=plimsoll_coordinator" + (host.map { " host='\($0)' port=5432" } ?? ""))
    }

    func coordinator(
        _ name: String = "one", through host: String? = nil,
        _ adjust: (inout CoordinatorConfiguration) -> Void = { _ in }
    ) -> Coordinator {
        var configuration = CoordinatorConfiguration(name: name, address: "127.0.0.1:1")
        // A stall of the machine under test is not what most tests are about; the one that is sets its own.
        configuration.times.cutOff = .seconds(30)
        adjust(&configuration)
        return Coordinator(
            configuration: configuration, ledger: ledger,
            connections: LedgerConnections(
                base: coordinatorConfiguration(through: host), name: name, logger: quiet), logger: quiet)
    }

    /// A project with people who are enrolled and agreed, and tasks.
    func project(
        _ name: String = "puzzles", overlap: Int = 1, weight: Int = 1, effortSeconds: Int = 60, people: [String],
        zone: String = "Europe/Berlin", tasks: Int
    ) async throws {
        _ = try await ledger.createProject(
            ProjectDraft(
                name: name, instructions: "Look, then say.", answerSchema: Self.schema, overlap: overlap,
                weight: weight, effortSeconds: effortSeconds, purposes: ["taking-part"], namedPersons: ["Ada Boss"]),
            by: "op")
        if try await ledger.notices(id: "part").isEmpty {
            _ = try await ledger.publishNotice(
                NoticeDraft(
                    id: "part", version: 1, locale: "en", purpose: "taking-part", text: "You take part.",
                    data: "labels",
                    recipients: "the team", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
                    alternativeOffered: "the usual work",
                    assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
                    consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"),
                    validityDays: nil, isMaterial: false), by: "op")
        }
        for (index, person) in people.enumerated() {
            // As many supervisors as the span allows.
            let decider = "boss-\(people[index / 20 * 20])"
            try await ledger.grantRole(.supervisor, to: decider, by: "op")
            _ = try await ledger.enrolEngineer(
                person, zone: zone, projects: [name],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: decider, alternativeOffered: "the usual work"),
                by: "op")
            try await agree(person)
        }
        if tasks > 0 { try await importTasks(tasks, project: name) }
    }

    /// To the only notice.
    func agree(_ person: String) async throws {
        _ = try await ledger.giveAgreement(
            notice: "part", version: 1, sha256: try await ledger.notices(id: "part")[0].sha256,
            voice: ConsentVoice(name: person, certificateSerial: "ab01"))
    }

    func importTasks(
        _ count: Int, from first: Int = 0, project: String = "puzzles", priority: Int = 0, kind: String = "puzzle",
        severity: Int = 0, efforts: [Int?] = [nil]
    ) async throws {
        let drafts = (first..<first + count).map {
            TaskDraft(
                key: "t\($0)", kind: kind, severity: severity, priority: priority,
                effortSeconds: efforts[$0 % efforts.count], payload: Array("{\"n\":\($0)}".utf8))
        }
        _ = try await ledger.importTasks(
            AsyncThrowingStream<ImportPiece, any Error> { continuation in
                continuation.yield(ImportPiece(request: ImportRequest(project: project, source: "test")))
                for start in stride(from: 0, to: drafts.count, by: 1_000) {
                    continuation.yield(ImportPiece(tasks: Array(drafts[start..<min(start + 1_000, drafts.count)])))
                }
                continuation.yield(ImportPiece(total: drafts.count))
                continuation.finish()
            }, by: "op")
    }

    /// Once everything is answered nobody holds slots any more, and none is left over.
    func expectNothingHeld() async throws {
        try await eventually("spans, blocks and returned slots are gone") {
            try await number(
                "select (select count(*) from span) + (select count(*) from block) + (select count(*) from returned)")
                == 0
        }
    }

    func limits(openLeases: Int) async throws { try await policy("open-leases: \(openLeases)") }
}

/// So many deployments at once: coordinators that share two processors with a hundred others could not renew their
/// lives in time, and every test would be one of overload.
private actor Turns {
    static let shared = Turns(count: 6)
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) { free = count }

    func take() async {
        if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

func withDeployment<R: Sendable>(_ body: (Deployment) async throws -> R) async throws -> R {
    await Turns.shared.take()
    let result: Result<R, any Error>
    do { result = .success(try await withNewDeployment(body)) } catch { result = .failure(error) }
    await Turns.shared.giveBack()
    return try result.get()
}

private func withNewDeployment<R: Sendable>(_ body: (Deployment) async throws -> R) async throws -> R {
    try await withDatabase { conninfo in
        var configuration = ConnectionConfiguration(conninfo: conninfo)
        configuration.settings = [("search_path", "plimsoll")]
        let owner = try await Connection.connect(configuration, logger: quiet)
        try await Migrator(logger: quiet).run(owner)
        var role = ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
        role.settings = Ledger.sessionSettings
        let pool = Pool(configuration: role, limits: Pool.Limits(max: 8), logger: quiet)
        let deployment = Deployment(conninfo: conninfo, owner: owner, ledger: Ledger(pool: pool))
        let result: Result<R, any Error>
        do {
            try await deployment.policy()
            result = .success(try await body(deployment))
        } catch { result = .failure(error) }
        await pool.close()
        await owner.close()
        return try result.get()
    }
}

/// Runs coordinators while `body` runs, then cancels them, which is how a killed process looks to the database.
func running<R: Sendable>(_ coordinators: Coordinator..., body: () async throws -> R) async throws -> R {
    let tasks = coordinators.map { coordinator in Task { try await coordinator.run() } }
    for coordinator in coordinators { try await eventually("a coordinator is ready") { coordinator.isReady } }
    let result: Result<R, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    for task in tasks {
        task.cancel()
        _ = await task.result
    }
    return try result.get()
}

/// Tries until it holds, within a budget that only a failure uses up.
func eventually(
    _ what: String, within budget: Duration = .seconds(60), _ holds: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + budget
    while ContinuousClock.now < end {
        if try await holds() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("never happened: \(what)")
    throw CancellationError()
}

/// A worker at the coordinator's own interface.
final class Hand: Sendable {
    let stream: AttachedStream
    private let replies: AsyncThrowingStream<StreamReply, any Error>

    init(
        _ coordinator: Coordinator, _ person: String, inFlight: Int = 8, held: [LeaseReference] = [],
        session: Int64 = 0, serial: String = "ab01", project: String? = nil
    ) async throws {
        stream = try await coordinator.attach(
            StreamOpening(
                person: person, serial: serial, worker: "w", inFlight: inFlight, project: project, held: held,
                session: session))
        replies = stream.replies
    }

    func want(_ count: Int) {
        var request = StreamRequest()
        request.want = count
        stream.receive(request)
    }

    func submit(_ lease: LeaseReference, _ label: String = "a", want: Int = 0) {
        var request = StreamRequest()
        request.submits = [SubmittedAnswer(lease: lease, answer: Array("{\"label\":\"\(label)\"}".utf8))]
        request.want = want
        stream.receive(request)
    }

    func decline(_ lease: LeaseReference, want: Int = 0) {
        var request = StreamRequest()
        request.declines = [Decline(lease: lease)]
        request.want = want
        stream.receive(request)
    }

    func release(_ lease: LeaseReference) {
        var request = StreamRequest()
        request.releases = [lease]
        stream.receive(request)
    }

    /// Reads replies until `done` says so; throws when nothing comes for long.
    @discardableResult
    func read(
        within budget: Duration = .seconds(60), until done: (StreamReply) -> Bool
    ) async throws -> [StreamReply] {
        let watchdog = Task { [stream] in
            try await Task.sleep(for: budget)
            Issue.record("the coordinator fell silent")
            stream.detach()
        }
        defer { watchdog.cancel() }
        var seen: [StreamReply] = []
        for try await reply in replies {
            seen.append(reply)
            if done(reply) { return seen }
        }
        throw StreamEnd(.drained, "the stream ended")
    }

    /// The next lease or idle.
    func next() async throws -> (leases: [LeaseGrant], idle: IdleAnswer?) {
        let seen = try await read { !$0.leases.isEmpty || $0.idle != nil }
        return (seen.flatMap(\.leases), seen.compactMap(\.idle).last)
    }

    /// Asks until a lease comes; what is in other hands comes free sooner or later.
    func lease() async throws -> LeaseGrant {
        while true {
            want(1)
            let (leases, idle) = try await next()
            if let lease = leases.first { return lease }
            // In doubt, as when a life was renewed late, nothing is given.
            #expect(idle?.reason == .allInOtherHands || idle?.reason == .notReady)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    func settlement() async throws -> Settlement {
        let seen = try await read { !$0.settlements.isEmpty }
        return try #require(seen.flatMap(\.settlements).first)
    }
}
