import NIOCore
import Synchronization

/// The TCP connections that are open, counted in all, while they shake hands, and for each person. Under one lock, a
/// few operations a connection.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var handshakes: Set<ObjectIdentifier> = []
        var closing = false
        var refused = 0
        var named: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let connectionsMax: Int
    private let namedMax: Int
    private let handshakesMax: Int

    init(_ limits: GatewayConfiguration.Limits) {
        connectionsMax = limits.connectionsMax
        namedMax = 2 * limits.connectionsPerPersonMax
        handshakesMax = limits.handshakesMax
    }

    /// Counts a new connection; false when there are too many, and it is not counted then.
    func open(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard state.channels.count < connectionsMax, !state.closing else {
                state.refused += 1
                return false
            }
            state.channels[ObjectIdentifier(channel)] = channel
            state.handshakes.insert(ObjectIdentifier(channel))
            return true
        }
    }

    /// The TLS handshake of an open connection is done.
    func handshakeCompleted(_ channel: any Channel) {
        state.withLock { _ = $0.handshakes.remove(ObjectIdentifier(channel)) }
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
            state.handshakes.remove(ObjectIdentifier(channel))
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

    /// Whether as many handshakes are under way as should be at once.
    var areHandshakesFull: Bool { state.withLock { $0.handshakes.count >= handshakesMax } }
    var opened: Int { state.withLock { $0.channels.count } }
    /// Connections refused for a limit, since the start.
    var refused: Int { state.withLock { $0.refused } }
    func opened(of name: String) -> Int { state.withLock { $0.named[name] ?? 0 } }
}
