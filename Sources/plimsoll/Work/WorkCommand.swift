import ArgumentParser
// Dispatch does not say on Linux that its sources may be shared between threads; they may.
@preconcurrency import Dispatch
import Foundation
import Glibc
import Identity
import Synchronization
import WorkerKit

/// `plimsoll work`: the worker, as a screen for a person or around a program.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Take tasks and answer them: on a screen, or with a program.",
        discussion: """
            Without --exec it is a screen: it shows the task, builds the form from the project's answer schema and \
            keeps a draft on this machine until the answer is acknowledged.

            With --exec CMD it runs a program by /bin/sh -c.

            --exec-mode task: one process a task. Its standard input is one JSON object: task, fence, key, kind, \
            severity, seconds_left, payload, instructions, answer_schema, and problems after an answer that the \
            schema refused. Exit 0: its standard output, one JSON value, is the answer. Exit 3: the task is declined. \
            Anything else answers nothing and gives the task back, with growing pauses. The program is ended at the \
            deadline of the task.

            --exec-mode lines: one process for all tasks. It reads such objects, one a line, as many as --in-flight \
            before it has to answer, and writes lines in any order: {"task":T,"fence":F,"answer":A} or \
            {"task":T,"fence":F,"decline":true}. When it ends, what it held is given back, and it is started again \
            after a pause.

            SIGTERM and Ctrl-C: no more tasks; what is held is finished within 30 s, the rest given back. A second \
            one gives back at once.

            Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused by a rule, 4 not authorized (also a certificate \
            that cannot be used), 5 not found, 6 conflict.
            """)

    enum ExecMode: String, ExpressibleByArgument, CaseIterable {
        case task
        case lines
    }

    @Option(help: "Only tasks of this project; without it, of every project you may work on.")
    var project: String?

    @Option(help: ArgumentHelp("A program that answers the tasks.", valueName: "cmd"))
    var exec: String?

    @Option(name: .customLong("exec-mode"), help: "How the program is run: task or lines.")
    var execMode: ExecMode = .task

    @Option(help: ArgumentHelp("End after so many answers.", valueName: "n"))
    var max: Int?

    @Option(
        name: .customLong("in-flight"),
        help: ArgumentHelp("Tasks in hand at a time, 1 to 64.", valueName: "n"))
    var inFlight = 1

    @Option(
        help: ArgumentHelp(
            "Directory with key.pem, cert.pem and ca.pem; else $PLIMSOLL_IDENTITY.", valueName: "dir"))
    var identity: String?

    @Option(
        help: ArgumentHelp(
            "A coordinator; repeat it or separate several by commas; else $PLIMSOLL_SERVER.", valueName: "host:port"))
    var server: [String] = []

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try configuration(environment)
        // A terminal that goes away is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let stop = StopSignals()
        defer { stop.cancel() }
        let mark = WithdrawalMark(directory: configuration.identity.directory)
        if let purpose = mark.pending().first { throw Self.notYetRecorded(purpose) }
        let own = OwnWithdrawals()
        // The person's word alone, whether anybody can be reached or not (P3). What was said at this very screen stops
        // it without ending it.
        let word = Task {
            guard let purpose = await mark.firstPending(besides: own) else { return nil as String? }
            stop.stopAtOnce()
            return purpose
        }
        defer { word.cancel() }
        let result: Result<WorkTally, any Error>
        do {
            result = .success(try await perform(configuration, environment, stop, own))
        } catch {
            result = .failure(error)
        }
        if case .success(let tally) = result { Self.say(tally.sentence) }
        word.cancel()
        // Why it ended; that an answer was on its way then is what the person wanted.
        if let purpose = await word.value ?? own.pending.min() {
            throw Self.notYetRecorded(purpose)
        }
        _ = try result.get()
    }

    private func perform(
        _ configuration: WorkerConfiguration, _ environment: [String: String], _ stop: StopSignals,
        _ own: OwnWithdrawals
    ) async throws -> WorkTally {
        switch (exec, execMode) {
        case (let command?, .task):
            return try await TaskModeRunner(
                configuration: configuration, program: TaskProgram(command: command), say: Self.say
            ).run(onStart: stop.onSignal)
        case (let command?, .lines):
            return try await LinesModeRunner(configuration: configuration, command: command, say: Self.say)
                .run(onStart: stop.onSignal)
        case (nil, _):
            let runner = ScreenRunner(configuration: configuration, environment: environment, own: own)
            guard let tally = try await runner.run(onStart: stop.onSignal) else {
                throw CommandFailure(
                    .wrongUse, "the screen needs a terminal, and standard input or output is none",
                    next: "name a program with --exec, or run it in a terminal")
            }
            return tally
        }
    }

    private static func notYetRecorded(_ purpose: String) -> CommandFailure {
        CommandFailure(
            .refused, "you withdrew \(purpose), which is not yet recorded; no task is taken before",
            next: "run `plimsoll consent withdraw \(purpose)` until it prints a receipt")
    }

    /// Options first, then the environment.
    func configuration(_ environment: [String: String]) throws -> WorkerConfiguration {
        guard let directory = identity ?? environment["PLIMSOLL_IDENTITY"], !directory.isEmpty else {
            throw CommandFailure(
                .wrongUse, "no identity", next: "name its directory with --identity or in PLIMSOLL_IDENTITY")
        }
        let named = server.isEmpty ? [environment["PLIMSOLL_SERVER"] ?? ""] : server
        let addresses = named.flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard !addresses.isEmpty else {
            throw CommandFailure(
                .wrongUse, "no coordinator", next: "name one as host:port with --server or in PLIMSOLL_SERVER")
        }
        if let exec, exec.isEmpty { throw CommandFailure(.wrongUse, "--exec names no program") }
        return try WorkerConfiguration(
            addresses: addresses, identity: IdentityFiles(directory: URL(fileURLWithPath: directory)),
            project: project, inFlight: inFlight, answersMax: max)
    }

    /// Talk goes to standard error; standard output is for results, and this command has none.
    @Sendable private static func say(_ text: String) {
        FileHandle.standardError.write(Data("plimsoll work: \(text)\n".utf8))
    }
}

/// SIGINT, SIGTERM and SIGHUP as a wish to leave, while it lives.
final class StopSignals: Sendable {
    private let sources: [any DispatchSourceSignal]
    private let wish: Wish

    init() {
        let wish = Wish()
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The default would end the process before the source hears of it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { wish.signalled() }
            // At once: a source that was never activated must not be released.
            source.activate()
            return source
        }
        self.wish = wish
    }

    /// Calls `leave` for each signal from now on.
    func onSignal(_ leave: @Sendable @escaping () -> Void) { wish.set(leave) }

    /// As if two signals had come: everything is given back now.
    func stopAtOnce() {
        wish.signalled()
        wish.signalled()
    }

    func cancel() { for source in sources { source.cancel() } }
}

/// What a signal means, which may be known only after it came.
private final class Wish: Sendable {
    private struct State {
        var leave: (@Sendable () -> Void)?
        var early = 0
    }

    private let state = Mutex(State())

    func signalled() {
        let leave = state.withLock { state in
            if state.leave == nil { state.early += 1 }
            return state.leave
        }
        leave?()
    }

    func set(_ leave: @Sendable @escaping () -> Void) {
        let early = state.withLock { state in
            state.leave = leave
            return state.early
        }
        for _ in 0..<early { leave() }
    }
}
