/// Everything that can be set about the gateway. The defaults fit one coordinator on a loopback address.
public struct GatewayConfiguration: Sendable, Hashable {
    public var bind: Bind
    public var credentials: Credentials
    public var limits: Limits
    public var times: Times
    /// Whether the protocol can be listed by `grpc.reflection.v1`; it is behind mutual TLS like everything else.
    public var reflection: Bool

    public init(
        bind: Bind = Bind(), credentials: Credentials, limits: Limits = Limits(), times: Times = Times(),
        reflection: Bool = false
    ) {
        self.bind = bind
        self.credentials = credentials
        self.limits = limits
        self.times = times
        self.reflection = reflection
    }

    /// Where to listen.
    public struct Bind: Sendable, Hashable {
        /// An IP address, or a name that resolves to one of this machine.
        public var host: String
        /// 0 takes any free port; `GatewayServer.port` says which.
        public var port: Int

        public init(host: String = "127.0.0.1", port: Int = 7443) {
            self.host = host
            self.port = port
        }
    }

    /// The coordinator's own certificate and whom it trusts; all files are PEM.
    public struct Credentials: Sendable, Hashable {
        /// The leaf, or a chain that begins with it.
        public var certificatePath: String
        /// The private key; refused when group or others may read it.
        public var keyPath: String
        /// The authorities whose clients are let in. Two while an old and a new one overlap.
        public var trustPath: String

        public init(certificatePath: String, keyPath: String, trustPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
            self.trustPath = trustPath
        }
    }

    /// How much at once. Beyond a limit comes a status that says so, with a time after which to try again; where no
    /// status can be sent yet, the connection is closed.
    public struct Limits: Sendable, Hashable {
        /// TCP connections in all, handshakes under way included.
        public var connectionsMax = 12_000
        /// TLS handshakes under way; while there are as many, further connections wait in the kernel until one ends, or
        /// 20 ms for every few of them.
        public var handshakesMax = 32
        /// Connections of one person that carry calls. Twice as many may be open, so that a worker that reconnects is
        /// not shut out by its own dead connections; any more are closed after the handshake.
        public var connectionsPerPersonMax = 8
        /// Calls at once on one connection (HTTP/2 streams).
        public var callsPerConnectionMax = 32
        /// Streams of people's own data at once, one of each person: each holds one of the coordinator's database
        /// connections for as long as its reader takes. As many again for operators' lists of dropped records, and for
        /// exports.
        public var streamsMax = 2
        /// Bytes of one message of a client.
        public var messageBytesMax = 4 * 1024 * 1024
        /// Bytes of leases and project texts in one message to a worker; a larger reply is sent as several messages.
        public var replyBytesTarget = 1024 * 1024
        /// Calls a second of one person, work streams included, and how many may come in a burst. Withdrawing and
        /// refusing are counted apart, so that other calls never use up their share.
        public var callsPerSecondPerPerson = 20.0
        public var callsBurstPerPerson = 60.0
        /// The same for operators, whose scripts enrol and import for everybody else.
        public var callsPerSecondPerOperator = 500.0
        public var callsBurstPerOperator = 2_000.0
        /// Bytes that a client may send ahead of what is read, on one connection and on one call of it (HTTP/2 flow
        /// control window). The most that an unread client can make this process hold, for each connection.
        public var windowBytes = 65_535

        public init() {}
    }

    /// How long for what.
    public struct Times: Sendable, Hashable {
        /// From the TCP connection to the end of the TLS handshake.
        public var handshake = Duration.seconds(5)
        /// From the handshake to the first call, and from the start of a work stream to its hello.
        public var hello = Duration.seconds(5)
        /// A connection without any call is closed after this.
        public var idle = Duration.seconds(300)
        /// A connection on which nothing arrives is closed after this, whatever it has open: a frozen peer answers no
        /// ping. Longer than `keepalivePing` plus `keepaliveTimeout`.
        public var silence = Duration.seconds(60)
        /// A peer that takes nothing of what is sent to it, on one call, is cut off after this.
        public var unread = Duration.seconds(20)
        /// To wait for a turn where `Limits.streamsMax` streams are open; then the call is refused.
        public var turn = Duration.seconds(10)
        /// Unacknowledged data make the kernel drop the connection after this (TCP_USER_TIMEOUT, RFC 5482).
        public var unacknowledged = Duration.seconds(30)
        /// HTTP/2 ping to a client after this long without anything from it; its answer counts against `silence`.
        public var keepalivePing = Duration.seconds(20)
        public var keepaliveTimeout = Duration.seconds(20)
        /// Clients may ping as often as this, with or without calls.
        public var clientPingMin = Duration.seconds(5)
        /// After a worker has closed its side, for the settlements that it is still owed.
        public var halfClosed = Duration.seconds(5)
        /// On shutdown: for workers to finish and go, after each was told.
        public var drain = Duration.seconds(10)
        /// On shutdown: for calls to end after the listener is closed. Everything left is cut off then.
        public var quiesce = Duration.seconds(5)
        /// How often health is looked up for watchers.
        public var healthRefresh = Duration.milliseconds(500)

        public init() {}
    }
}
