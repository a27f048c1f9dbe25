internal import CLibPQ
import Glibc
internal import Logging

/// One PGconn and everything that must happen on its thread. Not Sendable on purpose: only ``Connection`` holds it,
/// and only on its own thread. All calls block that thread, none blocks inside libpq except connecting.
final class Link {
    /// Limits of this layer.
    enum Limits {
        /// After a cancel request, how long the server may take to end the statement before the connection is cut.
        static let cancelGrace: Duration = .seconds(5)
        /// Bytes handed to libpq before they are pushed out and answers are read, so that neither side's buffers
        /// fill up while both only write.
        static let unflushedBytesMax = 256 * 1024
    }

    struct Prepared {
        let sql: String
        let types: [UInt32]
    }

    let handle: OpaquePointer
    let interrupt: Interrupt
    let notices: NoticeSink
    let responseTimeoutNanoseconds: UInt64?
    /// Reads needed until nothing can be left in OpenSSL's own buffer, which `poll` does not see: a TLS record holds
    /// 16 KiB and libpq makes room for at least 8 KiB a call.
    let readRounds: Int

    /// The session cannot be used any more: lost, cut, or in a state we do not know.
    var isBroken = false
    var prepared: [String: Prepared] = [:]
    /// The server's prepared statements no longer fit (26000, or a plan whose result type changed).
    var mustDeallocate = false
    /// False while a COMMIT is under way: a cancel request then would at best end the wait for the standbys (P5).
    var cancelReachesServer = true
    /// Monotonic nanoseconds; set once the running call was asked to stop.
    var cancelDeadline: UInt64?
    private var isInPipelineMode = false

    /// Room for one query's parameters, reused.
    private(set) var values = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: 0)
    private(set) var words = UnsafeMutablePointer<UInt64>.allocate(capacity: 0)
    private(set) var lengths = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
    private(set) var formats = UnsafeMutablePointer<Int32>.allocate(capacity: 0)
    private(set) var types = UnsafeMutablePointer<UInt32>.allocate(capacity: 0)
    private var bindCapacity = 0

    private init(_ handle: OpaquePointer, interrupt: Interrupt, responseTimeout: Duration?, logger: Logger) {
        self.handle = handle
        self.interrupt = interrupt
        self.notices = NoticeSink(logger)
        self.responseTimeoutNanoseconds = responseTimeout.map { UInt64(max(1, $0.millisecondsRoundedUp)) * 1_000_000 }
        self.readRounds = PQsslInUse(handle) != 0 ? 4 : 1
        PQsetNoticeReceiver(handle, NoticeSink.receive, Unmanaged.passUnretained(notices).toOpaque())
        reserveBinds(16)
        interrupt.attach(CancelHandle(handle))
    }

    deinit {
        interrupt.attach(nil)
        PQfinish(handle)
        values.deallocate()
        words.deallocate()
        lengths.deallocate()
        formats.deallocate()
        types.deallocate()
    }

    /// Connects; blocks for up to the connect timeout of each host.
    static func open(_ configuration: ConnectionConfiguration, interrupt: Interrupt, logger: Logger)
        throws(PostgresError) -> Link
    {
        let inherited = try inheritedOptions(configuration.conninfo)
        let handle = withParameters(configuration.parameters(options: inherited)) { PQconnectdbParams($0, $1, 1) }
        guard let handle else { throw PostgresError(.connection, "out of memory") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
            PQfinish(handle)
            throw PostgresError(.connection, message)
        }
        guard PQsetnonblocking(handle, 1) == 0 else {
            PQfinish(handle)
            throw PostgresError(.connection, "no non-blocking mode")
        }
        return Link(
            handle, interrupt: interrupt, responseTimeout: configuration.responseTimeout, logger: logger)
    }

    /// The `options` that the conninfo itself holds, so that ours are added instead of replacing them.
    private static func inheritedOptions(_ conninfo: String) throws(PostgresError) -> String? {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(conninfo, &message) else {
            // libpq's message may quote the conninfo, password included: it is not passed on.
            PQfreemem(message)
            throw PostgresError(.usage, "the connection string is not valid")
        }
        defer { PQconninfoFree(parsed) }
        var option = parsed
        while let keyword = option.pointee.keyword {
            if strcmp(keyword, "options") == 0, let value = option.pointee.val { return String(cString: value) }
            option += 1
        }
        return nil
    }

    private static func withParameters<R>(
        _ parameters: [(String, String)],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<UnsafePointer<CChar>?>?) -> R
    ) -> R {
        let keywords = parameters.map { strdup($0.0) } + [nil]
        let values = parameters.map { strdup($0.1) } + [nil]
        defer {
            keywords.forEach { free($0) }
            values.forEach { free($0) }
        }
        return keywords.map { UnsafePointer($0) }.withUnsafeBufferPointer { keywords in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                body(keywords.baseAddress, values.baseAddress)
            }
        }
    }

    // MARK: Modes

    func enterPipelineMode() throws(PostgresError) {
        if isInPipelineMode { return }
        guard PQenterPipelineMode(handle) == 1 else { throw broken(.protocol, "no pipeline mode") }
        isInPipelineMode = true
    }

    func leavePipelineMode() throws(PostgresError) {
        if !isInPipelineMode { return }
        guard PQexitPipelineMode(handle) == 1 else { throw broken(.protocol, "pipeline mode did not end") }
        isInPipelineMode = false
    }

    // MARK: Parameters

    func reserveBinds(_ count: Int) {
        guard count > bindCapacity else { return }
        let capacity = max(count, bindCapacity * 2)
        values.deallocate()
        words.deallocate()
        lengths.deallocate()
        formats.deallocate()
        types.deallocate()
        values = .allocate(capacity: capacity)
        words = .allocate(capacity: capacity)
        lengths = .allocate(capacity: capacity)
        formats = .allocate(capacity: capacity)
        types = .allocate(capacity: capacity)
        values.initialize(repeating: nil, count: capacity)
        words.initialize(repeating: 0, count: capacity)
        lengths.initialize(repeating: 0, count: capacity)
        formats.initialize(repeating: 1, count: capacity)
        types.initialize(repeating: 0, count: capacity)
        bindCapacity = capacity
    }
}
