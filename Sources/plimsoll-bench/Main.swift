import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import PrivateCluster

@main
struct PlimsollBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plimsoll-bench",
        abstract: "Measures a coordinator on this machine: durable, over mutual TLS, with the gate on.",
        discussion: """
            Starts a private PostgreSQL cluster and the `plimsoll serve` that was built beside it, works through the \
            rows, prints a table and removes everything. Nothing listens beyond this machine. A label counts when its \
            acknowledgement has reached the worker; the workers run in this process, on the same processors.

              swift build -c release && .build/release/plimsoll-bench --only throughput-batch
            """)

    @Option(name: .customLong("only"), help: "Run this row; may be repeated.")
    var only: [String] = []
    @Flag(help: "List the rows and end.")
    var list = false
    @Flag(help: "Small numbers and short times: shows that everything runs, not how fast.")
    var short = false
    @Flag(help: "Also measure PgQueuer and Procrastinate (from PyPI, in a throw-away environment).")
    var peers = false
    @Option(help: "Write the results to this file as JSON.")
    var json: String?
    @Option(help: "Where the cluster's folder is made; every user must be able to enter it.")
    var directory = "/var/tmp"
    @Option(help: "Seconds before figures count.")
    var warmUp: Double?
    @Option(help: "Seconds while figures count.")
    var measured: Double?
    @Option(help: "Runs of each figure.")
    var runs: Int?
    @Option(help: "Workers of latency, snapshot, start-of-shift and kill.")
    var workers: Int?
    @Option(help: "Streams of connections.")
    var connections: Int?
    @Option(help: "Seconds that connections and the snapshot are held.")
    var hold: Double?
    @Option(help: "Tasks of the large backlog.")
    var backlog: Int?
    @Option(help: "Rows of one import.")
    var importRows: Int?
    @Option(help: "Events of the chain that is verified.")
    var chainEvents: Int?
    @Option(help: "Seconds over which workers connect.")
    var ramp: Double?
    @Flag(help: "Show after each row which statements took PostgreSQL's time (pg_stat_statements; costs some speed).")
    var statements = false

    func validate() throws {
        for name in only where !BenchRows.all.contains(where: { $0.name == name }) {
            throw ValidationError("there is no row \(name); --list shows them")
        }
        guard (runs ?? 1) >= 1, (workers ?? 1) >= 1, (connections ?? 1) >= 1, (chainEvents ?? 1) >= 1,
            (measured ?? 1) > 0
        else {
            throw ValidationError("numbers must be above zero")
        }
    }

    func run() async throws {
        if list {
            for row in BenchRows.all {
                say(row.name.padding(toLength: 20, withPad: " ", startingAt: 0) + row.summary + "\n")
            }
            return
        }
        #if DEBUG
            Note.line("this is a debug build: its figures mean nothing")
        #endif
        signal(SIGPIPE) { _ in }  // a program that has ended is found out by its exit code
        raiseOpenFiles()
        let report = try await Interruptible.run { try await measure() }
        if let json { try report.json.write(toFile: json, atomically: true, encoding: .utf8) }
        say(report.table)
        if !report.failures.isEmpty { throw ExitCode.failure }
    }

    private var settings: BenchSettings {
        var settings = short ? BenchSettings.short : BenchSettings()
        if let warmUp { settings.warmUp = .seconds(warmUp) }
        if let measured { settings.measured = .seconds(measured) }
        if let runs { settings.runs = runs }
        if let workers { settings.workers = workers }
        if let connections { settings.connections = connections }
        if let hold { settings.hold = .seconds(hold) }
        if let backlog { settings.backlog = backlog }
        if let importRows { settings.importRows = importRows }
        if let chainEvents { settings.chainEvents = chainEvents }
        if let ramp { settings.ramp = .seconds(ramp) }
        settings.peers = peers
        settings.statements = statements
        return settings
    }

    private func measure() async throws -> Report {
        let settings = self.settings
        let rows = BenchRows.all.filter { only.isEmpty || only.contains($0.name) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
        var measurements: [Measurement] = []
        var failures: [String: String] = [:]
        let conditions = try await BenchDeployment.with(settings, in: URL(filePath: directory)) { deployment in
            try await ControlConnection.with(
                port: deployment.first.port, identity: deployment.operatorFiles
            ) { control in
                let context = BenchContext(
                    settings: settings, deployment: deployment, control: control,
                    people: try await People(deployment: deployment, control: control, group: group),
                    tasks: BenchTasks(control: control), group: group,
                    floor: Floor(deployment: deployment, settings: settings))
                try await context.tasks.makeProject(People.project)
                for row in rows {
                    Note.line("row \(row.name)")
                    do {
                        if settings.statements { try await deployment.sql("select pg_stat_statements_reset()") }
                        measurements += try await row.init().run(context)
                        if settings.statements { try await Statements.show(deployment) }
                    } catch {
                        try Task.checkCancellation()
                        Note.line("row \(row.name) failed: \(error)")
                        failures[row.name] = "\(error)"
                    }
                }
            }
            return try Self.conditions(deployment, settings)
        }
        try await group.shutdownGracefully()
        return Report(conditions: conditions, measurements: measurements, failures: failures)
    }

    private static func conditions(_ deployment: BenchDeployment, _ settings: BenchSettings) throws -> [String: String]
    {
        let disk = try Disk.fsyncMilliseconds(in: deployment.directory)
        var conditions = BenchDeployment.serverSettings(statements: settings.statements)
        conditions["PostgreSQL"] = "\(deployment.installation.major)"
        conditions["processors"] = "\(System.coreCount)"
        conditions["memory"] = "\(ProcessInfo.processInfo.physicalMemory / 1_048_576) MB"
        conditions["fsync"] = "on, \(disk.p50.figure) ms, p99 \(disk.p99.figure) ms"
        conditions["runs"] = "\(settings.runs) of \(settings.measured.seconds) s after \(settings.warmUp.seconds) s"
        for (name, value) in conditions.sorted(by: { $0.key < $1.key }) { Note.line("\(name): \(value)") }
        return conditions
    }

    private func say(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Thousands of connections need as many open files; what the system allows at most.
    private func raiseOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    }
}
