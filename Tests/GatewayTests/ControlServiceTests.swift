import Foundation
import GRPCCore
import Identity
import Ledger
import Logging
import PlimsollModel
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import TestSupport
import Testing

@testable import Gateway

/// The control service and the desk over a real database, called as the interceptor calls them: with a caller.
@Suite struct ControlServiceTests {
    private struct Office: Sendable {
        let control: ControlService
        let desk: LedgerDesk
        let ledger: Ledger
        let authority: CertificateAuthority
        let conninfo: String

        /// By plain SQL as the database's owner.
        func asOwner(_ sql: String) async throws {
            let owner = try await Connection.connect(
                ConnectionConfiguration(conninfo: conninfo), logger: Logger(label: "test.control"))
            try await owner.execute(script: "set search_path = plimsoll; \(sql)")
            await owner.close()
        }

        func context(_ name: String = "ada", _ role: Role = .operator) throws -> ServerContext {
            var context = ServerContext(
                descriptor: MethodDescriptor(fullyQualifiedService: "plimsoll.v1.Control", method: "Test"),
                remotePeer: "in-process", localPeer: "in-process", cancellation: .init())
            context.transportSpecific = try caller(name, role)
            return context
        }

        func caller(_ name: String, _ role: Role) throws -> Caller {
            Caller(
                identity: try PeerIdentity(
                    role: role, name: name, worker: role == .engineer ? "w1" : nil,
                    trustDomain: authority.trustDomain),
                serial: "0a", notAfter: Date() + 3_600)
        }
    }

