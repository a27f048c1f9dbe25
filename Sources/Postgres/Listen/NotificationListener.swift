public import Logging

/// Hears NOTIFY on a connection of its own and connects again by itself. One reader takes ``events``; someone must
/// run ``run()`` meanwhile.
public struct NotificationListener: Sendable {
    /// Bounds and pauses of a listener.
    public struct Limits: Sendable {
        /// Different events that may wait for the reader; more become one `.resync`.
        public var eventsMax: Int
        /// Pause before the first new attempt to connect; doubled each time.
        public var reconnectPause: Duration
        /// No pause is longer.
        public var reconnectPauseMax: Duration
        /// How often a silent connection is asked whether it still lives.
        public var probeInterval: Duration

        /// See the properties; nothing is opened here.
        public init(
            eventsMax: Int, reconnectPause: Duration, reconnectPauseMax: Duration, probeInterval: Duration
        ) {
            self.eventsMax = eventsMax
            self.reconnectPause = reconnectPause
            self.reconnectPauseMax = reconnectPauseMax
            self.probeInterval = probeInterval
        }

        /// 1,024 events, pauses of 0.1 to 5 s, a probe every 15 s.
        public static let defaults = Limits(
            eventsMax: 1024, reconnectPause: .milliseconds(100), reconnectPauseMax: .seconds(5),
            probeInterval: .seconds(15))
    }

    /// What was heard. Starts with `.resync` once connected, and has one after each new connection. For one reader.
    public let events: AsyncStream<ListenerEvent>
    private let mailbox: Mailbox
    private let configuration: ConnectionConfiguration
    private let channels: [String]
    private let limits: Limits
    private let logger: Logger

    /// See the properties; nothing is opened here.
    public init(
        configuration: ConnectionConfiguration, channels: [String], limits: Limits = .defaults, logger: Logger
    ) {
        var configuration = configuration
        // A listener that is frozen out must notice: a probe that gets no answer ends the connection.
        if configuration.responseTimeout == nil { configuration.responseTimeout = .seconds(10) }
        let mailbox = Mailbox(limit: limits.eventsMax)
        self.mailbox = mailbox
        self.configuration = configuration
        self.channels = channels
        self.limits = limits
        self.logger = logger
        events = AsyncStream(unfolding: { await mailbox.next() }, onCancel: { mailbox.close() })
    }

    /// Listens until the task is cancelled; then ``events`` ends.
    public func run() async {
        defer { mailbox.close() }
        var pause = limits.reconnectPause
        while !Task.isCancelled {
            do {
                try await session { pause = limits.reconnectPause }
            } catch {
                if Task.isCancelled { return }
                logger.warning("listening interrupted", metadata: ["error": "\(error)"])
            }
            // Cancelled while it waits: the loop ends.
            do { try await Task.sleep(for: pause * Double.random(in: 0.5...1)) } catch { return }
            pause = min(pause * 2, limits.reconnectPauseMax)
        }
    }

    private func session(connected: () -> Void) async throws {
        let connection = try await Connection.connect(configuration, logger: logger)
        do {
            try await connection.listen(channels)
            connected()
            mailbox.put(.resync)
            while true {
                let heard = try await connection.notifications(timeout: limits.probeInterval)
                for notification in heard { mailbox.put(.notification(notification)) }
                if heard.isEmpty { _ = try await connection.query(Query(.unprepared("SELECT 1"))) }
            }
        } catch {
            await connection.close()
            throw error
        }
    }
}
