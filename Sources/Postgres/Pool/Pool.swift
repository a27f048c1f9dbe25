public import Logging
import Synchronization

/// Connections to share. A connection is lent to one task at a time; one whose state is unknown afterwards (inside a
/// transaction, in doubt, broken) is closed, never lent again. When the server turns out to be read-only, shutting down
/// or gone, all idle connections go, because they lead to the same place.
public final class Pool: Sendable {
    /// Sizes and times of a pool.
    public struct Limits: Sendable {
        /// Connections that ``Pool/run()`` keeps open.
        public var min: Int
        /// Connections at most, those being opened included.
        public var max: Int
        /// An idle connection beyond `min` is closed after this long.
        public var idleLifetime: Duration
        /// A connection is closed after this long, once it is free; nil: never.
        public var lifetimeMax: Duration?
        /// Longest wait for a connection; then `.poolTimeout`.
        public var acquireTimeout: Duration
        /// Tasks that may wait; more get `.poolTimeout` at once.
        public var waitersMax: Int
        /// A connection idle for this long is looked at before it is lent; the look is one `poll` that does not wait,
        /// so by default each is: after a server's restart nobody is handed what died with it.
        public var probeAfter: Duration
        /// How often ``Pool/run()`` looks after the pool.
        public var tick: Duration

        /// Limits by value; traps unless 0 <= min <= max and 1 <= max.
        public init(
            min: Int = 0, max: Int, idleLifetime: Duration = .seconds(300), lifetimeMax: Duration? = .seconds(3600),
            acquireTimeout: Duration = .seconds(5), waitersMax: Int = 1024, probeAfter: Duration = .zero,
            tick: Duration = .seconds(1)
        ) {
            precondition(min >= 0 && max >= 1 && min <= max, "a pool needs 0 <= min <= max and 1 <= max")
            self.min = min
            self.max = max
            self.idleLifetime = idleLifetime
            self.lifetimeMax = lifetimeMax
            self.acquireTimeout = acquireTimeout
            self.waitersMax = waitersMax
            self.probeAfter = probeAfter
            self.tick = tick
        }

        /// At most 8 connections.
        public static let defaults = Limits(max: 8)
    }

    /// What the pool holds at one moment.
    public struct Statistics: Sendable, Equatable {
        /// Free to be lent.
        public let idle: Int
        /// In use.
        public let lent: Int
        /// Being connected.
        public let opening: Int
        /// Tasks that wait for one.
        public let waiting: Int
    }

    /// What a waiter is told.
    private enum Grant {
        case connection(Int, probe: Bool)
        case openYourself
        case refused(PoolState.Refusal)

        init(_ action: PoolState.Action) {
            switch action {
            case .lend(let id, _, let probe): self = .connection(id, probe: probe)
            case .open: self = .openYourself
            case .refuse(_, let reason): self = .refused(reason)
            case .openSpare, .close: preconditionFailure("not meant for a waiter")
            }
        }
    }

    private struct Store {
        var state: PoolState
        var connections: [Int: Connection] = [:]
        var continuations: [Int: CheckedContinuation<Grant, Never>] = [:]
        /// Waiters that gave up before they stood in the queue.
        var abandoned: [Int: PoolState.Refusal] = [:]
        var nextID = 0
    }

    private let store: Mutex<Store>
    private let configuration: ConnectionConfiguration
    private let limits: Limits
    private let logger: Logger

    /// Opens nothing yet. ``run()`` keeps `min` connections and lets old ones go; a pool works without it too.
    public init(configuration: ConnectionConfiguration, limits: Limits = .defaults, logger: Logger) {
        self.configuration = configuration
        self.limits = limits
        self.logger = logger
        store = Mutex(Store(state: PoolState(limits: limits)))
    }

    /// A snapshot, for metrics and tests.
    public var statistics: Statistics {
        store.withLock {
            Statistics(
                idle: $0.state.idleCount, lent: $0.state.lentCount, opening: $0.state.opening,
                waiting: $0.state.waiterCount)
        }
    }

    /// Runs `body` on a connection's own thread: one hop there and back, none for the queries in it.
    ///
    /// Throws what `body` throws; `.poolTimeout` when no connection became free in time, `.poolClosed`, `.cancelled`,
    /// or the error of opening a connection. Session settings that `body` changes stay with the connection.
    public func withConnection<R: Sendable>(
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        while true {
            let (id, connection, probe) = try await acquire()
            guard let use = await Pool.use(connection, probe: probe, body) else {
                // Found dead before anything was sent: the others are of the same age.
                await perform(store.withLock { $0.state.dropIdle() })
                await release(id, isHealthy: false)
                continue
            }
            if case .failure(let error as PostgresError) = use.result,
                error.isConnectionLost || error.isShutdown || error.isReadOnlyServer
            {
                logger.warning("all idle connections are dropped", metadata: ["error": "\(error)"])
                await perform(store.withLock { $0.state.dropIdle() })
            }
            await release(id, isHealthy: use.isHealthy)
            return try use.result.get()
        }
    }

    /// Keeps `min` connections and lets old ones go, until the task is cancelled or ``close()``; then closes the pool.
    public func run() async {
        let clock = ContinuousClock()
        while !Task.isCancelled {
            let actions = store.withLock { $0.state.tick(now: clock.now) }
            await perform(actions)
            if store.withLock({ $0.state.isClosed }) { break }
            // Cancelled while it waits: the loop ends.
            do { try await clock.sleep(for: limits.tick) } catch { break }
        }
        await close()
    }

