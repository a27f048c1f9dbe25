import Ledger
import Logging
import PlimsollModel
import Postgres

/// Makes the connections that a coordinator keeps for itself, each with the settings of its use.
struct CoordinatorConnections: Sendable {
    let base: ConnectionConfiguration
    let name: String
    let logger: Logger

    func flush() async throws -> FlushSession {
        FlushSession(connection: try await Connection.connect(with("flush", FlushSession.settings), logger: logger))
    }

    func feed(for coordinator: CoordinatorID) async throws -> FeedSession {
        FeedSession(
            connection: try await Connection.connect(with("feed", FeedSession.settings), logger: logger),
            coordinator: coordinator)
    }

    func membership() async throws -> MembershipSession {
        MembershipSession(
            connection: try await Connection.connect(
                with(
                    "life",
                    [("search_path", "plimsoll"), ("statement_timeout", "10000"), ("lock_timeout", "6000")]),
                logger: logger))
    }

    func listener(channels: [String]) -> NotificationListener {
        NotificationListener(configuration: with("listen", []), channels: channels, logger: logger)
    }

    private func with(_ use: String, _ settings: [(String, String)]) -> ConnectionConfiguration {
        var configuration = base
        configuration.applicationName = "plimsoll \(name) \(use)"
        configuration.settings = base.settings + settings
        return configuration
    }
}
