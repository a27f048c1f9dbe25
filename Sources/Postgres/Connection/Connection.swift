internal import CLibPQ
public import Logging

/// One session with PostgreSQL. All of it happens on one thread of its own, so calls never block the caller's
/// executor; a call from elsewhere costs one hop there and one back, a call from a body that already runs on the
/// connection (``transaction(isolation:readOnly:retries:file:line:_:)``, ``Pool/withConnection(_:)``) none.
///
/// A connection has one user at a time: what two tasks do with it interleaves between calls.
public actor Connection {
    private nonisolated let thread: ConnectionThread
    nonisolated let interrupt: Interrupt
    nonisolated let logger: Logger
    var link: Link?
    /// BEGIN goes out with the first queries of a transaction, not before.
    var pendingBegin: Statement?
    var isInTransactionBody = false
    /// The body has committed by itself; the connection may be lost since.
    var hasBodyCommitted = false
    /// A COPY is under way; between its chunks nothing else may be sent.
    var isCopying = false

    /// The thread of this connection.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private init(logger: Logger) throws(PostgresError) {
        thread = try ConnectionThread()
        interrupt = try Interrupt()
        self.logger = logger
    }

    deinit { thread.stop() }

    /// Opens a session. Throws `.connection` when no host takes it, `.usage` for a malformed connection string.
    /// Blocks only its own thread, for at most the connect timeout of each host; a cancelled task waits for that.
    public static func connect(_ configuration: ConnectionConfiguration, logger: Logger) async throws -> Connection {
        let connection = try Connection(logger: logger)
        try await connection.open(configuration)
        return connection
    }

    private func open(_ configuration: ConnectionConfiguration) throws {
        link = try Link.open(configuration, interrupt: interrupt, logger: logger)
    }

    // MARK: Queries

    /// Runs one query in one round trip. Throws the server's error, `.connection` when the session is lost, and
    /// `.cancelled` when the task is cancelled, after the server has stopped the statement.
    public func query(_ query: Query, file: String = #fileID, line: Int = #line) async throws -> Rows {
        let rows = try await pipeline([query], file: file, line: line)
        return rows[0]
    }

    /// Runs all queries in ONE round trip and returns one ``Rows`` each. Outside a transaction they are one implicit
    /// transaction. The first error aborts the rest and is thrown with its `queryIndex`.
    public func pipeline(_ queries: [Query], file: String = #fileID, line: Int = #line) async throws -> [Rows] {
        if queries.isEmpty && pendingBegin == nil { return [] }
        return try await cancellable { [pendingBegin] link throws(PostgresError) in
            try link.pipeline(queries, begin: pendingBegin, file: file, line: line)
        } began: {
            pendingBegin = nil
        }
    }

    /// Runs a script of any number of commands without parameters; results are dropped, the first error is thrown.
    /// Commands outside explicit transactions form one implicit transaction.
    public func execute(script: String, file: String = #fileID, line: Int = #line) async throws {
        try await sendPendingBegin()
        try await cancellable { link throws(PostgresError) in
            try link.script(script, file: file, line: line)
        } began: {
        }
    }

    // MARK: State

    /// Where the session stands between calls.
    public enum TransactionStatus: Sendable {
        case idle, active, inTransaction, inError, unknown
    }

    /// What the server said after the last call.
    public var transactionStatus: TransactionStatus {
        guard let link, !link.isBroken else { return .unknown }
        return switch PQtransactionStatus(link.handle) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .inError
        default: .unknown
        }
    }

    /// Such as 150018 for 15.18; 0 once closed.
    public var serverVersion: Int { link.map { Int(PQserverVersion($0.handle)) } ?? 0 }

    /// A parameter that the server reports by itself, such as `in_hot_standby` or `TimeZone`; nil when it does not.
    public func parameter(_ name: String) -> String? {
        link.flatMap { PQparameterStatus($0.handle, name) }.map { String(cString: $0) }
    }

    /// Process id of the server's backend; 0 once closed.
    public var backendPID: Int32 { link.map { PQbackendPID($0.handle) } ?? 0 }

    /// True when the session lives as far as we know and no transaction or COPY is open in it.
    public var isUsable: Bool { transactionStatus == .idle && !isCopying && !isInTransactionBody }

    /// Looks at the socket without waiting: false when the server has closed the session meanwhile.
    public func probe() -> Bool {
        guard let link, !link.isBroken else { return false }
        guard link.isAlive() else {
            self.link = nil
            return false
        }
        return true
    }

    /// Asks the server to cancel what runs now; returns once the request was delivered or failed. The running call
    /// then throws `.server` 57014. A request that comes too late may hit the next call.
    public nonisolated func cancel() async {
        await withCheckedContinuation { continuation in
            interrupt.sendCancel { continuation.resume() }
        }
    }

    /// Ends the session; an open transaction is rolled back by the server. Waits for the running call.
    public func close() async {
        link = nil
    }

    // MARK: Inside

    /// Runs one call on the link so that cancelling the task stops it. `began` runs when bytes may have been sent.
    func cancellable<R>(
        _ body: (Link) throws(PostgresError) -> R, began: () -> Void
    ) async throws -> R {
        let link = try usableLink()
        if Task.isCancelled { throw PostgresError(.cancelled, "cancelled before anything was sent") }
        began()
        defer {
            interrupt.reset()
            if link.isBroken { self.link = nil }
        }
        // A closure that does not use `self` would run on the shared pool and block it.
        return try await withTaskCancellationHandler {
            try self.onThread(link, body)
        } onCancel: { [interrupt] in
            interrupt.request()
        }
    }

    func onThread<R>(_ link: Link, _ body: (Link) throws(PostgresError) -> R) throws(PostgresError) -> R {
        assert(thread.isCurrent, "libpq would block a thread of the shared pool")
        return try body(link)
    }

    /// Runs one call that must be tried even in a cancelled task, such as ROLLBACK.
    func shielded<R>(_ body: (Link) throws(PostgresError) -> R) throws(PostgresError) -> R {
        let link = try usableLink()
        defer { if link.isBroken { self.link = nil } }
        return try body(link)
    }

    func usableLink() throws(PostgresError) -> Link {
        guard let link, !link.isBroken else { throw PostgresError(.closed, "the connection is closed") }
        guard !isCopying else { throw PostgresError(.usage, "a COPY is under way on this connection") }
        return link
    }

    func sendPendingBegin() async throws {
        if pendingBegin != nil { _ = try await pipeline([]) }
    }
}
