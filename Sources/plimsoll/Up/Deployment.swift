import Foundation
import Identity
import Logging
import PrivateCluster
import SwiftProtobuf

/// A whole deployment in one folder: private PostgreSQL, authority, coordinators. One process tree below this one.
actor Deployment {
    /// What `up` was asked for.
    struct Plan: Sendable {
        var directory: DataDirectory
        /// One for each coordinator.
        var listen: [ServerAddress]
        /// Times of the coordinators that differ from the defaults, as the configuration writes them.
        var times: [(String, String)] = []
        /// Whether the folder is a demo's and begins anew.
        var isDemo = false
    }

    nonisolated let plan: Plan
    private let logger: Logger
    private let lock: DirectoryLock
    private let cluster: PrivateCluster
    private let files: DeploymentFiles
    private var keepers: [CoordinatorKeeper] = []

    /// How long coordinators may take until they give work.
    private static let readyWithin = Duration.seconds(60)
    private static let readyPoll = Duration.milliseconds(100)
    /// How often the database is looked after, and certificates.
    private static let databaseWatch = Duration.seconds(1)
    private static let certificateWatch = Duration.seconds(600)

    /// Takes the folder; nothing is started. Throws where it is taken, not writable or full, and where a port is.
    init(_ plan: Plan) throws {
        self.plan = plan
        lock = try DirectoryLock(plan.directory)
        if plan.isDemo { try DemoFolder(directory: plan.directory).begin() }
        try DiskSpace.check(plan.directory)
        for address in plan.listen { try FreePort.check(address) }
        var logger = Logger(label: "plimsoll.up") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        self.logger = logger
        cluster = PrivateCluster(
            configuration: ClusterConfiguration(directory: plan.directory.cluster), logger: logger)
        files = DeploymentFiles(directory: plan.directory)
    }

    /// The addresses as `--server` takes them.
    nonisolated var servers: String { plan.listen.map(\.reachable.description).joined(separator: ",") }

    private static let database = "postgres"
    private static let coordinatorRole = "plimsoll_coordinator"

    /// Starts everything, runs `body` once work can be had, and stops everything when `body` ends, throws or is
    /// cancelled. Safe after a kill -9 at any moment.
    func run<Result: Sendable>(_ body: @Sendable @escaping () async throws -> Result) async throws -> Result {
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await startAndRun(body)) } catch { outcome = .failure(error) }
        // The cluster stops by itself in a cancelled task too.
        do {
            try await cluster.stop()
        } catch {
            Output.talk("PostgreSQL did not stop in order: \(error)")
        }
        // A stale file would send commands to whoever listens there next.
        try? FileManager.default.removeItem(at: plan.directory.serverFile)
        return try outcome.get()
    }

    private func startAndRun<Result: Sendable>(
        _ body: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let authority = try files.authority(now: Date())
        try files.refresh(authority, coordinators: plan.listen.map(\.reachable), now: Date())
        try await cluster.start()
        _ = try await SchemaSetup.run(
            cluster.conninfo(database: Self.database), firstOperator: DeploymentFiles.operatorName)
        keepers = try plan.listen.indices.map { try makeKeeper($0) }
        let keepers = self.keepers
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            defer { group.cancelAll() }
            for keeper in keepers {
                group.addTask {
                    try await keeper.run()
                    return nil
                }
            }
            group.addTask {
                try await self.watchDatabase()
                return nil
            }
            group.addTask {
                await self.watchCertificates(authority)
                return nil
            }
            group.addTask {
                try await self.waitUntilReady()
                return try await body()
            }
            while let finished = try await group.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }

    private func makeKeeper(_ index: Int) throws -> CoordinatorKeeper {
        let number = index + 1
        let directory = plan.directory
        let text = DeploymentFiles.configuration(
            database: cluster.conninfo(database: Self.database, user: Self.coordinatorRole),
            listen: plan.listen[index], identity: directory.coordinator(number).directory,
            authority: directory.authority, headFile: directory.headFile, times: plan.times)
        try TextFile.write(text, to: directory.coordinatorConfiguration(number), mode: 0o600)
        return CoordinatorKeeper(
            number: number, address: plan.listen[index], configuration: directory.coordinatorConfiguration(number),
            log: directory.coordinatorLog(number))
    }

    private func waitUntilReady() async throws {
        let identity = plan.directory.identity(DeploymentFiles.operatorName)
        let clock = ContinuousClock()
        let deadline = clock.now + Self.readyWithin
        for keeper in keepers {
            while true {
                try Task.checkCancellation()
                // Until it listens there is nothing but refused connections.
                let isReady = try? await ControlClient.with([keeper.address.reachable], identity: identity) {
                    try await $0.isServing()
                }
                if isReady == true { break }
                guard clock.now < deadline else {
                    throw CommandFailure(
                        .failed,
                        "coordinator \(keeper.number) is not ready after \(Self.readyWithin); the end of its log:\n"
                            + ChildProgram.tail(of: plan.directory.coordinatorLog(keeper.number)))
                }
                try await Task.sleep(for: Self.readyPoll)
            }
            keeper.noteReady()
        }
        try TextFile.write(servers + "\n", to: plan.directory.serverFile)
    }

    /// Starts PostgreSQL again when it has died; coordinators wait for it and go on.
    private func watchDatabase() async throws {
        while !Task.isCancelled {
            // Cancelled while it waits: the loop ends.
            guard (try? await Task.sleep(for: Self.databaseWatch)) != nil else { return }
            if await cluster.processID != nil { continue }
            Output.talk("PostgreSQL has ended; it starts again (its log is \(cluster.logFile))")
            try await cluster.stop()
            try await cluster.start()
        }
    }

    private func watchCertificates(_ authority: CertificateAuthority) async {
        while !Task.isCancelled {
            // Cancelled while it waits: the loop ends.
            guard (try? await Task.sleep(for: Self.certificateWatch)) != nil else { return }
            do {
                let addresses = plan.listen.map(\.reachable)
                if try files.refresh(authority, coordinators: addresses, now: Date()) {
                    for keeper in keepers { keeper.signal(SIGHUP) }
                }
            } catch {
                Output.talk("certificates could not be renewed: \(CommandFailure(error))")
            }
        }
    }
}

extension ServerAddress {
    /// Where clients on this machine reach what listens here.
    var reachable: ServerAddress {
        switch host {
        case "0.0.0.0": ServerAddress(host: "127.0.0.1", port: port)
        case "::": ServerAddress(host: "::1", port: port)
        default: self
        }
    }
}
