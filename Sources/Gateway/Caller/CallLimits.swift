import Identity
import Synchronization

/// Counts what each person has open and asks for, and refuses what is too much.
///
/// One lock for all persons, held for a few dictionary operations.
final class CallLimits: Sendable {
    private let limits: GatewayConfiguration.Limits
    private let state = Mutex(State())

    /// Persons whose recent calls are remembered; beyond it those that have their full share again are forgotten.
    static let rememberedMax = 20_000

    private struct State {
        /// Calls open, by person, then by connection.
        var open: [String: [String: Int]] = [:]
        var buckets: [BucketKey: Bucket] = [:]
    }

    private struct BucketKey: Hashable {
        var name: String
        var isOperator: Bool
        var share: MethodRules.Share
    }

    /// A token bucket: what is left of a share, as of an instant.
    private struct Bucket {
        var tokens: Double
        var asOf: ContinuousClock.Instant

        mutating func fill(rate: Double, burst: Double, now: ContinuousClock.Instant) {
            tokens = min(burst, tokens + rate * ((now - asOf) / .seconds(1)))
            asOf = now
        }
    }

    init(_ limits: GatewayConfiguration.Limits) { self.limits = limits }

    /// Takes one call of a person's share in a role. Throws `limitExceeded` with the time until the next.
    func takeCall(
        of name: String, role: Role, share: MethodRules.Share, now: ContinuousClock.Instant = .now
    ) throws(GatewayError) {
        let key = BucketKey(name: name, isOperator: role == .operator, share: share)
        let (rate, burst) = pace(key)
        let wait: Duration? = state.withLock { state in
            if state.buckets.count >= Self.rememberedMax {
                state.buckets = state.buckets.filter { entry in
                    var bucket = entry.value
                    let (rate, burst) = pace(entry.key)
                    bucket.fill(rate: rate, burst: burst, now: now)
                    return bucket.tokens < burst
                }
            }
            var bucket = state.buckets[key] ?? Bucket(tokens: burst, asOf: now)
            bucket.fill(rate: rate, burst: burst, now: now)
            defer { state.buckets[key] = bucket }
            guard bucket.tokens >= 1 else { return .seconds((1 - bucket.tokens) / rate) }
            bucket.tokens -= 1
            return nil
        }
        if let wait {
            throw GatewayError(
                .limitExceeded, "too many calls in a short time; try again a little later", retryAfter: wait)
        }
    }

    private func pace(_ key: BucketKey) -> (rate: Double, burst: Double) {
        key.isOperator
            ? (limits.callsPerSecondPerOperator, limits.callsBurstPerOperator)
            : (limits.callsPerSecondPerPerson, limits.callsBurstPerPerson)
    }

    /// Counts a call as open on a connection, which `connection` names. Throws `limitExceeded`; otherwise the caller
    /// must `close` it.
    func open(of name: String, connection: String) throws(GatewayError) {
        let max = limits.connectionsPerPersonMax
        let admitted = state.withLock { state in
            var connections = state.open[name] ?? [:]
            guard connections[connection] != nil || connections.count < max else { return false }
            connections[connection, default: 0] += 1
            state.open[name] = connections
            return true
        }
        guard admitted else {
            throw GatewayError(
                .limitExceeded, "more than \(max) connections of one person; end another process first",
                retryAfter: RetryDelay.crowded)
        }
    }

    func close(of name: String, connection: String) {
        state.withLock { state in
            guard var connections = state.open[name], let calls = connections[connection] else { return }
            connections[connection] = calls > 1 ? calls - 1 : nil
            state.open[name] = connections.isEmpty ? nil : connections
        }
    }

    /// Connections of a person that carry calls.
    func connections(of name: String) -> Int { state.withLock { $0.open[name]?.count ?? 0 } }
}
