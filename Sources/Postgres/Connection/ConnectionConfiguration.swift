/// How to reach PostgreSQL and how a session behaves.
public struct ConnectionConfiguration: Sendable {
    /// Keepalive probes on idle TCP connections; without meaning on Unix sockets.
    public struct Keepalives: Sendable {
        /// Quiet time before the first probe, whole seconds.
        public var idle: Duration
        /// Time between probes, whole seconds.
        public var interval: Duration
        /// Probes unanswered until the connection counts as dead.
        public var count: Int

        /// Probes by value; see the properties.
        public init(idle: Duration, interval: Duration, count: Int) {
            self.idle = idle
            self.interval = interval
            self.count = count
        }

        /// A dead peer is noticed after 25 s of silence.
        public static let defaults = Keepalives(idle: .seconds(10), interval: .seconds(5), count: 3)
    }

    /// libpq keywords or URI. Several hosts (`host=a,b target_session_attrs=read-write`), `sslmode=verify-full` and
    /// everything else libpq knows pass through.
    public var conninfo: String
    /// Shown in `pg_stat_activity`.
    public var applicationName: String = "plimsoll"
    /// Longest wait for one host. libpq counts whole seconds, at least 2; each host of a list gets its own.
    public var connectTimeout: Duration = .seconds(5)
    /// Longest a statement may run on the server; nil: the server's own setting.
    public var statementTimeout: Duration?
    /// Longest wait for one lock; nil: the server's own setting.
    public var lockTimeout: Duration?
    /// Longest idle moment inside a transaction before the server ends the session; nil: the server's own setting.
    public var idleInTransactionTimeout: Duration?
    /// Longest silence of the server while it owes us an answer; then the connection is closed and the call throws
    /// `.connection`. Set it above `statementTimeout`. nil: wait as long as TCP says that the peer lives.
    public var responseTimeout: Duration?
    /// Session settings (`search_path`, `plan_cache_mode`, `synchronous_commit`, ...) applied while connecting.
    public var settings: [(String, String)] = []
    /// Longest time that sent bytes may stay unacknowledged (TCP_USER_TIMEOUT); nil: the system's default.
    public var tcpUserTimeout: Duration? = .seconds(15)
    /// nil: the system's default, hours.
    public var keepalives: Keepalives? = .defaults

    /// A configuration with the defaults above.
    public init(conninfo: String) {
        self.conninfo = conninfo
    }
}

extension ConnectionConfiguration {
    /// Keywords for `PQconnectdbParams`, `conninfo` first and expanded so that the later ones override it.
    func parameters(options inherited: String?) -> [(String, String)] {
        var list: [(String, String)] = [
            ("dbname", conninfo),
            ("application_name", applicationName),
            ("connect_timeout", String(max(2, connectTimeout.secondsRoundedUp))),
            ("client_encoding", "UTF8"),
        ]
        if let keepalives {
            list.append(("keepalives", "1"))
            list.append(("keepalives_idle", String(keepalives.idle.secondsRoundedUp)))
            list.append(("keepalives_interval", String(keepalives.interval.secondsRoundedUp)))
            list.append(("keepalives_count", String(keepalives.count)))
        }
        if let tcpUserTimeout {
            list.append(("tcp_user_timeout", String(tcpUserTimeout.millisecondsRoundedUp)))
        }
        var options = inherited.map { [$0] } ?? []
        func add(_ name: String, _ value: String) { options.append("-c \(name)=\(Self.escape(value))") }
        if let statementTimeout { add("statement_timeout", String(statementTimeout.millisecondsRoundedUp)) }
        if let lockTimeout { add("lock_timeout", String(lockTimeout.millisecondsRoundedUp)) }
        if let idleInTransactionTimeout {
            add("idle_in_transaction_session_timeout", String(idleInTransactionTimeout.millisecondsRoundedUp))
        }
        for (name, value) in settings { add(name, value) }
        if !options.isEmpty { list.append(("options", options.joined(separator: " "))) }
        return list
    }

    /// The server splits `options` at white space; a backslash keeps the next character (pg_split_opts).
    private static func escape(_ value: String) -> String {
        var text = ""
        for character in value {
            if character == "\\" || character.isWhitespace { text.append("\\") }
            text.append(character)
        }
        return text
    }
}

extension Duration {
    /// Whole seconds, rounded up.
    var secondsRoundedUp: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }

    /// Whole milliseconds, rounded up.
    var millisecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
