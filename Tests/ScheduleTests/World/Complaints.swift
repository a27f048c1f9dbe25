import Logging
import Synchronization

/// Hears what coordinators complain of. After a flush that failed they read people anew, and of some deadlines they no
/// longer know what they told of them.
final class Complaints: Sendable {
    private let isHeard = Mutex(false)

    var logger: Logger { Logger(label: "test.schedules", factory: { _ in Handler(complaints: self) }) }

    /// Whether anything was complained of since this was last asked.
    func take() -> Bool {
        isHeard.withLock { isHeard in
            defer { isHeard = false }
            return isHeard
        }
    }

    private func hear() { isHeard.withLock { $0 = true } }

    private struct Handler: LogHandler {
        let complaints: Complaints
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            complaints.hear()
            if event.level >= .error { quiet.log(level: event.level, event.message, metadata: event.metadata) }
        }
    }
}
