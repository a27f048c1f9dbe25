public import Logging
public import PlimsollModel
public import Postgres

/// Makes the connections that one coordinator keeps for itself, each with the settings of its use.
public struct LedgerConnections: Sendable {
    private let base: ConnectionConfiguration
    private let name: String
    private let logger: Logger

    /// `base` reaches the database in the coordinator's role; `name` shows in `pg_stat_activity`.
    public init(base: ConnectionConfiguration, name: String, logger: Logger) {
        self.base = base
        self.name = name
        self.logger = logger
    }

    public func flush() async throws -> FlushSession {
        var configuration = with("flush", FlushSession.settings)
        // A server that is frozen behind a local socket would hold a flush for ever.
        configuration.responseTimeout = .seconds(10)
        return FlushSession(connection: try await Connection.connect(configuration, logger: logger))
    }

    public func feed(for coordinator: CoordinatorID) async throws -> FeedSession {
        FeedSession(
            connection: try await Connection.connect(with("feed", FeedSession.settings), logger: logger),
            coordinator: coordinator)
    }

    public func membership() async throws -> MembershipSession {
        MembershipSession(
            connection: try await Connection.connect(with("life", MembershipSession.settings), logger: logger))
    }

    public func chain() async throws -> ChainSession {
        var configuration = with("chain", ChainSession.settings)
        // As for a flush: a server that is frozen behind a local socket would hold the sealer for ever.
        configuration.responseTimeout = .seconds(10)
        return ChainSession(connection: try await Connection.connect(configuration, logger: logger))
    }

    /// New spans, a moved epoch, people who withdrew; to be run beside its reader.
    public func wakeUps() -> WakeUps {
        WakeUps(
            listener: NotificationListener(
                configuration: with("listen", []),
                channels: WakeUp.allCases.map(\.rawValue), logger: logger))
    }

    private func with(_ use: String, _ settings: [(String, String)]) -> ConnectionConfiguration {
        var configuration = base
        configuration.applicationName = "plimsoll \(name) \(use)"
        configuration.settings = base.settings + settings
        return configuration
    }
}

/// What is heard of other transactions. Only a hint: the slow poll finds the same without it.
public struct WakeUps: Sendable {
    public enum Event: Sendable {
        /// This person's consent changed.
        case person(PersonID)
        /// This lane has new spans.
        case lane(LaneID)
        case epoch
        /// Several lanes have, or anything may have been missed.
        case anything
    }

    let listener: NotificationListener

    /// Listens until cancelled.
    public func run() async { await listener.run() }

    /// Calls `hear` for each event until the listener ends.
    public func each(_ hear: (Event) async -> Void) async {
        for await event in listener.events {
            guard case .notification(let note) = event, let channel = WakeUp(rawValue: note.channel) else {
                await hear(.anything)
                continue
            }
            switch (channel, Int64(note.payload)) {
            case (.person, let id?): await hear(.person(PersonID(id)))
            case (.lane, let id?): await hear(.lane(LaneID(id)))
            case (.epoch, _): await hear(.epoch)
            case (.person, nil), (.lane, nil): await hear(.anything)
            }
        }
    }
}
