import Ledger
import Logging
import PlimsollModel
import ServiceLifecycle

/// Joins, renews this coordinator's life, takes over those whose life has run out, and adopts what they held (P12).
final class MembershipLoop: Sendable {
    private let configuration: CoordinatorConfiguration
    private let dispatcher: Dispatcher
    private let connections: LedgerConnections
    private let ledger: Ledger
    private let logger: Logger
    private let clock = ContinuousClock()

    init(
        configuration: CoordinatorConfiguration, dispatcher: Dispatcher, connections: LedgerConnections,
        ledger: Ledger, logger: Logger
    ) {
        self.configuration = configuration
        self.dispatcher = dispatcher
        self.connections = connections
        self.ledger = ledger
        self.logger = logger
    }

    /// Renews until cancelled; reports until when this coordinator is a member, by the monotonic clock (nil: it is none).
    func run(report: (ContinuousClock.Instant?) -> Void) async throws {
        var session: MembershipSession?
        var me: CoordinatorID?
        while !Task.isCancelled {
            let asked = clock.now
            do {
                if let open = session, await !open.isUsable { session = nil }
                let open: MembershipSession
                if let session { open = session } else { open = try await connections.membership() }
                session = open
                if let id = me, try await open.renew(id) {
                    await dispatcher.lifeRenewed(id, until: asked + configuration.times.selfStop)
                } else if await dispatcher.isClosing {
                    return
                } else {
                    report(nil)
                    await dispatcher.lifeLost()
                    let id = try await open.join(name: configuration.name, address: configuration.address)
                    logger.info("joined", metadata: ["coordinator": "\(id)"])
                    let old = me
                    me = id
                    await dispatcher.lifeRenewed(id, until: asked + configuration.times.selfStop)
                    if let old { await dispatcher.presentAgain(after: old) }
                }
                report(asked + configuration.times.selfStop)
                if let me { try await lookAfterOthers(me, open) }
            } catch is CancellationError {
                break
            } catch {
                logger.warning("membership could not be renewed", metadata: ["error": "\(String(reflecting: error))"])
                report(nil)
                await session?.close()
                session = nil
            }
            try await Task.sleep(for: configuration.times.lifeRenewal)
        }
        await session?.close()
    }

    private func lookAfterOthers(_ me: CoordinatorID, _ session: MembershipSession) async throws {
        let dead = try await session.dead(but: me)
        if !dead.isEmpty {
            logger.info("taking over", metadata: ["coordinators": "\(dead)"])
            try await session.takeOut(dead, cause: "coordinator taken over")
        }
        for departed in try await session.departed(grace: configuration.times.presenting) {
            let gone = departed.coordinator
            guard try await session.beginAdoption(of: gone) else { continue }
            if !departed.isAdopted {
                let feed = try await connections.feed(for: me)
                let now = try await feed.news().now
                try await feed.adopt(from: gone, now: now)
                await feed.close()
                try await session.markAdopted(gone)
                await dispatcher.markFeedStale()
            }
            if departed.isGraceOver {
                let orphans = try await session.orphans(of: gone)
                if orphans.isEmpty {
                    try await session.markSettled(gone)
                } else {
                    await dispatcher.endOrphans(orphans, of: gone)
                }
            }
            try await session.endAdoption(of: gone)
        }
        try await session.trim(me)
    }

    /// The last act of a drain: out of the membership, so that others adopt at once.
    func leave() async {
        do {
            let session = try await connections.membership()
            let me = await dispatcher.coordinator
            if me.rawValue != 0 { try await session.takeOut([me], cause: "coordinator left") }
            await session.close()
        } catch {
            logger.warning(
                "could not sign off; others take over when this life has run out",
                metadata: ["error": "\(String(reflecting: error))"])
        }
    }
}
