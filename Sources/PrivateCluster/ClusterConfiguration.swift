public import FoundationEssentials

/// Where a private cluster lives and how its server is set.
public struct ClusterConfiguration: Sendable {
    /// Holds everything of the cluster: `data`, `socket`, `postgres.log`, `owner`. Made when missing.
    public var directory: URL
    /// Server settings on top of ``defaultSettings``, by their names in postgresql.conf.
    public var settings: [String: String]
    /// The role that `initdb` makes; it owns everything. Only counts when the cluster is made.
    public var superuser: String = "plimsoll_owner"
    /// Longest wait until the server accepts connections, recovery after a crash included.
    public var startTimeout: Duration = .seconds(60)
    /// Longest wait for an orderly stop; then the server is told to stop at once.
    public var stopTimeout: Duration = .seconds(30)

    /// Part of the socket's name; nothing listens on TCP.
    static let socketPort = 5432
    /// A TCP listener on 127.0.0.1, which lets every local user in as superuser: for tests of TLS, and for no one else.
    var loopbackPort: Int?
    var port: Int { loopbackPort ?? Self.socketPort }

    /// A cluster in `directory` with the defaults above.
    public init(directory: URL, settings: [String: String] = [:]) {
        self.directory = directory
        self.settings = settings
    }

    /// Durable by default: `fsync` and `synchronous_commit` are on and only a caller that says so turns them off.
    public static let defaultSettings: [String: String] = [
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    ]

    /// Settings that make access safe; no override may change them.
    func fixedSettings(socketDirectory: String) -> [String: String] {
        [
            "listen_addresses": loopbackPort == nil ? "" : "127.0.0.1",
            "unix_socket_directories": socketDirectory,
            "unix_socket_permissions": "0700",
            "port": String(port),
        ]
    }
}
