import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Logging
import PlimsollProtocol
import PrivateCluster
import Synchronization
import TestSupport

/// A whole deployment of processes for one test: a private PostgreSQL, an authority, `plimsoll serve` one or more
/// times. Everything is set up by the commands that an operator would use.
final class LiveSystem: Sendable {
    struct Plan: Sendable {
        var coordinators = 1
        /// The policy in force, a file of Deploy/policy; nil: the shipped defaults.
        var policy: String?
        /// `times` of the coordinators' configuration.
        var times: [(String, String)] = []
        /// Settings of PostgreSQL on top of durable ones.
        var settings: [String: String] = [:]
        /// A file in the system's folder to which every coordinator appends signed heads; nil: none.
        var headFile: String?
        /// Mount options of a file system of PostgreSQL's own, such as `size=240m`; nil: it lies with the rest.
        var postgresDisk: String?
    }

    let folder: URL
    let cluster: PrivateCluster
    let ports: [Int]
    private let programs = Mutex<[Int: Program]>([:])
    private let others = Mutex<[Program]>([])
    private let counter = Atomic<Int>(0)
    private let hasDisk = Atomic<Bool>(false)

    static let trustDomain = "plimsoll.test"
    static let operatorName = "olu"

    var authority: URL { folder.appending(path: "ca") }
    var postgresFolder: URL { folder.appending(path: "postgres") }
    var identities: URL { folder.appending(path: "identities") }
    func identity(_ name: String) -> URL { identities.appending(path: name) }
    var operatorIdentity: URL { identity(Self.operatorName) }
    func address(_ index: Int) -> String { "127.0.0.1:\(ports[index])" }
    var servers: String { ports.indices.map(address).joined(separator: ",") }
    func configuration(_ index: Int) -> URL { folder.appending(path: "coordinator-\(index + 1).yaml") }
    func coordinatorLog(_ index: Int) -> URL { folder.appending(path: "coordinator-\(index + 1)") }

    private init(_ plan: Plan) throws {
        folder = try TestFolder.make("system")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        ports = try (0..<plan.coordinators).map { _ in try Self.freePort() }
        cluster = PrivateCluster(
            configuration: ClusterConfiguration(
                directory: folder.appending(path: "postgres"),
                settings: ["log_min_messages": "warning", "shared_buffers": "128MB"].merging(plan.settings) { $1 }),
            logger: Logger(label: "test.cluster"))
    }

    /// Runs `body` with a deployment that serves; everything of it is gone afterwards, also when the body throws.
    static func with<R: Sendable>(
        _ plan: Plan, _ body: (LiveSystem) async throws -> R
    ) async throws -> R {
        let system = try LiveSystem(plan)
        let result: Result<R, any Error>
        do {
            try await system.start(plan)
            result = .success(try await body(system))
        } catch {
            progress("failed: \(error)")
            for index in system.ports.indices { progress("coordinator \(index + 1):\n" + system.logTail(index)) }
            result = .failure(error)
        }
        await system.stop()
        return try result.get()
    }

    private func start(_ plan: Plan) async throws {
        if let options = plan.postgresDisk {
            try await Machine.mount(postgresFolder, options)
            hasDisk.store(true, ordering: .relaxed)
        }
        try await cluster.start()
        if let processID = await cluster.processID { TestFolder.stopAtExit(processID) }
        try await succeed(["cert", "init", authority.plain, "--trust-domain", Self.trustDomain])
        try await succeed([
            "migrate", "--database", cluster.conninfo(), "--operator", Self.operatorName, "--ca", authority.plain,
            "--operator-key-dir", operatorIdentity.plain,
        ])
        for index in ports.indices { try await prepareCoordinator(index, plan) }
        for index in ports.indices { try startCoordinator(index) }
        for index in ports.indices { try await waitUntilServing(index) }
        if let policy = plan.policy {
            try await succeed(
                ["policy", "apply", Products.policy(policy).plain, "--reason", "for the test"], as: operatorIdentity)
        }
    }

