import Foundation
import Identity
import Logging
import PrivateCluster

/// A deployment that lives as long as the benchmark: a durable private cluster, an authority, coordinators.
actor BenchDeployment {
    /// Everything on the machine's disk.
    nonisolated let directory: URL
    /// Keys and certificates of the made-up people: in memory where the system has such a folder, since thousands of
    /// durable small files would take longer than what is measured.
    nonisolated let identities: URL
    nonisolated let cluster: PrivateCluster
    nonisolated let installation: PostgresInstallation
    nonisolated let authority: CertificateAuthority
    nonisolated let operatorFiles: IdentityFiles
    nonisolated let plimsoll: URL
    private var coordinators: [CoordinatorChild] = []
    /// Started so far; each has a folder of its own.
    private var started = 0

    static let trustDomain = "bench.local"
    static let operatorName = "bench-operator"
    private static let coordinatorRole = "plimsoll_coordinator"

    /// Server settings: durable, and otherwise what one would set on a machine of a few gigabytes.
    static func serverSettings(statements: Bool) -> [String: String] {
        let memory = ProcessInfo.processInfo.physicalMemory / 1_048_576
        var settings = [
            "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
            "shared_buffers": "\(min(4_096, max(128, memory / 4)))MB",
            "effective_cache_size": "\(max(512, memory / 2))MB",
            "max_wal_size": "8GB", "min_wal_size": "1GB", "checkpoint_timeout": "15min",
            "wal_compression": "lz4", "wal_buffers": "64MB", "max_connections": "100",
        ]
        if statements {
            settings["shared_preload_libraries"] = "pg_stat_statements"
            settings["pg_stat_statements.track"] = "all"
        }
        return settings
    }

    /// Starts the cluster and one coordinator, runs `body`, and removes everything whatever happens.
    static func with<Value: Sendable>(
        _ settings: BenchSettings, in parent: URL, _ body: (BenchDeployment) async throws -> Value
    ) async throws -> Value {
        let deployment = try BenchDeployment(settings, in: parent)
        let outcome: Result<Value, any Error>
        do {
            try await deployment.start(settings)
            outcome = .success(try await body(deployment))
        } catch {
            outcome = .failure(error)
        }
        await deployment.stop()
        return try outcome.get()
    }

    private init(_ settings: BenchSettings, in parent: URL) throws {
        let name = "plimsoll-bench-\(getpid())"
        directory = parent.appending(path: name)
        let memory = URL(filePath: "/dev/shm")
        let base = FileManager.default.isWritableFile(atPath: memory.path) ? memory : directory
        identities = base.appending(path: name + "-identities")
        plimsoll = try Repository.plimsoll()
        installation = try PrivateCluster.locate()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            at: identities, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        authority = try CertificateAuthority.create(
            trustDomain: Self.trustDomain, in: identities.appending(path: "authority"), now: Date())
        operatorFiles = IdentityFiles(directory: identities.appending(path: "operator"))
        var logger = Logger(label: "plimsoll-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        cluster = PrivateCluster(
            configuration: ClusterConfiguration(
                directory: directory.appending(path: "cluster"),
                settings: Self.serverSettings(statements: settings.statements)),
            logger: logger, installation: installation)
    }

    private func start(_ settings: BenchSettings) async throws {
        Note.line("PostgreSQL \(installation.major) in \(directory.path)")
        try await cluster.start()
        if settings.statements { try await sql("create extension pg_stat_statements") }
        try await Program.run(
            plimsoll.path,
            [
                "migrate", "--database", cluster.conninfo(), "--operator", Self.operatorName, "--ca",
                identities.appending(path: "authority").path, "--operator-key-dir", operatorFiles.directory.path,
            ], in: directory)
        _ = try await addCoordinator()
    }

    /// Starts one more coordinator over the same database; the first one has index 0.
    @discardableResult
    func addCoordinator() async throws -> CoordinatorChild {
        started += 1
        let number = started
        let files = IdentityFiles(directory: identities.appending(path: "coordinator-\(number)"))
        let identity = try PeerIdentity.coordinator("bench-\(number)", trustDomain: Self.trustDomain)
        let request = try files.createKey().request(for: identity)
        try files.store(
            authority.issue(
                request: request, as: identity, validity: .seconds(7 * 86_400), dnsNames: ["localhost"],
                ipAddresses: ["127.0.0.1"], now: Date()))
        let port = try CoordinatorChild.freePort()
        let configuration = identities.appending(path: "serve-\(number).yaml")
        let text = """
            database: "\(cluster.conninfo(user: Self.coordinatorRole))"
            listen: "127.0.0.1:\(port)"
            identity: "\(files.directory.path)"
            authority: "\(identities.appending(path: "authority").path)"
            log: warning
            shutdown: 10s
            limits:
              connections: 14000

            """
        try text.write(to: configuration, atomically: true, encoding: .utf8)
        let child = CoordinatorChild(
            port: port, program: plimsoll, configuration: configuration,
            log: directory.appending(path: "coordinator-\(number).log"))
        coordinators.append(child)
        try await child.start(operator: operatorFiles)
        Note.line("coordinator \(number): process \(await child.processID ?? 0), port \(port)")
        return child
    }

    /// The coordinator that runs all the time.
    var first: CoordinatorChild { coordinators[0] }

    /// Ends a coordinator that `addCoordinator` started.
    func remove(_ child: CoordinatorChild) async {
        await child.stop()
        coordinators.removeAll { $0 === child }
    }

    private func stop() async {
        for child in coordinators { await child.stop() }
        do { try await cluster.stop() } catch { Note.line("PostgreSQL did not stop in order: \(error)") }
        for folder in [directory, identities] {
            do { try FileManager.default.removeItem(at: folder) } catch { Note.line("\(folder.path) stays: \(error)") }
        }
    }

    /// Runs SQL as the owner and gives unaligned text; for what a measurement needs beside the public calls.
    @discardableResult
    nonisolated func sql(_ text: String, database: String = "postgres") async throws -> String {
        try await Program.run(
            installation.path("psql"),
            [cluster.conninfo(database: database), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text],
            in: directory)
    }
}