    private func withOffice(_ body: (Office) async throws -> Void) async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test.control")
            let owner = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            try await Migrator(logger: logger).run(owner)
            try await Ledger.nameFirstOperator("ada", owner)
            await owner.close()
            var configuration = ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
            configuration.settings = Ledger.sessionSettings
            let pool = Pool(configuration: configuration, logger: logger)
            let folder = try TestFolder.make("authority")
            try CertificateAuthority.create(trustDomain: "test.example", in: folder, now: Date())
            let authority = try CertificateAuthority.load(from: folder)
            let ledger = Ledger(pool: pool)
            let result: Result<Void, any Error>
            do {
                try await body(
                    Office(
                        control: ControlService(ledger: ledger, authority: authority),
                        desk: LedgerDesk(ledger: ledger, authority: authority), ledger: ledger,
                        authority: authority, conninfo: conninfo))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await pool.close()
            try result.get()
        }
    }

    private static let project = Plimsoll_V1_ProjectDocument.with {
        $0.name = "puzzles"
        $0.instructions = "Look, then say."
        $0.answerSchema =
            #"{"type":"object","properties":{"label":{"enum":["a","b"]}},"required":["label"],"additionalProperties":false}"#
        $0.purposes = ["taking-part"]
        $0.namedPersons = ["Ada"]
    }

    private static let notice = Plimsoll_V1_NoticeDocument.with {
        $0.id = "part"
        $0.version = 1
        $0.locale = "en"
        $0.purpose = "taking-part"
        $0.text = "You take part."
        $0.data = "labels"
        $0.recipients = "the team"
        $0.retention = "a year"
        $0.withdrawalMethod = "plimsoll consent withdraw"
        $0.alternativeOffered = "the usual work"
        $0.assessment = "impact assessment of the test"
        $0.assessmentOn = "2026-01-05"
        $0.consultation = "meeting of the workers 1"
        $0.consultationOn = "2026-01-12"
    }

    private static let enrolment = Plimsoll_V1_EnrolEngineerRequest.with {
        $0.name = "ann"
        $0.zone = "Europe/Berlin"
        $0.projects = ["puzzles"]
        $0.rule = "volunteers/1"
        $0.dataUsed = "none"
        $0.decidedBy = "ada"
        $0.alternativeOffered = "the usual work"
        $0.token = true
    }

    private func messages(_ list: [Plimsoll_V1_ImportTasksRequest]) -> RPCAsyncSequence<
        Plimsoll_V1_ImportTasksRequest, any Error
    > {
        RPCAsyncSequence(
            wrapping: AsyncThrowingStream { continuation in
                for message in list { continuation.yield(message) }
                continuation.finish()
            })
    }

    @Test func fromAProjectToAnEngineerWhoMayWork() async throws {
        try await withOffice { office in
            let control = office.control
            let context = try office.context()
            let project = try await control.createProject(request: Self.project, context: context)
            #expect(project.overlap == 1 && project.effortSeconds == 300 && project.state == "open")
            _ = try await control.publishNotice(request: Self.notice, context: context)
            let enrolled = try await control.enrolEngineer(request: Self.enrolment, context: context)
            #expect(!enrolled.token.isEmpty)
            let key = KeyPair()
            let request = try CertificateRequest(
                identity: .engineer("ann", worker: "w1", trustDomain: "test.example"), key: key)
            func issue(_ token: String) async throws -> Plimsoll_V1_CertificateChain {
                try await control.issueCertificate(
                    request: .with {
                        $0.request = request.pem
                        $0.token = token
                        $0.validityHours = 30 * 24
                    }, context: context)
            }
            await #expect(throws: GatewayError.self) { _ = try await issue("") }
            let chain = try await issue(enrolled.token)
            #expect(!chain.serial.isEmpty)
            await #expect(throws: LedgerError.self) { _ = try await issue(enrolled.token) }
            let certificates = try await control.listCertificates(request: .init(), context: context)
            #expect(certificates.certificates.map(\.serial) == [chain.serial])

            _ = try await control.applyPolicy(
                request: .with {
                    $0.document = "limits: {quiet-hours: none}"
                    $0.reason = "no test depends on the hour"
                }, context: context)
            let ann = try office.caller("ann", .engineer)
            var me = try await office.desk.showMe(.init(), caller: ann)
            #expect(me.projects.map(\.refusal.rule) == ["agreement"])
            let agreements = try await office.desk.listAgreements(.init(), caller: ann)
            let shown = try #require(agreements.notices.first)
            #expect(shown.state.isEmpty && shown.projects == ["puzzles"])
            let receipt = try await office.desk.giveAgreement(
                .with {
                    $0.notice = shown.notice.id
                    $0.version = shown.notice.version
                    $0.sha256 = shown.notice.sha256
                }, caller: ann)
            #expect(receipt.state == "given" && receipt.untilMicroseconds > receipt.atMicroseconds)
            me = try await office.desk.showMe(.init(), caller: ann)
            #expect(me.projects.count == 1 && !me.projects[0].hasRefusal)
            #expect(me.openLeasesLimit == 3 && me.zone == "Europe/Berlin")
            let engineers = try await control.listEngineers(request: .init(), context: context)
            #expect(engineers.engineers.map(\.available) == [true])
            let renewed = try await office.desk.renewCertificate(
                .with { $0.request = request.pem },
                caller: Caller(identity: ann.identity, serial: chain.serial, notAfter: ann.notAfter))
            #expect(renewed.serial != chain.serial)
            // For as long as the one that it takes the place of, however often.
            let lengths = try await office.ledger.certificates(of: "ann").map { $0.notAfter - $0.notBefore }
            #expect(lengths.count == 2 && Set(lengths).count == 1 && lengths[0] >= .hours(30 * 24))
            let withdrawn = try await office.desk.withdrawAgreement(
                .with { $0.purpose = "taking-part" }, caller: ann)
            #expect(withdrawn.state == "withdrawn")
            let denied = try await control.denyCertificate(
                request: .with {
                    $0.name = "ann"
                    $0.reason = "left"
                }, context: context)
            #expect(denied.certificates == 2)
        }
    }

    /// Also under a role that somebody does not hold their own data can be read: nobody gets a certificate in another's
    /// name without the token that was given to that person.
    @Test func everyPersonsFirstCertificateNeedsTheirToken() async throws {
        try await withOffice { office in
            let control = office.control
            let context = try office.context()
            func issue(_ identity: PeerIdentity, _ token: String, hours: UInt32 = 24) async throws {
                let request = try CertificateRequest(identity: identity, key: KeyPair()).pem
                _ = try await control.issueCertificate(
                    request: .with {
                        $0.request = request
                        $0.token = token
                        $0.validityHours = hours
                    }, context: context)
            }
            func grant(_ name: String, _ role: String) async throws -> String {
                try await control.grantRole(
                    request: .with {
                        $0.name = name
                        $0.role = role
                        $0.token = true
                    }, context: context
                ).token
            }
            for role in [Role.supervisor, .reviewer, .operator] {
                let ann = try PeerIdentity(role: role, name: "ann", worker: nil, trustDomain: "test.example")
                let refused = await #expect(throws: GatewayError.self) { try await issue(ann, "") }
                #expect(refused?.message.contains("token") == true)
                let bens = try await grant("ben", "reviewer")
                await #expect(throws: LedgerError.self) { try await issue(ann, bens) }
                // What the authority refuses, or who it is not for, leaves a token as it was.
                let anns = try await grant("ann", role.rawValue)
                await #expect(throws: (any Error).self) { try await issue(ann, anns, hours: 100_000) }
                try await issue(ann, anns)
                try await issue(
                    try PeerIdentity(role: .reviewer, name: "ben", worker: nil, trustDomain: "test.example"), bens)
            }
            // Ben's second and third token are on the record like the first; the operator's own role came without.
            let grants = try await office.ledger.chainEvents(kind: "role.granted", limit: 100)
            #expect(grants.count == 7)
            // Operators sign for themselves.
            let me = try PeerIdentity(
                role: .operator, name: context.caller.name, worker: nil, trustDomain: "test.example")
            try await issue(me, "")
        }
    }

    @Test func anImportNeedsItsHeaderAndItsTotal() async throws {
        try await withOffice { office in
            let context = try office.context()
            _ = try await office.control.createProject(request: Self.project, context: context)
            let header = Plimsoll_V1_ImportTasksRequest.with {
                $0.header = .with {
                    $0.project = "puzzles"
                    $0.source = "test.jsonl"
                }
            }
            let tasks = Plimsoll_V1_ImportTasksRequest.with {
                $0.tasks = (0..<3).map { number in
                    .with {
                        $0.key = "t\(number)"
                        $0.payload = Data("{\"n\":\(number)}".utf8)
                    }
                }
            }
            let end = Plimsoll_V1_ImportTasksRequest.with { $0.total = 3 }
            for bad in [[tasks, end], [header, tasks], [header, end], []] {
                await #expect(throws: LedgerError.self) {
                    _ = try await office.control.importTasks(request: messages(bad), context: context)
                }
            }
            let done = try await office.control.importTasks(request: messages([header, tasks, end]), context: context)
            #expect(done.imported == 3 && done.import > 0)
            let list = try await office.control.listTasks(
                request: .with { $0.project = "puzzles" }, context: context)
            #expect(list.tasks.map(\.key) == ["t0", "t1", "t2"] && list.tasks.allSatisfy { $0.state == "waiting" })
            let status = try await office.control.queueStatus(request: .init(), context: context)
            #expect(status.projects.map(\.waiting) == [3])
            let cancelled = try await office.control.cancelImport(
                request: .with { $0.import = done.import }, context: context)
            #expect(cancelled.cancelled == 3 && cancelled.kept == 0)
        }
    }

    private static let short = "limits: {continuous-time: 3m, break: 3m, quiet-hours: none}"

    private func apply(_ document: String, _ office: Office) async throws -> Plimsoll_V1_PolicyVersion {
        try await office.control.applyPolicy(
            request: .with {
                $0.document = document
                $0.reason = "a test"
            }, context: office.context())
    }

    private func importTasks(_ efforts: [UInt32], _ office: Office) async throws -> Plimsoll_V1_ImportTasksResponse {
        try await office.control.importTasks(
            request: messages([
                .with { $0.header = .with { $0.project = "puzzles" } },
                .with {
                    $0.tasks = efforts.map { effort in
                        .with {
                            $0.key = "e\(effort)"
                            $0.kind = "essay"
                            $0.effortSeconds = effort
                            $0.payload = Data("{}".utf8)
                        }
                    }
                }, .with { $0.total = UInt64(efforts.count) },
            ]), context: office.context())
    }

    @Test func tasksThatFitNobodyAreSpokenOfWhenAPolicyOrTheyComeIn() async throws {
        try await withOffice { office in
            _ = try await office.control.createProject(request: Self.project, context: office.context())
            #expect(try await importTasks([120, 600], office).warnings.isEmpty)
            let words =
                "in puzzles tasks of kind essay and severity 0 with an estimate of 10m are leased to nobody: "
                + "the longest that fits is 3m (break)"
            let applied = try await apply(Self.short, office)
            #expect(applied.version == 2 && applied.warnings.count == 1)
            #expect(applied.warnings[0].hasPrefix(words), "\(applied.warnings)")
            let more = try await importTasks([900], office)
            #expect(more.imported == 1 && more.warnings.count == 1 && more.warnings[0].contains("an estimate of 15m"))
            // A project that is paused waits for nobody's policy.
            _ = try await office.ledger.setProjectState("puzzles", to: .paused, by: "ada")
            #expect(try await apply(Self.short, office).warnings.isEmpty)
            _ = try await office.ledger.setProjectState("puzzles", to: .open, by: "ada")
            let back = try await OrganisationService(ledger: office.ledger).rollBackPolicy(
                request: .with {
                    $0.version = 2
                    $0.reason = "once more"
                }, context: office.context())
            #expect(back.version == 4 && back.warnings.count == 1)
            #expect(try await apply("limits: {quiet-hours: none}", office).warnings.isEmpty)
        }
    }

    /// Estimates of up to five minutes are not looked for one by one, so no figure is made up.
    @Test func ofShortTasksNoEstimateIsSaid() async throws {
        try await withOffice { office in
            _ = try await office.control.createProject(request: Self.project, context: office.context())
            _ = try await importTasks([240], office)
            let said = try await apply(Self.short, office).warnings
            #expect(
                said.count == 1
                    && said[0].hasPrefix(
                        "in puzzles tasks of kind essay and severity 0 that take longer than 3m are leased to nobody (break); "
                    ))
        }
    }

    @Test func aProjectThatIsMadeSaysWhatSpeaksAgainstIt() async throws {
        try await withOffice { office in
            var project = Self.project
            project.namedPersons = ["ada"]
            var made = try await office.control.createProject(request: project, context: office.context())
            #expect(made.warning.isEmpty)
            // A name is as it was written: nobody is named so.
            made = try await office.control.setProject(
                request: .with {
                    $0.name = "puzzles"
                    $0.namedPersons = ["ada", "Ada", "nobody"]
                }, context: office.context())
            #expect(made.warning.hasPrefix("nobody here is named Ada, nobody, so no concern reaches them"))
            _ = try await apply(Self.short, office)
            project.name = "essays"
            made = try await office.control.createProject(request: project, context: office.context())
            #expect(
                made.warning.hasPrefix(
                    "tasks with an estimate of 5m are leased to nobody: the longest that fits is 3m (break)"),
                "\(made.warning)")
        }
    }

    /// The project is there by then.
    @Test func whatCannotBeLookedAtAfterwardsIsNoErrorOfTheCall() async throws {
        try await withOffice { office in
            var project = Self.project
            project.namedPersons = ["ada"]
            // A policy that this build cannot read stops every look.
            try await office.asOwner("insert into policy (document, author, reason) values ('pace: fast', 'x', 'x')")
            let made = try await office.control.createProject(request: project, context: office.context())
            #expect(made.name == "puzzles" && made.id > 0 && made.warning.isEmpty)
            let set = try await office.control.setProject(
                request: .with {
                    $0.name = "puzzles"
                    $0.weight = 2
                }, context: office.context())
            #expect(set.weight == 2)
            #expect(try await importTasks([60], office).imported == 1)
        }
    }
}
