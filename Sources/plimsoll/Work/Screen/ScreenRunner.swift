import Foundation
import Identity
import WorkerKit

/// `plimsoll work` at a terminal: joins session, screen, drafts and editor.
struct ScreenRunner {
    let configuration: WorkerConfiguration
    let environment: [String: String]

    private enum Input: Sendable {
        case event(WorkEvent)
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
            let tally = await serve(inputs, session: session, terminal: terminal)
            group.cancelAll()
            terminal.leave()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
            return tally
        }
    }

    private func serve(_ inputs: AsyncStream<Input>, session: WorkSession, terminal: WorkTerminal) async -> WorkTally {
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
            case .second: break
            case .sessionEnded: return screen.tally
            }
            for action in actions {
                if await perform(action, &screen, session: session, drafts: drafts, terminal: terminal) { anew = true }
            }
            terminal.draw(screen.lines(size: terminal.size, now: session.now), anew: anew)
        }
        return screen.tally
    }

    /// True when the screen must be drawn anew.
    private func perform(
        _ action: ScreenState.Action, _ screen: inout ScreenState, session: WorkSession, drafts: DraftStore,
        terminal: WorkTerminal
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
            case .edit(let text):
                guard let job = screen.job else { return false }
                terminal.leave()
                defer { terminal.enter() }
                let edited = try await Editor(environment: environment).edit(text, in: drafts.scratchFile())
                for next in screen.edited(edited, of: job.task.lease) {
                    _ = await perform(next, &screen, session: session, drafts: drafts, terminal: terminal)
                }
                return true
            }
        } catch {
            screen.say("\(error)")
        }
        return false
    }
}
