import Foundation
import Identity
import WorkerKit

/// `plimsoll work` at a terminal: joins session, screen, drafts and editor.
struct ScreenRunner {
    let configuration: WorkerConfiguration
    let environment: [String: String]
    let own: OwnWithdrawals

    private enum Input: Sendable {
        case event(WorkEvent)
        case heard(ScreenDesk.Word)
        case terminal(WorkTerminal.Input)
        case second
        case sessionEnded
    }

    /// Nil when there is no terminal.
    func run(onStart: (@Sendable @escaping () -> Void) -> Void) async throws -> WorkTally? {
        let (inputs, inbox) = AsyncStream.makeStream(of: Input.self)
        guard let terminal = WorkTerminal(environment: environment, onInput: { inbox.yield(.terminal($0)) }) else {
            return nil
        }
        let session = WorkSession(configuration)
        let desk = ScreenDesk(
            addresses: configuration.addresses.map { ServerAddress(host: $0.host, port: $0.port) },
            identity: configuration.identity, own: own)
        let usesBlocks = Terminal.speaksUnicode(environment)
        onStart { session.leave() }
        terminal.enter()
        defer { terminal.leave() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { inbox.yield(.sessionEnded) }
                try await session.run()
            }
            group.addTask { for await event in session.events { inbox.yield(.event(event)) } }
            group.addTask {
                // The countdown; ends by cancellation.
                while (try? await Task.sleep(for: .seconds(1))) != nil { inbox.yield(.second) }
            }
            group.addTask { await desk.run(usesBlocks: usesBlocks) { inbox.yield(.heard($0)) } }
            let tally = await serve(inputs, session: session, terminal: terminal, desk: desk)
            group.cancelAll()
            terminal.leave()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
            return tally
        }
    }

    private func serve(
        _ inputs: AsyncStream<Input>, session: WorkSession, terminal: WorkTerminal, desk: ScreenDesk
    ) async -> WorkTally {
        var screen = ScreenState()
        var decoder = KeyDecoder()
        let drafts = DraftStore(identityDirectory: configuration.identity.directory)
        terminal.draw(screen.lines(size: terminal.size, now: session.now), anew: true)
        for await input in inputs {
            var actions: [ScreenState.Action] = []
            var anew = false
            switch input {
            case .event(let event):
                actions = screen.happened(event, now: session.now) { drafts.load(for: $0, form: $1) }
            case .terminal(.bytes(let bytes)):
                for key in decoder.decode(bytes) {
                    let extent = screen.taskExtent(size: terminal.size)
                    actions += screen.pressed(key, page: extent.page, lines: extent.lines)
                }
            case .terminal(.resized): anew = true
            case .terminal(.ended): session.leave()
            case .heard(let word): actions = heard(word, &screen, now: session.now)
            case .second: break
            case .sessionEnded: return screen.tally
            }
            for action in actions {
                let isAnew = await perform(
                    action, &screen, session: session, drafts: drafts, terminal: terminal, desk: desk)
                if isAnew { anew = true }
            }
            // Nothing new while a word of the person waits for its receipt.
            if screen.withdrawing != nil { session.pause(for: Self.pauseWhileWithdrawing) }
            terminal.draw(screen.lines(size: terminal.size, now: session.now), anew: anew)
        }
        return screen.tally
    }

    /// Longer than a second, after which it is said again.
    private static let pauseWhileWithdrawing = Duration.seconds(3)

    private func heard(
        _ word: ScreenDesk.Word, _ screen: inout ScreenState, now: Duration
    ) -> [ScreenState.Action] {
        switch word {
        case .why(let fetched): screen.fetched(why: fetched)
        case .load(let fetched): screen.fetched(load: fetched)
        case .clock(let clock): screen.fetched(clock: clock, now: now)
        case .agreements(let page): screen.fetched(agreements: page)
        case .own(let topic, let fetched): screen.fetched(own: topic, fetched)
        case .said(let words): screen.say(words)
        case .raised(let concern, let words): screen.raised(concern: concern, words)
        case .notRaised(let concern, let words): screen.didNotRaise(concern: concern, words)
        case .withdrawalStands(let words): screen.withdrawalStands(words)
        case .withdrawn(let receipt): return screen.withdrawn(receipt)
        case .notWithdrawn(let words): screen.notWithdrawn(words)
        }
        return []
    }

    /// True when the screen must be drawn anew.
    private func perform(
        _ action: ScreenState.Action, _ screen: inout ScreenState, session: WorkSession, drafts: DraftStore,
        terminal: WorkTerminal, desk: ScreenDesk
    ) async -> Bool {
        do {
            switch action {
            case .answer(let lease, let answer): session.answer(lease, answer)
            case .ask(let request, let lease): session.ask(request, for: lease)
            case .leave:
                // Nobody finishes at a screen that is left: what is open is given back at once, what was sent is
                // waited for.
                session.leave()
                session.leave()
            case .saveDraft(let lease):
                guard let job = screen.jobs.first(where: { $0.task.lease == lease }) else { return false }
                try drafts.save(job.entry, for: job.task)
            case .removeDraft(let project, let task): try drafts.remove(project: project, task: task)
            case .removeDrafts(let agreed): try drafts.removeAll(under: agreed)
            case .fetchWhy: desk.ask(.why)
            case .fetchLoad: desk.ask(.load)
            case .fetchClock: desk.ask(.clock)
            case .fetchAgreements: desk.ask(.agreements)
            case .fetchOwn(let topic): desk.ask(.own(topic))
            case .raiseConcern(let text, let project): desk.ask(.concern(text, project: project))
            case .pullCord(let project): desk.ask(.cord(project))
            case .withdraw(let purpose): desk.ask(.withdrawal(purpose))
            case .edit(let text):
                guard let job = screen.job else { return false }
                let edited = try await edit(text, drafts, terminal)
                for next in screen.edited(edited, of: job.task.lease) {
                    _ = await perform(
                        next, &screen, session: session, drafts: drafts, terminal: terminal, desk: desk)
                }
                return true
            case .writeConcern(let project, let begun):
                let text = try await edit(begun, drafts, terminal)
                for next in screen.wroteConcern(text, about: project) {
                    _ = await perform(
                        next, &screen, session: session, drafts: drafts, terminal: terminal, desk: desk)
                }
                return true
            }
        } catch {
            screen.say("\(error)")
        }
        return false
    }

    private func edit(_ text: String, _ drafts: DraftStore, _ terminal: WorkTerminal) async throws -> String? {
        terminal.leave()
        defer { terminal.enter() }
        return try await Editor(environment: environment).edit(text, in: drafts.scratchFile())
    }
}
