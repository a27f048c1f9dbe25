import Ledger
import Logging
import PlimsollModel

/// Chains committed events within a second and signs heads; whichever coordinator comes first does it (P11).
struct ChainSealer: Sendable {
    let times: CoordinatorConfiguration.Times
    let signer: CoordinatorSigner?
    let connections: LedgerConnections
    let logger: Logger

    /// Until cancelled.
    func run() async {
        var session: ChainSession?
        while !Task.isCancelled {
            do {
                if let open = session, await !open.isUsable { session = nil }
                let open: ChainSession
                if let session { open = session } else { open = try await connections.chain() }
                session = open
                try await seal(open)
            } catch is CancellationError {
                break
            } catch {
                // Nothing waits for the chain; what could not be chained now is chained in the next pass.
                logger.warning("the chain could not be sealed", metadata: ["error": "\(error.forLog)"])
                await session?.close()
                session = nil
            }
            // Throws only when cancelled, which the loop sees by itself.
            try? await Task.sleep(for: times.seal)
        }
        await session?.close()
    }

    /// Passes until nothing waits that one pass could not hold.
    private func seal(_ session: ChainSession) async throws {
        while true {
            let pass = try await session.seal(headInterval: times.chainHead, signer: signer)
            if let error = pass.signingFailure {
                logger.error("the chain's head could not be signed", metadata: ["error": "\(error)"])
            }
            if pass.sealed < ChainSession.passMax { return }
        }
    }
}
