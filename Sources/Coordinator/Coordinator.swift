public import Ledger
public import Logging
import PlimsollModel
import ServiceLifecycle
import Synchronization

/// One coordinator: leases tasks from the database to the streams that the gateway attaches.
///
/// Any number run beside each other; each holds only caches and batches. ``run()`` is all of its life: it joins,
/// flushes, feeds, sweeps, and on graceful shutdown drains, gives back what it holds and leaves.
public final class Coordinator: Sendable {
    private let configuration: CoordinatorConfiguration
    private let ledger: Ledger
    private let connections: LedgerConnections
    private let logger: Logger
    private let chain: ChainKeeping
    let dispatcher: Dispatcher
    private let isLeaving = Atomic<Bool>(false)

    /// `chain`: who signs the chain's heads and where they go besides the database.
    public init(
        configuration: CoordinatorConfiguration, ledger: Ledger, connections: LedgerConnections,
        chain: ChainKeeping = ChainKeeping(), logger: Logger
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.connections = connections
        self.logger = logger
        self.chain = chain
        dispatcher = Dispatcher(configuration: configuration, ledger: ledger, logger: logger)
    }

    /// Whether work can be had here now. Not after a freeze, until it has joined again.
    public var isReady: Bool { !isLeaving.load(ordering: .relaxed) && dispatcher.life.isOn }

    /// The named times in force; `doctor` shows them.
    public var times: CoordinatorConfiguration.Times { configuration.times }

    /// Opens a work stream for a certificate's holder. Throws ``StreamEnd``.
    public func attach(_ opening: StreamOpening) async throws -> AttachedStream {
        guard !dispatcher.life.isCutOff else {
            // Said before anything is looked up: all workers come back at once, and no look-up would be answered.
            throw StreamEnd(.notReady, "this coordinator cannot reach the database; try another, or again in a moment")
        }
        let admission = try await admit(person: opening.person, serial: opening.serial, role: "engineer")
        var stream = try await dispatcher.open(opening, admission)
        do {
            let news = try await ledger.news(of: admission.person, serial: opening.serial)
            stream.welcome.notifications = news.certificates
                .filter { $0.serial != opening.serial }
                .map {
                    Notification(
                        kind: .certificate,
                        message:
                            "a certificate was issued in your name; not yours? Ask an operator for plimsoll cert deny "
                            + "--serial \($0.serial) --reason WHY (\($0.identity))")
                }
            stream.welcome.notifications += news.endings.map {
                Notification(kind: .agreementEnds, message: $0.sentence)
            }
        } catch {
            stream.detach()
            throw StreamEnd(.notReady, "the database does not answer; try again in a moment")
        }
        return stream
    }

    /// Whether a person may act in a role with this certificate now. Throws ``StreamEnd``.
    public func authorize(person: String, serial: String, role: String) async throws {
        _ = try await admit(person: person, serial: serial, role: role)
    }

    /// Whether there is this person and the certificate is not denied itself, whatever role it is of: a denied person,
    /// or one who lost a role, still says no to agreements and sees and erases what is held of them. Throws
    /// ``StreamEnd``.
    public func authorizeSubject(person: String, serial: String) async throws {
        guard let found = try await admission(of: person, role: "", serial: serial) else {
            throw StreamEnd(.roleNotGranted, "nobody here has the name \(person); an operator can enrol them")
        }
        if found.isCertificateDenied { throw Self.deniedCertificate }
    }

    private func admit(person: String, serial: String, role: String) async throws -> Admission {
        guard let found = try await admission(of: person, role: role, serial: serial) else {
            throw StreamEnd(.roleNotGranted, "the role \(role) is not granted to \(person); an operator can grant it")
        }
        if found.isCertificateDenied { throw Self.deniedCertificate }
        guard found.isRoleGranted else {
            // P13: the one it was taken from is told by whom and why.
            let end = try await lookUp { try await ledger.roleEnd(role, of: person) }
            throw StreamEnd(
                .roleNotGranted,
                end.map { "the role \(role) was taken from \(person) \($0); \(Self.staysYours)" }
                    ?? "the role \(role) is not granted to \(person); an operator can grant it")
        }
        if found.isPersonDenied {
            throw StreamEnd(
                .denied,
                "access under this name was stopped; plimsoll me access says by whom and why. \(Self.staysYours)")
        }
        return found
    }

    private static let deniedCertificate = StreamEnd(
        .denied,
        "this certificate was stopped; ask an operator why, and for another one if you still hold the name")
    private static let staysYours =
        "What is held of you stays yours: consent withdraw, consent receipt, me data, me answers, me access and me erase "
        + "work as before"

    private func admission(of person: String, role: String, serial: String) async throws -> Admission? {
        try await lookUp { try await ledger.admission(of: person, role: role, serial: serial) }
    }

