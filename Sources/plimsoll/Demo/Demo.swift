import Exchange
import Foundation
import Identity
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll up --demo`: made-up people answer made-up tasks, from import to export, through the public protocol alone.
struct Demo: Sendable {
    let deployment: Deployment

    /// Short times, so that a lost worker is noticed while somebody watches.
    static let times = [("heartbeat", "1s"), ("stream_ttl", "4s"), ("presenting", "2s"), ("deadline_grace", "1s")]

    /// Beside the folder of `up`, so that the two never meet.
    static var directory: DataDirectory {
        let standard = DataDirectory.standard.url
        return DataDirectory(
            url: standard.deletingLastPathComponent().appending(path: standard.lastPathComponent + "-demo"))
    }

    /// After this long something is wrong, and the demo says what is missing.
    private static let patience = Duration.seconds(300)
    private static let poll = Duration.seconds(1)
    private static let tasksMax: UInt32 = 1_000

    private var folder: DemoFolder { DemoFolder(directory: deployment.plan.directory) }

    func run() async throws {
        try await prepare()
        try await work()
        try await export()
    }

    // MARK: - People, projects, tasks

    private func prepare() async throws {
        try await asOperator { client in
            Output.talk("policy, notice and projects")
            _ = try await client.control.applyPolicy(
                .with {
                    $0.document = String(decoding: PackageResources.policy_yaml, as: UTF8.self)
                    $0.reason = "the demonstration's limits"
                }, options: ControlClient.callOptions)
            _ = try await client.control.publishNotice(DemoPeople.notice, options: ControlClient.callOptions)
            for project in DemoProject.all {
                _ = try await client.control.createProject(
                    try project.file().document(), options: ControlClient.callOptions)
            }
            Output.talk(
                "\(DemoPeople.engineers.count) engineers; their keys are made on this machine, which only a demo may do"
            )
            for engineer in DemoPeople.engineers { try await enrol(engineer, client) }
        }
        Output.talk(
            "each reads the notice and agrees, with their own certificate; \(DemoPeople.refuses) says no, which costs nothing"
        )
        for engineer in DemoPeople.engineers { try await decide(engineer) }
        try await asOperator { client in
            for project in DemoProject.all { try await bring(project, client) }
        }
    }

    private func enrol(_ engineer: DemoPeople.Engineer, _ client: ControlClient) async throws {
        let enrolled = try await client.control.enrolEngineer(
            DemoPeople.enrolment(engineer), options: ControlClient.callOptions)
        let files = folder.directory.identity(engineer.name)
        let identity = try PeerIdentity.engineer(
            engineer.name, worker: "demo", trustDomain: client.me.identity.trustDomain)
        let request = try files.createKey().request(for: identity).pem
        let chain = try await client.control.issueCertificate(
            .with {
                $0.request = request
                $0.token = enrolled.token
                $0.validityHours = 24
            }, options: ControlClient.callOptions)
        try files.store(certificatePEM: chain.certificate, trustPEM: chain.authority)
    }

    private func decide(_ engineer: DemoPeople.Engineer) async throws {
        try await with(engineer.name) { client in
            _ = try await client.organisation.setMyLimits(
                .with { $0.document = engineer.limits }, options: ControlClient.callOptions)
            guard engineer.name != DemoPeople.refuses else {
                _ = try await client.workQueue.refuseAgreement(
                    .with { $0.purpose = DemoPeople.purpose }, options: ControlClient.callOptions)
                return
            }
            for entry in try await client.agreements() where entry.notice.purpose == DemoPeople.purpose {
                _ = try await client.workQueue.giveAgreement(
                    .with {
                        $0.notice = entry.notice.id
                        $0.version = entry.notice.version
                        $0.sha256 = entry.notice.sha256
                    }, options: ControlClient.callOptions)
            }
        }
    }

    private func bring(_ project: DemoProject, _ client: ControlClient) async throws {
        let file = folder.tasks.appending(path: "\(project.name).jsonl")
        try Data(project.tasks).write(to: file)
        let task = try TaskImport(
            path: file.path(percentEncoded: false), format: .jsonl, project: project.name, dryRun: false)
        let outcome = try await task.run(client, progress: nil)
        try ImportTasks.check(outcome.response)
        Output.talk("\(Counted.of(outcome.response.imported, "task")) imported into \(project.name)")
    }

    // MARK: - Work

    private func work() async throws {
        let workers = DemoPeople.engineers.map {
            DemoWorker(
                engineer: $0.name, identity: folder.directory.identity($0.name), servers: deployment.servers,
                folder: folder)
        }
        Output.talk("\(workers.count) workers begin: plimsoll work --exec ...")
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for worker in workers { group.addTask { try await worker.run() } }
            try await asOperator { client in try await watch(client, workers) }
        }
    }

    private func watch(_ client: ControlClient, _ workers: [DemoWorker]) async throws {
        let progress = Progress("labels", unit: "labels")
        defer { progress.finish() }
        var scenes = DemoScenes(
            workers: Dictionary(uniqueKeysWithValues: workers.map { ($0.engineer, $0) }), folder: folder,
            progress: progress)
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while true {
            let (tasks, late) = try await look(client)
            let wanted = tasks.filter { $0.state != "quarantined" }.reduce(0) { $0 + Int($1.overlap) }
            let done = tasks.filter { $0.state != "quarantined" }.reduce(0) { $0 + Int($1.labels) }
            progress.update(done: done, total: wanted)
            try scenes.advance(tasks, lateAnswers: late)
            if done == wanted, scenes.isOver { return }
            guard clock.now < deadline else {
                throw CommandFailure(
                    .failed,
                    "the demo stands still: \(done) of \(wanted) labels, not seen: "
                        + (scenes.missing.isEmpty ? "nothing" : scenes.missing.joined(separator: ", ")),
                    next: "look at \(folder.workers.path(percentEncoded: false)) and "
                        + folder.directory.coordinatorLog(1).path(percentEncoded: false))
            }
            try await Task.sleep(for: Self.poll)
        }
    }

    /// Every task and how many late answers wait.
    private func look(_ client: ControlClient) async throws -> ([Plimsoll_V1_TaskRow], Int) {
        var tasks: [Plimsoll_V1_TaskRow] = []
        var late = 0
        for project in DemoProject.all {
            tasks += try await client.control.listTasks(
                .with {
                    $0.project = project.name
                    $0.limit = Self.tasksMax
                }, options: ControlClient.callOptions
            ).tasks
            late += try await client.control.listLateAnswers(
                .with { $0.project = project.name }, options: ControlClient.callOptions
            ).answers.count
        }
        return (tasks, late)
    }

    // MARK: - Labels

    private func export() async throws {
        let first = folder.nextExport()
        try await asOperator { client in
            for project in DemoProject.all { _ = try await export(project, to: first, client) }
        }
        Output.talk("every label is exported, for \(DemoPeople.purpose), into \(first.path(percentEncoded: false))")
        try await withdraw()
        let summaries = try await asOperator { client in
            let dropped = try await superseded(first, client)
            let second = folder.nextExport()
            var summaries: [DemoSummary] = []
            for project in DemoProject.all {
                var summary = try await export(project, to: second, client)
                summary.dropped = dropped[project.name] ?? 0
                summaries.append(summary)
            }
            Output.talk("a second export leaves them out: \(second.path(percentEncoded: false))")
            return summaries
        }
        Output.line("")
        Table.lines(summaries).forEach(Output.line)
        Output.line("")
        for summary in summaries { Output.line(summary.manifest) }
        Output.talk("the labels stay there, each export checked against its manifest")
    }

    private func withdraw() async throws {
        try await with(DemoPeople.withdraws) { client in
            _ = try await client.workQueue.withdrawAgreement(
                .with { $0.purpose = DemoPeople.purpose }, options: ControlClient.callOptions)
        }
        Output.talk("\(DemoPeople.withdraws) takes the agreement back: no reason, nobody asked, at once")
    }

    /// Waits for what the withdrawal owes to the export in `folder`, and fetches it: how many records to drop, by
    /// project.
    private func superseded(_ folder: URL, _ client: ControlClient) async throws -> [String: Int] {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while try await client.exports.listSuperseded(.init(), options: ControlClient.callOptions).exports.isEmpty {
            guard clock.now < deadline else {
                throw CommandFailure(.failed, "no export was superseded by the withdrawal")
            }
            try await Task.sleep(for: Self.poll)
        }
        var dropped: [String: Int] = [:]
        for project in DemoProject.all {
            let refresh = ManifestRefresh(directory: folder.appending(path: project.name).path(percentEncoded: false))
            let (_, manifest) = try await refresh.run(client, try refresh.local())
            dropped[project.name] = manifest.dropped.count
        }
        Output.talk(
            "the earlier exports have new manifests: \(dropped.values.reduce(0, +)) records to drop, named by their "
                + "pseudonym, without a why")
        return dropped
    }

    private func export(_ project: DemoProject, to target: URL, _ client: ControlClient) async throws -> DemoSummary {
        let directory = target.appending(path: project.name).path(percentEncoded: false)
        let export = LabelExport(
            project: project.name, purpose: DemoPeople.purpose, format: .jsonl, directory: directory)
        let (path, manifest) = try await export.run(client, progress: nil)
        let mismatches = try ExportManifest.verify(directory: directory)
        guard mismatches.isEmpty else {
            throw CommandFailure(.failed, "\(directory) is not what its manifest says: \(mismatches)")
        }
        let tasks = try await client.control.listTasks(
            .with {
                $0.project = project.name
                $0.limit = Self.tasksMax
            }, options: ControlClient.callOptions
        ).tasks
        let late = try await client.control.listLateAnswers(
            .with { $0.project = project.name }, options: ControlClient.callOptions
        ).answers.count
        return DemoSummary(
            project: project.name, tasks: tasks.count, labels: manifest.counts.labels,
            annotators: manifest.counts.annotators, late: late,
            quarantined: tasks.count { $0.state == "quarantined" }, dropped: 0, manifest: path)
    }

    private func asOperator<Result: Sendable>(_ body: (ControlClient) async throws -> Result) async throws -> Result {
        try await with(DeploymentFiles.operatorName, body)
    }

    private func with<Result: Sendable>(
        _ name: String, _ body: (ControlClient) async throws -> Result
    ) async throws -> Result {
        try await ControlClient.with(
            deployment.plan.listen.map(\.reachable), identity: folder.directory.identity(name), body)
    }
}
