import Foundation
import PlimsollProtocol
import PrivateCluster
import SwiftProtobuf
import TestSupport
import Testing

extension SystemTests {
    /// What goes wrong around a deployment has a defined end and a message that says what to do.
    @Suite struct FailureTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        // MARK: - A coordinator that cannot start

        @Test func `a coordinator that cannot start says why and ends`() async throws {
            try await LiveSystem.with(.init()) { system in
                let good = try String(contentsOf: system.configuration(0), encoding: .utf8)
                func serve(_ name: String, _ text: String) async throws -> Finished {
                    let file = try system.file("\(name).yaml", text)
                    return try await system.run(["serve", "--config", file.plain], within: .seconds(30))
                }
                func change(_ from: String, _ to: String) -> String {
                    good.replacingOccurrences(of: from, with: to)
                }
                let free = "127.0.0.1:\(try LiveSystem.freePort())"
                let cases: [(name: String, text: String, code: Int32, says: [String])] = [
                    ("unknown-key", good + "colour: blue\n", 2, ["colour", "unknown-key.yaml"]),
                    ("bad-duration", change("shutdown: 10s", "shutdown: soon"), 2, ["shutdown"]),
                    ("no-identity", change("/coordinator-1\n", "/nobody\n"), 1, ["nobody"]),
                    ("wrong-role", change("/coordinator-1\n", "/identities/olu\n"), 2, ["coordinator"]),
                    ("port-taken", good, 1, [system.address(0)]),
                    (
                        "no-database",
                        change(system.address(0), free).replacingOccurrences(of: "host='", with: "host='/nowhere"), 1,
                        ["database"]
                    ),
                ]
                for (name, text, code, says) in cases {
                    let result = try await serve(name, text)
                    progress("failure \(name): \(result.code) \(result.errors.suffix(300))")
                    #expect(result.code != 0 && result.code != -1, "\(name): \(result)")
                    if code == 2 { #expect(result.code == code, "\(name): \(result)") }
                    for words in says { #expect(result.errors.contains(words), "\(name) says \(words): \(result)") }
                }
            }
        }

        @Test func `a schema of another build is refused with the command to run`() async throws {
            try await LiveSystem.with(.init()) { system in
                let empty = system.cluster.conninfo(database: "template1", user: "plimsoll_coordinator")
                let text = try String(contentsOf: system.configuration(0), encoding: .utf8)
                    .replacingOccurrences(
                        of: system.cluster.conninfo(user: "plimsoll_coordinator"), with: empty)
                let file = try system.file("empty.yaml", text)
                let result = try await system.run(["serve", "--config", file.plain], within: .seconds(30))
                #expect(result.code == 3, "\(result)")
                #expect(result.errors.contains("plimsoll migrate"), "\(result)")
            }
        }

        // MARK: - plimsoll up

        @Test func `up refuses a folder that it cannot write and a port that is taken`() async throws {
            try await LiveSystem.with(.init()) { system in
                let proc = try await system.run(["up", "--data", "/proc/plimsoll"], within: .seconds(30))
                #expect(proc.code != 0 && proc.code != -1 && proc.errors.contains("/proc/plimsoll"), "\(proc)")
                let data = system.folder.appending(path: "up")
                let taken = try await system.run(
                    ["up", "--data", data.plain, "--listen", system.address(0)], within: .seconds(30))
                #expect(taken.code == 1 && taken.errors.contains(system.address(0)), "\(taken)")
            }
        }

        /// P5 and P12: what was acknowledged before, meanwhile and after is all in the export.
        @Test(.needsMounting)
        func `PostgreSQL's disk full under load loses nothing, and work goes on once there is room`() async throws {
            let plan = LiveSystem.Plan(policy: "bench", postgresDisk: "size=256m")
            try await LiveSystem.with(plan) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject(
                    "flow", schema: #"{"type": "string", "maxLength": 100}"#, overlap: 1, effortSeconds: 600,
                    purposes: Self.purposes)
                try await system.importTasks((1...8_000).map { "t\($0)" }, project: "flow")
                try await system.enrol(["ada", "bo"], projects: ["flow"], purposes: Self.purposes)
                let crowd = try system.startCrowd(
                    "full", engineers: ["ada", "bo"], project: "flow", inFlight: 4, rate: 100)
                var diary = DiaryReader(system.diary("full"))
                var accepted: [DiaryLine] = []
                func waitForLabels(_ count: Int) async throws {
                    let isEnough = try await eventually(within: .seconds(90)) {
                        accepted += try diary.read().filter { $0.kind == "accepted" }
                        return accepted.count >= count
                    }
                    #expect(isEnough, "\(accepted.count) labels\n\(system.logTail(0))")
                }
                try await waitForLabels(200)
                let ballast = try await Self.fillDisk(system.postgresFolder)
                // Of the sort that cannot be compressed.
                let lines = (1...500).map { number in
                    let payload = Data((0..<15_000).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
                    return #"{"key": "big-\#(number)", "payload": {"text": "\#(payload)"}}"# + "\n"
                }
                let big = try system.file("big.jsonl", lines.joined())
                let words = ["task", "import", big.plain, "--project", "flow"]
                let full = try await system.run(words, as: system.operatorIdentity)
                progress("failure disk full: \(full.code) \(full.errors)")
                #expect(full.code == 1 && full.errors.contains("database"), "\(full)")
                #expect(full.errors.contains("next: "), "\(full)")
                #expect(try system.coordinator(0).exitCode == nil)
                try FileManager.default.removeItem(at: ballast)
                // Where it could not even write its log, PostgreSQL has ended, and whoever runs it starts it again.
                if await system.cluster.processID == nil { try await system.restartPostgres() }
                try await waitForLabels(accepted.count + 400)
                let again = try await system.run(words, as: system.operatorIdentity)
                #expect(again.code == 0 && again.output.contains("500 tasks imported"), "\(again)")
                crowd.signal(SIGTERM)
                let code = await crowd.end(within: .seconds(60))
                #expect(code == 0, "\(crowd.errorText.suffix(2_000))")
                accepted += try diary.read().filter { $0.kind == "accepted" }
                let labels = try await system.exportLabels("flow", purpose: Self.purposes[0]).map(\.answer)
                #expect(Set(labels).count == labels.count)
                let lost = Set(accepted.map { "\($0.engineer)-\($0.task)-\($0.fence)" }).subtracting(labels)
                #expect(lost.isEmpty, "\(lost.count) acknowledged labels are not in the export: \(lost.prefix(5))")
            }
        }

        /// Leaves a little room, as a disk that fills does.
        private static func fillDisk(_ folder: URL) async throws -> URL {
            let left = 512 * 1_024
            let attributes = try FileManager.default.attributesOfFileSystem(forPath: folder.plain)
            let free = try #require(attributes[.systemFreeSize] as? Int)
            let ballast = folder.appending(path: "ballast")
            let result = try await Machine.run(
                URL(filePath: "/usr/bin/fallocate"), ["-l", "\(free - left)", ballast.plain])
            #expect(result.code == 0, "\(result)")
            return ballast
        }

        @Test(.needsMounting)
        func `a full disk stops up and an export with a message, and leaves no sealed export`() async throws {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                let small = system.folder.appending(path: "small")
                try await Machine.withSmallDisk(small, "size=96k") { try await Self.fill(small, system) }
            }
        }

        private static func fill(_ small: URL, _ system: LiveSystem) async throws {
            let up = try await system.run(
                ["up", "--data", small.appending(path: "data").plain, "--listen", "127.0.0.1:0"], within: .seconds(60))
            #expect(up.code == 1 && up.errors.contains("are needed"), "\(up)")
            try await system.publishNotices(purposes)
            try await system.createProject("disk", schema: schema, overlap: 1, purposes: purposes)
            try await system.importTasks((1...600).map { "t\($0)" }, project: "disk")
            try await system.enrol(["ada"], projects: ["disk"], purposes: purposes)
            try await answerAll(system, "ada", project: "disk", 600)
            let target = small.appending(path: "export")
            let export = try await system.run(
                ["label", "export", "--project", "disk", "--purpose", purposes[0], "--to", target.plain],
                as: system.operatorIdentity)
            #expect(export.code == 1 && export.errors.lowercased().contains("space"), "\(export)")
            let manifest = target.appending(path: "manifest.json").plain
            #expect(!FileManager.default.fileExists(atPath: manifest))
        }

        private static func answerAll(
            _ system: LiveSystem, _ name: String, project: String, _ count: Int
        ) async throws {
            let worker = try system.launch(
                Products.plimsoll,
                [
                    "work", "--project", project, "--server", system.servers, "--identity",
                    system.identity(name).plain, "--in-flight", "10", "--max", "\(count)", "--exec-mode", "lines",
                    "--exec",
                    #"sed -u 's/.*"task": *\([0-9]*\),.*"fence": *\([0-9]*\),.*/{"task":\1,"fence":\2,"answer":1}/'"#,
                ], log: "answer-all")
            let code = await worker.end(within: .seconds(60))
            #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(worker.errorText)")
        }

        @Test func `a PostgreSQL that is too old is refused by serve, migrate and up, with what is needed`()
            async throws
        {
            try await LiveSystem.with(.init()) { system in
                // A real server whose greeting says another version: as old as can be had without installing one.
                let folder = system.folder.appending(path: "old")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let proxy = try FaultyProxy(directory: folder.plain, upstream: system.cluster.host)
                defer { proxy.close() }
                let major = try PrivateCluster.locate().major
                proxy.set(.rewrite("server_version\u{0}\(major)", to: "server_version\u{0}14"))
                func through(_ conninfo: String) -> String {
                    conninfo.replacingOccurrences(of: system.cluster.host, with: proxy.directory)
                }
                for options in [[], ["--dry-run"]] {
                    let migrate = try await system.run(
                        ["migrate", "--database", through(system.cluster.conninfo())] + options)
                    #expect(migrate.code == 1, "\(migrate)")
                    #expect(migrate.errors.contains("PostgreSQL 14, and Plimsoll needs 15 or newer"), "\(migrate)")
                    #expect(migrate.errors.contains("next: upgrade the server"), "\(migrate)")
                }
                let text = through(try String(contentsOf: system.configuration(0), encoding: .utf8))
                let file = try system.file("old.yaml", text)
                let serve = try await system.run(["serve", "--config", file.plain], within: .seconds(30))
                #expect(serve.code == 1, "\(serve)")
                #expect(serve.errors.contains("PostgreSQL 14, and Plimsoll needs 15 or newer"), "\(serve)")
                #expect(serve.errors.contains("next: upgrade the server"), "\(serve)")
                // The same way with the server as it is.
                proxy.set(.none)
                let good = try await system.run(["migrate", "--database", through(system.cluster.conninfo())])
                #expect(good.code == 0, "\(good)")
                try await Self.upWithOldPrograms(system)
            }
        }

        private static func upWithOldPrograms(_ system: LiveSystem) async throws {
            let programs = system.folder.appending(path: "postgresql-14")
            try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
            for name in ["initdb", "postgres"] {
                let program = programs.appending(path: name)
                try Data("#!/bin/sh\necho '\(name) (PostgreSQL) 14.11'\n".utf8).write(to: program)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.plain)
            }
            let up = try await system.run(
                ["up", "--data", system.folder.appending(path: "never").plain, "--listen", "127.0.0.1:0"],
                environment: ["PLIMSOLL_PG_BIN": programs.plain], within: .seconds(30))
            #expect(up.code == 1, "\(up)")
            #expect(up.errors.contains("15 or later is needed, found 14 in \(programs.plain)"), "\(up)")
        }

