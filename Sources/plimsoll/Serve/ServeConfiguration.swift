import Coordinator
import Foundation
import Gateway

/// What `plimsoll serve` is told by its file. Durations are written as 90s, 5m or 4h.
struct ServeConfiguration: Sendable {
    /// libpq keywords or URI; several hosts and everything else that libpq knows.
    var database: String
    /// Where to listen. The port 0 takes any free one.
    var listen: ServerAddress
    /// Where workers reach this coordinator; shown, never dialled. Default: what it listens on.
    var advertise: ServerAddress
    /// Folder with key.pem, cert.pem and ca.pem of this coordinator.
    var identity: URL
    /// What every certificate must name; nil: what the identity's ca.pem says.
    var trustDomain: String?
    /// Folder with ca.key and ca.pem; nil: this coordinator signs no certificates.
    var authority: URL?
    /// Whether the protocol can be listed by grpc.reflection.v1.
    var reflection = false
    var logLevel = "info"
    /// After SIGTERM: how long everything may take to end by itself.
    var shutdown = Duration.seconds(30)
    var limits = GatewayConfiguration.Limits()
    var times = CoordinatorConfiguration.Times.defaults
    /// Where signed heads of the chain go besides the database.
    var audit = Audit()
    /// Connections to the database beside those of the flushes.
    var poolConnections = poolConnectionsRange.lowerBound
    /// At least so many that two of each sort of long stream (own data, what to drop, exports) leave two for all else;
    /// an export needs a second one now and then.
    private static let poolConnectionsRange = 8...100

    static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    static let keys = [
        "database", "listen", "advertise", "identity", "trust_domain", "authority", "reflection", "log",
        "shutdown", "limits", "times", "audit", "database_connections",
    ]
    static let auditKeys = ["head_file", "head_command"]
    static let limitKeys = [
        "connections", "connections_per_person", "calls_per_connection", "calls_per_second_per_person",
    ]
    static let timeKeys = ["heartbeat", "stream_ttl", "presenting", "deadline_grace"]

    struct Audit: Sendable, Equatable {
        /// Appended to; nil: none.
        var headFile: URL?
        /// A program and its arguments, run for each head; empty: none.
        var headCommand: [String] = []
    }

    init(path: String) throws {
        try self.init(text: TextFile.read(path), file: path)
    }

    /// `file` is for messages, and what relative folders are relative to.
    init(text: String, file: String) throws {
        let map = try YAMLMap(text: text, file: file)
        try map.allow(keys: Self.keys)
        let base = URL(filePath: file).deletingLastPathComponent()
        database = try map.required("database")
        listen = try Self.address(map, "listen") ?? ServerAddress(host: "127.0.0.1", port: ServerAddress.portDefault)
        advertise = try Self.address(map, "advertise") ?? listen
        identity = URL(filePath: try map.required("identity"), relativeTo: base).absoluteURL
        authority = try map.string("authority").map { URL(filePath: $0, relativeTo: base).absoluteURL }
        trustDomain = try map.string("trust_domain")
        reflection = try map.bool("reflection") ?? false
        logLevel = try map.string("log") ?? logLevel
        guard Self.logLevels.contains(logLevel) else {
            throw map.failure("log", "must be one of \(Self.logLevels.joined(separator: ", "))")
        }
        shutdown = try map.duration("shutdown") ?? shutdown
        poolConnections = try map.integer("database_connections", in: Self.poolConnectionsRange) ?? poolConnections
        if let map = try map.map("limits") { try readLimits(map) }
        if let map = try map.map("times") { try readTimes(map) }
        if let map = try map.map("audit") {
            try map.allow(keys: Self.auditKeys)
            audit.headFile = try map.string("head_file").map { URL(filePath: $0, relativeTo: base).absoluteURL }
            audit.headCommand = try map.strings("head_command") ?? []
        }
    }

    private mutating func readLimits(_ map: YAMLMap) throws {
        try map.allow(keys: Self.limitKeys)
        if let value = try map.integer("connections", in: 1...1_000_000) { limits.connectionsMax = value }
        if let value = try map.integer("connections_per_person", in: 1...64) { limits.connectionsPerPersonMax = value }
        if let value = try map.integer("calls_per_connection", in: 1...1_000) { limits.callsPerConnectionMax = value }
        if let value = try map.integer("calls_per_second_per_person", in: 1...10_000) {
            limits.callsPerSecondPerPerson = Double(value)
            limits.callsBurstPerPerson = Double(value) * 3
        }
    }

    private mutating func readTimes(_ map: YAMLMap) throws {
        try map.allow(keys: Self.timeKeys)
        func read(_ key: String, _ least: Duration) throws -> Duration? {
            guard let value = try map.duration(key) else { return nil }
            guard value >= least else { throw map.failure(key, "must be at least \(least.components.seconds)s") }
            return value
        }
        if let value = try read("heartbeat", .seconds(1)) { times.heartbeat = value }
        if let value = try read("stream_ttl", .seconds(2)) { times.streamTimeToLive = value }
        if let value = try read("presenting", .seconds(1)) { times.presenting = value }
        if let value = try read("deadline_grace", .zero) { times.deadlineGrace = value }
        guard times.streamTimeToLive >= times.heartbeat * 2 else {
            throw map.failure("stream_ttl", "must be at least twice the heartbeat, or one late heartbeat ends a stream")
        }
    }

    private static func address(_ map: YAMLMap, _ key: String) throws -> ServerAddress? {
        guard let text = try map.string(key) else { return nil }
        guard let address = ServerAddress(text) else {
            throw map.failure(key, "must be host:port, such as 0.0.0.0:7443")
        }
        return address
    }
}
