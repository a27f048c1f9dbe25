import NIOCore
import Synchronization

/// The TCP connections that are open, counted in all and for each person. Under one lock, a few operations a
/// connection.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var closing = false
        var refused = 0
        var named: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let connectionsMax: Int
    private let namedMax: Int

    init(_ limits: GatewayConfiguration.Limits) {
        connectionsMax = limits.connectionsMax
        namedMax = 2 * limits.connectionsPerPersonMax
    }

    /// Counts a new connection; false when there are too many, and it is not counted then.
    func open(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard state.channels.count < connectionsMax, !state.closing else {
                state.refused += 1
                return false
            }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    /// Counts an open connection as one of this person; false when the person has too many.
    func name(_ name: String) -> Bool {
        state.withLock { state in
            guard state.named[name, default: 0] < namedMax else {
                state.refused += 1
                return false
            }
            state.named[name, default: 0] += 1
            return true
        }
    }

    /// Ends a counted connection; `name` is whose it was counted as.
    func close(_ channel: any Channel, name: String?) {
        state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            guard let name, let count = state.named[name] else { return }
            state.named[name] = count > 1 ? count - 1 : nil
        }
    }

    /// Closes every connection and lets none in any more. The transport itself waits for peers that never answer.
    func closeAll() {
        let channels = state.withLock { state in
            state.closing = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    var opened: Int { state.withLock { $0.channels.count } }
    /// Connections refused for a limit, since the start.
    var refused: Int { state.withLock { $0.refused } }
    func opened(of name: String) -> Int { state.withLock { $0.named[name] ?? 0 } }
}
