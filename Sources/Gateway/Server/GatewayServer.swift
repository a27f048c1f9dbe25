public import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
public import Logging
import PlimsollProtocol
public import ServiceLifecycle

/// The gRPC server of a coordinator: every service behind mutual TLS, one identity check, named limits.
///
/// Run it once, in a `ServiceGroup` after the coordinator, so that it is shut down before it. On graceful shutdown
/// health turns to not serving, workers are told to go and have `Times.drain` for it, then the listener closes and
/// other calls have `Times.quiesce` to end; after that everything is cut off.
public struct GatewayServer: Service {
    private let configuration: GatewayConfiguration
    private let credentials: ServerCredentials
    private let dispatch: any WorkDispatch
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let sessions: WorkSessions
    private let health: HealthState
    let connections: OpenConnections
    let callLimits: CallLimits
    private let logger: Logger

    /// Reads and checks the credentials and resolves the address; listens only in `run`.
    ///
    /// `services` are those besides the work queue, health and reflection: the control service. Each of their methods
    /// needs a line in the table of who may call what, or it is refused. Throws `badCredentials` or `cannotBind`.
    public init(
        configuration: GatewayConfiguration, dispatch: any WorkDispatch, desk: any PersonDesk,
        services: [any RegistrableRPCService] = [], logger: Logger
    ) throws(GatewayError) {
        self.configuration = configuration
        self.dispatch = dispatch
        self.logger = logger
        credentials = try ServerCredentials(configuration.credentials, logger: logger)
        sessions = WorkSessions(configuration.times)
        health = HealthState()
        connections = OpenConnections(configuration.limits)
        callLimits = CallLimits(configuration.limits)
        let hooks = ConnectionHooks(
            times: configuration.times, trustDomain: credentials.trust.trustDomain, connections: connections,
            logger: logger)
        let transport = HTTP2ServerTransport.Posix(
            address: try ListenAddress.resolve(configuration.bind),
            transportSecurity: try credentials.transportSecurity(),
            config: Self.transportConfiguration(configuration, hooks: hooks))
        var all: [any RegistrableRPCService] = [
            WorkQueueService(configuration: configuration, dispatch: dispatch, desk: desk, sessions: sessions),
            HealthService(
                health: health, isReady: { dispatch.isReady },
                services: [
                    Plimsoll_V1_WorkQueue.descriptor.fullyQualifiedService,
                    Plimsoll_V1_Control.descriptor.fullyQualifiedService,
                ]),
        ]
        if configuration.reflection { all.append(try ReflectionService()) }
        all += services
        server = GRPCServer(
            transport: transport, services: all,
            interceptors: [
                IdentityInterceptor(
                    trustDomain: credentials.trust.trustDomain, dispatch: dispatch, limits: callLimits, logger: logger)
            ])
    }

    /// The port listened on, once it is. Throws `cannotBind` when the server has ended or could not listen.
    public var port: Int {
        get async throws(GatewayError) {
            do {
                let address = try await server.transport.listeningAddress
                if let port = address.ipv4?.port ?? address.ipv6?.port { return port }
            } catch {
                throw GatewayError(.cannotBind, "nothing is listened on", cause: error)
            }
            throw GatewayError(.cannotBind, "nothing is listened on")
        }
    }

    /// Reads certificate and key again, for connections to come; call it on SIGHUP. Throws `badCredentials` and keeps
    /// the last good pair.
    public func reloadCertificate() throws(GatewayError) { try credentials.reload() }

    /// Work streams open now.
    public var openStreams: Int { sessions.count }
    var healthWatchers: Int { health.watchers }
    /// TCP connections open now.
    public var openConnections: Int { connections.opened }

    /// Serves until cancelled or shut down. Throws `cannotBind` when the address cannot be listened on.
    public func run() async throws {
        health.set(serving: dispatch.isReady)
        // A server that cannot listen ends by error; one that is shut down or cancelled ends without.
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await serve() }
            group.addTask { await shutDownWhenAsked() }
            group.addTask {
                await withDiscardingTaskGroup { keepers in
                    keepers.addTask { await sessions.run() }
                    keepers.addTask { await refreshHealth() }
                }
            }
            try await group.next()
        }
    }

    /// Tells workers that the coordinator is going and waits until they have gone; the first step of a shutdown.
    func drain(within time: Duration) async {
        health.go()
        await sessions.drain(within: time)
    }

    private func serve() async throws {
        do {
            try await withTaskCancellationHandler {
                try await server.serve()
            } onCancel: {
                connections.closeAll()
            }
        } catch {
            if Task.isCancelled { return }
            throw ListenAddress.refusal(error, configuration.bind) ?? error
        }
    }

    private func shutDownWhenAsked() async {
        // Throws only when cancelled; then everything below is beside the point.
        guard (try? await gracefulShutdown()) != nil else { return }
        await drain(within: configuration.times.drain)
        server.beginGracefulShutdown()
        // Cancelled as soon as the last call has ended.
        try? await Task.sleep(for: configuration.times.quiesce)
    }

    private func refreshHealth() async {
        while !Task.isCancelled {
            health.set(serving: dispatch.isReady)
            // Throws only when cancelled, which the loop sees by itself.
            try? await Task.sleep(for: configuration.times.healthRefresh)
        }
    }

    private static func transportConfiguration(
        _ configuration: GatewayConfiguration, hooks: ConnectionHooks
    ) -> HTTP2ServerTransport.Posix.Config {
        .defaults { config in
            config.connection.keepalive.time = configuration.times.keepalivePing
            config.connection.keepalive.timeout = configuration.times.keepaliveTimeout
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = configuration.times.clientPingMin
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.http2.targetWindowSize = configuration.limits.windowBytes
            config.http2.maxConcurrentStreams = configuration.limits.callsPerConnectionMax
            config.rpc.maxRequestPayloadSize = configuration.limits.messageBytesMax
            config.channelDebuggingCallbacks = hooks.callbacks
        }
    }
}
