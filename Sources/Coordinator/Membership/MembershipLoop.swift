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

    /// Renews until cancelled. A life that cannot be renewed runs out by itself.
    func run() async throws {
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
                    await dispatcher.lifeRenewed(id, askedAt: asked)
                } else if await dispatcher.isClosing {
                    return
                } else {
                    if let me { dispatcher.life.end(of: me) }
                    let id = try await open.join(name: configuration.name, address: configuration.address)
                    logger.info("joined", metadata: ["coordinator": "\(id)"])
                    let old = me
                    me = id
                    await dispatcher.lifeRenewed(id, askedAt: asked)
                    if let old { await dispatcher.presentAgain(after: old) }
                }
            } catch is CancellationError {
                break
            } catch {
                logger.warning("membership could not be renewed", metadata: ["error": "\(error.forLog)"])
                await session?.close()
                session = nil
            }
            try await Task.sleep(for: configuration.times.lifeRenewal)
        }
        await session?.close()
    }

    /// Tells workers to stop when the database has been silent for too long, until cancelled.
    func watchForSilence() async throws {
        var silence = Silence(at: clock.now)
        while true {
            try await Task.sleep(for: Self.silenceLook)
            guard let heardAt = dispatcher.life.heardAt else { continue }
            silence.look(at: clock.now, heardAt: heardAt)
            guard silence.length >= configuration.times.cutOff, !dispatcher.life.isCutOff else { continue }
            logger.error(
                "the database has not answered; workers are told to stop",
                metadata: ["for": "\(silence.length)", "next": "see whether PostgreSQL runs and can be reached"])
            await dispatcher.stopWorkers()
        }
    }

    private static let silenceLook = Duration.milliseconds(250)

    /// Takes over members that are gone, until cancelled. On a connection of its own: what that takes must not cost
    /// this coordinator its own life.
    func lookAfterOthers() async throws {
        var session: MembershipSession?
        while !Task.isCancelled {
            do {
                if let open = session, await !open.isUsable { session = nil }
                let open: MembershipSession
                if let session { open = session } else { open = try await connections.membership() }
                session = open
                if await dispatcher.mayGrant { try await lookAfterOthers(await dispatcher.coordinator, open) }
            } catch is CancellationError {
                break
            } catch {
                logger.warning(
                    "could not look after other coordinators", metadata: ["error": "\(error.forLog)"])
                await session?.close()
                session = nil
            }
            try await Task.sleep(for: configuration.times.lifeRenewal)
        }
        await session?.close()
    }

    /// No lock between those who do this at once: adoption holds each lane's lock and finds what is left, and a lease
    /// is ended under its person's lock. So one that freezes in the middle holds up nobody.
    private func lookAfterOthers(_ me: CoordinatorID, _ session: MembershipSession) async throws {
        let dead = try await session.dead(but: me)
        if !dead.isEmpty {
            logger.info("taking over", metadata: ["coordinators": "\(dead)"])
            try await session.takeOut(dead, cause: "coordinator taken over")
        }
        for departed in try await session.departed(grace: configuration.times.presenting) {
            let gone = departed.coordinator
            if !departed.isAdopted { try await adopt(gone, for: me, session) }
            guard departed.isGraceOver else { continue }
            let orphans = try await session.orphans(of: gone)
            if orphans.isEmpty {
                try await session.markSettled(gone)
            } else {
                await dispatcher.endOrphans(orphans, of: gone, lastSign: departed.lastSign)
            }
        }
        try await session.trim(me)
    }

    private func adopt(_ gone: CoordinatorID, for me: CoordinatorID, _ session: MembershipSession) async throws {
        let feed = try await connections.feed(for: me)
        let result: Result<Void, any Error>
        do { result = .success(try await feed.adopt(from: gone, now: try await feed.news().now)) } catch {
            result = .failure(error)
        }
        await feed.close()
        try result.get()
        try await session.markAdopted(gone)
        await dispatcher.markFeedStale()
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
                metadata: ["error": "\(error.forLog)"])
        }
    }
}