        // MARK: - Workers

        /// P6 and P12: work goes on elsewhere, and what the frozen one did is kept.
        @Test func `a frozen worker's lease goes to another within the stream's life`() async throws {
            let timeToLive = 4
            let plan = LiveSystem.Plan(
                coordinators: 1, policy: "replay", times: [("heartbeat", "1s"), ("stream_ttl", "\(timeToLive)s")])
            try await LiveSystem.with(plan) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject("ice", schema: Self.schema, overlap: 1, purposes: Self.purposes)
                try await system.importTasks(["only"], project: "ice")
                try await system.enrol(["ada", "bo"], projects: ["ice"], purposes: Self.purposes)
                let gate = system.folder.appending(path: "go")
                // Thinks until it may answer.
                let ada = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", "ice", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--exec",
                        "cat >/dev/null; touch '\(gate.plain).held'; "
                            + "while [ ! -e '\(gate.plain)' ]; do sleep 0.1; done; echo 7",
                    ], log: "ada")
                let isHeld = try await eventually(within: .seconds(30)) {
                    FileManager.default.fileExists(atPath: gate.plain + ".held")
                }
                #expect(isHeld, "\(ada.errorText)")
                ada.signal(SIGSTOP)
                let frozen = ContinuousClock.now
                let lease = try await TestStream.with(system, "bo", at: 0, project: "ice") { bo in
                    try await Self.leaseAskingAgain(bo)
                }
                let waited = ContinuousClock.now - frozen
                progress("failure frozen worker: its task went on after \(waited)")
                #expect(lease.key == "only")
                #expect(waited < .seconds(timeToLive + 3), "the frozen worker's lease was held for \(waited)")
                // Awake again, its answer is kept: nothing that a person did is thrown away (P6).
                ada.signal(SIGCONT)
                try Data().write(to: gate)
                var looks = 0
                let isKept = try await eventually(within: .seconds(30)) {
                    let late = try await system.asOperator { control in
                        try await control.listLateAnswers(.with { $0.project = "ice" }).answers.count
                    }
                    looks += 1
                    // Where nobody else has taken the slot since, the answer may even have become a label.
                    let labels = try await system.exportLabels("ice", purpose: Self.purposes[0], to: "look-\(looks)")
                    return late + labels.count > 0
                }
                #expect(isKept, "the answer of the worker that was frozen is gone: \(ada.errorText)")
                ada.signal(SIGTERM)
                await ada.end(within: .seconds(40))
            }
        }

        private static func leaseAskingAgain(_ stream: TestStream) async throws -> Plimsoll_V1_Lease {
            while true {
                try await stream.send(.with { $0.want = 1 })
                enum Reply { case lease(Plimsoll_V1_Lease), idle(Plimsoll_V1_Idle) }
                let reply: Reply = try await stream.next(within: .seconds(30)) { message in
                    message.leases.first.map(Reply.lease) ?? (message.hasIdle ? .idle(message.idle) : nil)
                }
                switch reply {
                case .lease(let lease): return lease
                case .idle(let idle): try await Task.sleep(for: .milliseconds(Int(idle.askAgainMilliseconds)))
                }
            }
        }

        /// P8: no decision is made by a worker's clock.
        @Test(.needsFaketime)
        func `a worker whose clock is an hour ahead works, and one behind is told`() async throws {
            let faketime = try #require(Machine.faketime)
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject("clock", schema: Self.schema, overlap: 1, purposes: Self.purposes)
                try await system.importTasks(["a", "b", "c"], project: "clock")
                try await system.enrol(["ada"], projects: ["clock"], purposes: Self.purposes)
                func work(_ shift: String) throws -> Program {
                    try system.launch(
                        faketime,
                        [
                            "-f", shift, Products.plimsoll.plain, "work", "--project", "clock", "--server",
                            system.servers, "--identity", system.identity("ada").plain, "--max", "3", "--exec",
                            "cat >/dev/null; echo 1",
                        ], log: "clock\(shift)")
                }
                // An hour behind, the certificates are not valid yet: that is said, nothing else happens.
                let behind = try work("-1h")
                let isTold = try await eventually(within: .seconds(30)) { !behind.errorText.isEmpty }
                progress("failure clock behind: \(behind.errorText)")
                #expect(isTold)
                await behind.destroy()
                let ahead = try work("+1h")
                let code = await ahead.end(within: .seconds(60))
                #expect(code == 0, "plimsoll work an hour ahead ended with \(code ?? -1): \(ahead.errorText)")
                let labels = try await system.exportLabels("clock", purpose: Self.purposes[0])
                #expect(labels.count == 3)
            }
        }
    }
}
