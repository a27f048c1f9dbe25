import Coordinator
import Foundation
import Gateway
import Identity
import Ledger
import Logging
import PlimsollModel
import Postgres
import ServiceLifecycle
import UnixSignals

/// A coordinator's parts, put together and run as one group.
struct CoordinatorProcess: Sendable {
    private let configuration: ServeConfiguration
    private let logger: Logger
    private let identity: IdentityFiles.Content
    private let files: IdentityFiles
    private let authority: CertificateAuthority?

    /// After the time for an orderly end, how long cancelled parts may take before the process ends regardless.
    private static let cancellationMax = Duration.seconds(10)

    /// Reads and checks identity and authority. Throws what names the file and what to do.
    init(configuration: ServeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        files = IdentityFiles(directory: configuration.identity)
        identity = try files.load()
        let certificate = identity.certificate
        guard certificate.identity.role == .coordinator else {
            throw CommandFailure(
                .wrongUse,
                "\(files.certificatePath) is of \(certificate.identity.uri), and a coordinator needs a certificate "
                    + "of role coordinator",
                next: "plimsoll cert request NAME --role coordinator, then plimsoll cert issue --ca DIR")
        }
        if let expected = configuration.trustDomain, expected != certificate.identity.trustDomain {
            throw CommandFailure(
                .wrongUse,
                "the configuration's trust_domain is \(expected), the certificate's "
                    + certificate.identity.trustDomain)
        }
        try identity.checkClock()
        authority = try configuration.authority.map { try CertificateAuthority.load(from: $0) }
        if let authority, authority.trustDomain != certificate.identity.trustDomain {
            throw CommandFailure(
                .wrongUse,
                "the authority is of \(authority.trustDomain), the coordinator of "
                    + certificate.identity.trustDomain)
        }
    }

    /// Refuses a database that this build cannot work with, with the command to run.
    func checkDatabase() async throws {
        var settings = ConnectionConfiguration(conninfo: configuration.database)
        settings.applicationName = "plimsoll serve"
        let connection: Connection
        do {
            connection = try await Connection.connect(settings, logger: logger)
        } catch let error as PostgresError {
            throw CommandFailure(
                .failed, "the database cannot be reached: \(error.reason)",
                next: "see that PostgreSQL runs and that `database` in the configuration names it", cause: error)
        }
        let state: SchemaState
        do {
            state = try await Ledger.schemaState(connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        if let problem = state.problem { throw CommandFailure(.refused, problem) }
    }

    /// Serves until a signal ends it, or until standard input closes when `exitWithParent`.
    func run(exitWithParent: Bool) async throws {
        var settings = ConnectionConfiguration(conninfo: configuration.database)
        settings.settings = Ledger.sessionSettings
        let pool = Pool(
            configuration: settings, limits: Pool.Limits(max: configuration.poolConnections), logger: logger)
        let ledger = Ledger(pool: pool)
        var coordinatorSettings = CoordinatorConfiguration(
            name: identity.certificate.identity.name, address: configuration.advertise.description)
        coordinatorSettings.times = configuration.times
        let coordinator = Coordinator(
            configuration: coordinatorSettings, ledger: ledger,
            connections: LedgerConnections(
                base: ConnectionConfiguration(conninfo: configuration.database), name: coordinatorSettings.name,
                logger: logger), chain: chain, logger: logger)
        let gateway = try makeGateway(coordinator, ledger)
        // The pool goes last, so that what is settled on the way down can still be written.
        var services: [any Service] = [PoolService(pool: pool), CoordinatorService(coordinator: coordinator), gateway]
        services.append(
            ReloadOnHangup {
                // Said in the log by the gateway itself; the last good pair stays in use.
                try? gateway.reloadCertificate()
            })
        if exitWithParent { services.append(ParentWatch()) }
        services.append(ReadyNote(gateway: gateway, logger: logger))
        var group = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = configuration.shutdown
        group.maximumCancellationDuration = Self.cancellationMax
        try await ServiceGroup(configuration: group).run()
    }

    /// Heads are signed with the key and the certificate that lie in the files at that moment: they may be renewed.
    private var chain: ChainKeeping {
        var places: [any HeadPlace] = []
        if let file = configuration.audit.headFile { places.append(HeadFile(path: file.path(percentEncoded: false))) }
        if !configuration.audit.headCommand.isEmpty {
            places.append(HeadCommand(words: configuration.audit.headCommand))
        }
        return ChainKeeping(signer: signer, places: places)
    }

    private var signer: CoordinatorSigner {
        { [files] text in
            let signed = try files.load().sign(text)
            return CoordinatorSignature(signature: signed.signature, certificate: signed.certificate)
        }
    }

    private func makeGateway(_ coordinator: Coordinator, _ ledger: Ledger) throws -> GatewayServer {
        var settings = GatewayConfiguration(
            bind: .init(host: configuration.listen.host, port: configuration.listen.port),
            credentials: .init(
                certificatePath: files.certificatePath, keyPath: files.keyPath, trustPath: files.trustPath))
        settings.limits = configuration.limits
        settings.reflection = configuration.reflection
        return try GatewayServer(
            configuration: settings, coordinator: coordinator, ledger: ledger, authority: authority, signer: signer,
            logger: logger)
    }
}

private struct PoolService: Service {
    let pool: Pool

    func run() async throws {
        await cancelWhenGracefulShutdown { await pool.run() }
    }
}

private struct CoordinatorService: Service {
    let coordinator: Coordinator

    func run() async throws { try await coordinator.run() }
}

/// Says in the log where the gateway listens, once it does.
private struct ReadyNote: Service {
    let gateway: GatewayServer
    let logger: Logger

    func run() async throws {
        // A gateway that cannot listen ends the group by its own error.
        if let port = try? await gateway.port { logger.notice("listening", metadata: ["port": "\(port)"]) }
        // Throws only when cancelled, which is an end as good as any.
        try? await gracefulShutdown()
    }
}