    /// Lends nothing any more: who waits gets `.poolClosed`, idle connections close now, lent ones when they return.
    public func close() async {
        await perform(store.withLock { $0.state.close() })
    }

    // MARK: Inside

    private struct Use<R: Sendable>: Sendable {
        let result: Result<R, any Error>
        let isHealthy: Bool
    }

    /// Runs on the connection's thread. nil: the connection was dead already.
    private static func use<R: Sendable>(
        _ connection: isolated Connection, probe: Bool, _ body: @Sendable (isolated Connection) async throws -> R
    ) async -> Use<R>? {
        if probe, !connection.probe() { return nil }
        let result: Result<R, any Error>
        do { result = .success(try await body(connection)) } catch { result = .failure(error) }
        return Use(result: result, isHealthy: connection.isUsable)
    }

    private func acquire() async throws -> (Int, Connection, probe: Bool) {
        let clock = ContinuousClock()
        let waiter: Int
        let action: PoolState.Action?
        (waiter, action) = store.withLock { store in
            store.nextID += 1
            let canServe = store.state.idleCount > 0 || store.state.total < limits.max || store.state.isClosed
            return (store.nextID, canServe ? store.state.acquire(store.nextID, now: clock.now) : nil)
        }
        let grant: Grant
        if let action { grant = Grant(action) } else { grant = await wait(waiter) }
        switch grant {
        case .refused(let reason): throw refusal(reason)
        case .openYourself: return try await open()
        case .connection(let id, let probe):
            guard let connection = store.withLock({ $0.connections[id] }) else {
                throw PostgresError(.protocol, "the pool lost a connection")
            }
            return (id, connection, probe)
        }
    }

    private func wait(_ waiter: Int) async -> Grant {
        let grant = await suspend(waiter)
        store.withLock { $0.abandoned[waiter] = nil }
        return grant
    }

    private func suspend(_ waiter: Int) async -> Grant {
        // Not `async let`, see Sources/README.md.
        let expiry = Task { await expire(waiter) }
        let grant = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = store.withLock { store -> Grant? in
                    if let reason = store.abandoned[waiter] { return .refused(reason) }
                    if let action = store.state.acquire(waiter, now: .now) { return Grant(action) }
                    store.continuations[waiter] = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            abandon(waiter, .cancelled)
        }
        expiry.cancel()
        // Until then it may still note the waiter as abandoned.
        await expiry.value
        return grant
    }

    private func expire(_ waiter: Int) async {
        // Cancelled because the waiter was served, or with it.
        do { try await Task.sleep(for: limits.acquireTimeout) } catch { return }
        abandon(waiter, .timeout)
    }

    /// Takes a waiter out of the queue; one that is not in it yet will find the reason noted.
    private func abandon(_ waiter: Int, _ reason: PoolState.Refusal) {
        let continuation = store.withLock { store -> CheckedContinuation<Grant, Never>? in
            guard store.state.abandon(waiter, reason) != nil else {
                store.abandoned[waiter] = reason
                return nil
            }
            return store.continuations.removeValue(forKey: waiter)
        }
        continuation?.resume(returning: .refused(reason))
    }

    /// Opens a connection in a slot that is ours.
    private func open() async throws -> (Int, Connection, probe: Bool) {
        do {
            let connection = try await Connection.connect(configuration, logger: logger)
            let id = store.withLock { store in
                store.nextID += 1
                store.connections[store.nextID] = connection
                store.state.opened(store.nextID, now: .now)
                return store.nextID
            }
            return (id, connection, probe: false)
        } catch {
            await perform(store.withLock { $0.state.openFailed() }.map { [$0] } ?? [])
            throw error
        }
    }

    private func openSpare() async {
        do {
            let connection = try await Connection.connect(configuration, logger: logger)
            let action = store.withLock { store in
                store.nextID += 1
                store.connections[store.nextID] = connection
                return store.state.openedSpare(store.nextID, now: .now)
            }
            await perform(action.map { [$0] } ?? [])
        } catch {
            // The next tick tries again; who needs a connection now gets the error itself.
            logger.warning("no spare database connection", metadata: ["error": "\(error)"])
            await perform(store.withLock { $0.state.openFailed() }.map { [$0] } ?? [])
        }
    }

    private func release(_ id: Int, isHealthy: Bool) async {
        await perform(store.withLock { $0.state.release(id, isHealthy: isHealthy, now: .now) })
    }

    private func perform(_ actions: [PoolState.Action]) async {
        for action in actions {
            switch action {
            case .close(let id):
                await store.withLock { $0.connections.removeValue(forKey: id) }?.close()
            case .openSpare:
                await openSpare()
            case .lend(_, let waiter, _), .open(let waiter), .refuse(let waiter, _):
                store.withLock { $0.continuations.removeValue(forKey: waiter) }?.resume(returning: Grant(action))
            }
        }
    }

    private func refusal(_ reason: PoolState.Refusal) -> PostgresError {
        switch reason {
        case .closed: PostgresError(.poolClosed, "the pool is closed")
        case .full: PostgresError(.poolTimeout, "\(limits.waitersMax) tasks wait for a connection already")
        case .timeout: PostgresError(.poolTimeout, "no connection became free in \(limits.acquireTimeout)")
        case .cancelled: PostgresError(.cancelled, "cancelled while waiting for a connection")
        }
    }
}
