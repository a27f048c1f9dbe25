import Foundation
import ServiceLifecycle
import UnixSignals

/// Runs `body` at each SIGHUP, until the group ends.
struct ReloadOnHangup: Service {
    let body: @Sendable () async -> Void

    func run() async throws {
        let signals = await EndSignals([.sighup])
        await cancelWhenGracefulShutdown {
            while await signals.next() != nil { await body() }
        }
    }
}