    private func prepareCoordinator(_ index: Int, _ plan: Plan) async throws {
        let name = "coordinator-\(index + 1)"
        let identity = folder.appending(path: name).plain
        let request = folder.appending(path: "\(name).request").plain
        let certificate = folder.appending(path: "\(name).cert.pem").plain
        try await succeed([
            "cert", "request", name, "--role", "coordinator", "--trust-domain", Self.trustDomain, "--identity",
            identity, "--out", request,
        ])
        try await succeed([
            "cert", "issue", request, "--ca", authority.plain, "--ip", "127.0.0.1", "--dns", "localhost", "--out",
            certificate,
        ])
        try await succeed(["cert", "install", certificate, "--identity", identity])
        var lines = [
            "database: \"\(cluster.conninfo(user: "plimsoll_coordinator"))\"",
            "listen: \"\(address(index))\"", "identity: \(identity)", "authority: \(authority.plain)",
            "shutdown: 10s", "log: notice",
        ]
        if let file = plan.headFile { lines += ["audit:", "  head_file: \(file)"] }
        if !plan.times.isEmpty { lines.append("times:") }
        lines += plan.times.map { "  \($0.0): \($0.1)" }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: configuration(index))
    }

    // MARK: - Coordinators

    func coordinator(_ index: Int) throws -> Program {
        guard let program = programs.withLock({ $0[index] }) else {
            throw SystemFailure("coordinator \(index + 1) was not started")
        }
        return program
    }

    /// Starts it, for the first time or again.
    func startCoordinator(_ index: Int) throws {
        let program = try Program(
            Products.plimsoll, ["serve", "--config", configuration(index).plain, "--exit-with-parent"],
            log: coordinatorLog(index))
        programs.withLock { $0[index] = program }
    }

    func killCoordinator(_ index: Int) async throws { await (try coordinator(index)).destroy() }

    func waitUntilServing(_ index: Int, within budget: Duration = .seconds(60)) async throws {
        let serves = try await eventually(within: budget) {
            guard try coordinator(index).exitCode == nil else {
                throw SystemFailure("coordinator \(index + 1) has ended\n\(logTail(index))")
            }
            // Until it listens there is nothing but refused connections.
            return (try? await self.isServing(index)) == true
        }
        guard serves else { throw SystemFailure("coordinator \(index + 1) does not serve\n\(logTail(index))") }
    }

    private func isServing(_ index: Int) async throws -> Bool {
        try await withClient(index, as: operatorIdentity) { client in
            var options = CallOptions.defaults
            options.timeout = .seconds(3)
            let health = Grpc_Health_V1_Health.Client(wrapping: client)
            return try await health.check(Grpc_Health_V1_HealthCheckRequest(), options: options).status == .serving
        }
    }

    func logTail(_ index: Int) -> String {
        let file = coordinatorLog(index).appendingPathExtension("err")
        // Without the log there is nothing to add.
        guard let data = try? Data(contentsOf: file) else { return "" }
        return String(decoding: data.suffix(6_000), as: UTF8.self)
    }

    // MARK: - PostgreSQL

    /// As a crash of the machine would: every process of the server is gone, nothing is written any more.
    func killPostgres() async throws {
        guard let processID = await cluster.processID else { throw SystemFailure("PostgreSQL does not run") }
        kill(processID, SIGKILL)
        _ = try await eventually(within: .seconds(10)) { await cluster.processID == nil }
    }

    func restartPostgres() async throws {
        try await cluster.stop(mode: .immediate)
        try await cluster.start()
        if let processID = await cluster.processID { TestFolder.stopAtExit(processID) }
    }

    // MARK: - Clients

    typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    /// A connection to one coordinator as the identity in a folder.
    func withClient<R: Sendable>(
        _ index: Int = 0, as identity: URL, _ body: (Client) async throws -> R
    ) async throws -> R {
        let files = IdentityFiles(directory: identity)
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: ports[index]),
            transportSecurity: .mTLS(
                certificateChain: [.file(path: files.certificatePath, format: .pem)],
                privateKey: .file(path: files.keyPath, format: .pem)
            ) { tls in
                tls.trustRoots = .certificates([.file(path: files.trustPath, format: .pem)])
            })
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// What only the operator may ask.
    func asOperator<R: Sendable>(
        _ index: Int = 0, _ body: (Plimsoll_V1_Control.Client<HTTP2ClientTransport.Posix>) async throws -> R
    ) async throws -> R {
        try await withClient(index, as: operatorIdentity) {
            try await body(Plimsoll_V1_Control.Client(wrapping: $0))
        }
    }

    /// Runs a command of `plimsoll` to its end. `identity` nil: one that asks no coordinator.
    func run(
        _ arguments: [String], as identity: URL? = nil, environment: [String: String] = [:],
        within budget: Duration = .seconds(120)
    ) async throws -> Finished {
        var words = arguments
        if let identity { words += ["--server", servers, "--identity", identity.plain] }
        let log = folder.appending(path: "command-\(counter.add(1, ordering: .relaxed).newValue)")
        let program = try Program(Products.plimsoll, words, log: log, environment: environment)
        try program.closeInput()
        let ended = await program.end(within: budget)
        if ended == nil { await program.destroy() }
        let result = Finished(
            command: "plimsoll " + arguments.joined(separator: " "), code: ended ?? -1, output: program.outputText,
            errors: program.errorText)
        for file in [program.output, program.errors] { try FileManager.default.removeItem(at: file) }
        return result
    }

    /// The same, for what must work.
    @discardableResult
    func succeed(
        _ arguments: [String], as identity: URL? = nil, within budget: Duration = .seconds(120)
    ) async throws -> String {
        let result = try await run(arguments, as: identity, within: budget)
        guard result.code == 0 else { throw SystemFailure("\(result)") }
        return result.output
    }

    /// Starts a program that ends with the system at the latest.
    func launch(
        _ executable: URL, _ arguments: [String], log: String, environment: [String: String] = [:]
    ) throws -> Program {
        let program = try Program(
            executable, arguments, log: folder.appending(path: log), environment: environment)
        others.withLock { $0.append(program) }
        return program
    }

    func file(_ name: String, _ text: String) throws -> URL {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    // MARK: - End

    private func stop() async {
        for program in others.withLock({ $0 }) { await program.destroy() }
        for program in programs.withLock({ Array($0.values) }) { await program.destroy() }
        // Nothing of it is kept, so an orderly end would be for nothing; it is gone with this process at the latest.
        try? await cluster.stop(mode: .immediate)
        if hasDisk.load(ordering: .relaxed) { try? await Machine.unmount(postgresFolder) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// A port of the loopback interface that is free now.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard isBound else { throw SystemFailure("no port is free") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