    /// P2: a failed look-up is a doubt, and nobody is let in.
    private func lookUp<Found: Sendable>(_ look: () async throws -> Found) async throws -> Found {
        do {
            return try await look()
        } catch {
            logger.warning("an admission could not be looked up", metadata: ["error": "\(error.forLog)"])
            throw StreamEnd(.notReady, "the database does not answer; try again in a moment")
        }
    }

    /// Runs until cancelled or until graceful shutdown has ended. Throws only when the database cannot be used at all.
    public func run() async throws {
        let membership = MembershipLoop(
            configuration: configuration, dispatcher: dispatcher, connections: connections, ledger: ledger,
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<configuration.sizes.flushes {
                group.addTask { [self] in
                    await dispatcher.runFlushes(connect: { try await self.connections.flush() })
                }
            }
            group.addTask { [self] in
                await dispatcher.runFeeder(connect: { try await self.connections.feed(for: $0) })
            }
            group.addTask { [self] in try await every(configuration.times.poll) { await dispatcher.markFeedStale() } }
            group.addTask { [self] in try await every(configuration.times.sweep) { await dispatcher.sweep() } }
            group.addTask { [self] in
                try await every(.seconds(1)) { await keepHouse("fold") { try await ledger.foldTally() } }
            }
            group.addTask { [self] in
                try await every(configuration.times.presence) {
                    await keepHouse("presence") { try await tellPresence() }
                }
            }
            group.addTask { [self] in
                try await every(configuration.times.withdrawals) {
                    await keepHouse("withdrawals") { try await ledger.settleWithdrawals() }
                }
            }
            group.addTask { [self] in try await keepPartitions() }
            group.addTask { [self] in try await listen() }
            group.addTask { [self] in
                await ChainSealer(
                    times: configuration.times, signer: chain.signer, connections: connections, logger: logger
                ).run()
            }
            for place in chain.places {
                group.addTask { [self] in
                    await HeadPublisher(
                        place: place, interval: configuration.times.chainHead, ledger: ledger, logger: logger
                    ).run()
                }
            }
            group.addTask { try await membership.run() }
            group.addTask { try await membership.lookAfterOthers() }
            group.addTask { try await membership.watchForSilence() }
            group.addTask { [self] in
                try await gracefulShutdown()
                isLeaving.store(true, ordering: .relaxed)
                await dispatcher.drain()
                await dispatcher.waitUntilSettled(for: configuration.times.drain)
                await dispatcher.close()
                await membership.leave()
                throw CancellationError()
            }
            do {
                for try await _ in group {}
            } catch is CancellationError {
                // The drain is over, or the caller cancelled.
            }
            await dispatcher.lifeOver()
            group.cancelAll()
            await dispatcher.endAllStreams()
        }
    }

    /// Wake-ups: new spans, a moved epoch, a person who withdrew. The slow poll stands behind them.
    private func listen() async throws {
        let wakeUps = connections.wakeUps()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await wakeUps.run() }
            await wakeUps.each { event in
                switch event {
                case .person(let person): await dispatcher.refreshPerson(person)
                case .lane(let lane): await dispatcher.markFeedStale(FeedStaleness(lanes: [lane]))
                case .epoch: await dispatcher.markFeedStale(FeedStaleness(isNewsDue: true))
                case .anything: await dispatcher.markFeedStale()
                }
            }
            group.cancelAll()
        }
    }

    /// What queue status says of connected workers, whichever coordinator is asked.
    private func tellPresence() async throws {
        let me = await dispatcher.coordinator
        guard me.rawValue != 0 else { return }
        try await ledger.reportPresence(await dispatcher.presence(), of: me)
    }

    /// Partitions a week ahead, old ones dropped, and what is past its time forgotten (P10); tried again soon where a
    /// reader holds them.
    private func keepPartitions() async throws {
        while true {
            await keepHouse("partitions") {
                _ = try await ledger.ensurePartitions()
                for table in HistoryTable.allCases { while try await ledger.dropOldPartition(of: table) != nil {} }
            }
            await keepHouse("leased time") { try await ledger.ageWork() }
            await keepHouse("retention") { try await ledger.forgetPast() }
            try await Task.sleep(for: configuration.times.housekeeping)
        }
    }

    /// Work that may fail and be done next time.
    private func keepHouse<Outcome>(_ what: String, _ body: () async throws -> Outcome) async {
        do {
            _ = try await body()
        } catch {
            logger.debug("put off", metadata: ["what": "\(what)", "error": "\(error.forLog)"])
        }
    }

    private func every(_ interval: Duration, _ body: () async -> Void) async throws {
        while true {
            try await Task.sleep(for: interval)
            await body()
        }
    }
}
