import Glibc
import Synchronization
import WorkerKit

/// `plimsoll work --exec CMD --exec-mode lines`: one program for all tasks.
struct LinesModeRunner: Sendable {
    let configuration: WorkerConfiguration
    let command: String
    let say: @Sendable (String) -> Void

    /// How long the program may take to end after its input was closed, and again after SIGTERM.
    static let goodbyeWait = Duration.seconds(3)

    private enum Input: Sendable {
        case event(WorkEvent)
        case start
        case output(LineProgram.Output)
        case sessionEnded
    }

    func run(onStart: (@Sendable @escaping () -> Void) -> Void) async throws -> WorkTally {
        let session = WorkSession(configuration)
        onStart { session.leave() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            let (inputs, inbox) = AsyncStream.makeStream(of: Input.self)
            group.addTask {
                defer { inbox.yield(.sessionEnded) }
                try await session.run()
            }
            group.addTask {
                for await event in session.events { inbox.yield(.event(event)) }
            }
            inbox.yield(.start)
            let tally = await serve(inputs, inbox: inbox, session: session, group: &group)
            try await group.next()
            try await group.waitForAll()
            return tally
        }
    }

    private func serve(
        _ inputs: AsyncStream<Input>, inbox: AsyncStream<Input>.Continuation, session: WorkSession,
        group: inout ThrowingTaskGroup<Void, any Error>
    ) async -> WorkTally {
        var desk = LinesDesk()
        var tally = WorkTally()
        var program: LineProgram?
        var isOver = false
        for await input in inputs {
            var actions: [LinesDesk.Action] = []
            switch input {
            case .start where isOver: return tally
            case .start:
                do {
                    let started = try LineProgram(command)
                    program = started
                    group.addTask {
                        for await output in started.output { inbox.yield(.output(output)) }
                    }
                    actions = desk.started()
                } catch {
                    say("\(error)")
                    actions = desk.ended(.exited(127))
                }
            case .output(.line(let line)):
                actions = desk.wrote(line)
            case .output(.ended(let ending)):
                program = nil
                if isOver { return tally }
                actions = desk.ended(ending)
            case .event(let event):
                tally.count(event)
                if let sentence = EventSentence.of(event) { say(sentence) }
                actions = desk.happened(event)
            case .sessionEnded:
                isOver = true
                guard let program else { return tally }
                sayGoodbye(to: program, group: &group)
            }
            for action in actions {
                perform(action, program: program, session: session, inbox: inbox, group: &group)
            }
        }
        return tally
    }

    private func perform(
        _ action: LinesDesk.Action, program: LineProgram?, session: WorkSession,
        inbox: AsyncStream<Input>.Continuation, group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        switch action {
        case .write(let line): program?.write(line)
        case .answer(let key, let answer): session.answer(key, answer)
        case .ask(let request, let key): session.ask(request, for: key)
        case .say(let text): say(text)
        case .restart(let pause):
            session.pause(for: pause)
            group.addTask {
                // Ends early only when everything ends.
                try? await Task.sleep(for: pause)
                inbox.yield(.start)
            }
        }
    }

    private func sayGoodbye(to program: LineProgram, group: inout ThrowingTaskGroup<Void, any Error>) {
        program.closeInput()
        group.addTask {
            for signal in [SIGTERM, SIGKILL] {
                // Cancelled when the program has ended.
                guard (try? await Task.sleep(for: Self.goodbyeWait)) != nil else { return }
                program.end(signal)
            }
        }
    }
}
