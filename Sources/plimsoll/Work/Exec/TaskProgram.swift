import Foundation
import Glibc
import Synchronization
import WorkerKit

/// One process a task: the task's JSON on its standard input, the answer on its standard output.
struct TaskProgram: Sendable {
    let command: String

    /// The exit status by which a program declines a task.
    static let declineStatus: Int32 = 3
    /// How long a program may go on after it was told to end, before it is killed.
    static let killWait = Duration.seconds(2)

    /// What became of one run.
    enum Outcome: Sendable, Equatable {
        case answered([UInt8])
        case declined
        /// It answered nothing; says why.
        case failed(String)
    }

    /// Runs the program once and waits for its end, at most until `limit` has passed. Cancelling ends it as well.
    func run(_ document: [UInt8], limit: Duration) async throws -> Outcome {
        let child = try ChildProcess.start(command)
        let talk = ChildTalk(child, input: document + [UInt8(ascii: "\n")])
        let (ending, output) = await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Cancelled when the program was faster.
                    guard (try? await Task.sleep(for: limit)) != nil else { return }
                    talk.end(because: "its time, \(limit.components.seconds) s, was over")
                }
                let result = await talk.run()
                group.cancelAll()
                return result
            }
        } onCancel: {
            talk.end(because: "the lease is gone")
        }
        if let reason = talk.reason { return .failed("the program was ended: \(reason)") }
        switch ending {
        case .exited(0):
            do {
                return .answered(try TaskDocument.answer(output))
            } catch {
                return .failed("\(error)")
            }
        case .exited(Self.declineStatus): return .declined
        case .exited(let status): return .failed("the program failed with exit code \(status)")
        case .killed(let signal): return .failed("the program was killed by signal \(signal)")
        }
    }
}

/// The bytes to and from one process, on a thread of its own: its pipes may block for as long as it likes.
private final class ChildTalk: Sendable {
    private struct State {
        var hasEnded = false
        var reason: String?
        /// When a process that was told to end is killed.
        var killAt: ContinuousClock.Instant?
    }

    private let child: ChildProcess
    private let input: [UInt8]
    private let state = Mutex(State())

    /// How often the pipes' thread looks whether the process has to be killed, in milliseconds.
    private static let pollMilliseconds: CInt = 50

    init(_ child: ChildProcess, input: [UInt8]) {
        self.child = child
        self.input = input
    }

    /// Why it was ended from here; nil when it ended by itself.
    var reason: String? { state.withLock { $0.reason } }

    func end(because reason: String) {
        state.withLock { state in
            guard !state.hasEnded, state.reason == nil else { return }
            state.reason = reason
            state.killAt = .now + TaskProgram.killWait
            // Under the lock: the process is not waited for yet, so its number is still its own.
            child.signal(SIGTERM)
        }
    }

    func run() async -> (ChildProcess.Ending, [UInt8]) {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: self.talk()) }
            thread.name = "plimsoll-exec"
            thread.start()
        }
    }

    private func talk() -> (ChildProcess.Ending, [UInt8]) {
        var written = 0
        var output: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 * 1024)
        var polls = [
            pollfd(fd: child.output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: child.input, events: Int16(POLLOUT), revents: 0),
        ]
        _ = fcntl(child.input, F_SETFL, O_NONBLOCK)
        while polls[0].fd >= 0 {
            killIfDue()
            guard poll(&polls, nfds_t(polls.count), Self.pollMilliseconds) > 0 else { continue }
            if polls[0].revents != 0 {
                let count = read(child.output, &block, block.count)
                if count > 0 { output.append(contentsOf: block[..<count]) }
                if count == 0 || (count < 0 && errno != EINTR) { polls[0].fd = -1 }
                if output.count > TaskDocument.outputBytesMax {
                    end(because: "it wrote more than \(TaskDocument.outputBytesMax) bytes")
                    polls[0].fd = -1
                }
            }
            if polls[1].fd >= 0, polls[1].revents != 0 {
                let count = input[written...].withUnsafeBytes { write(child.input, $0.baseAddress, $0.count) }
                if count > 0 { written += count }
                // A program need not read what it is told.
                let isOver = count < 0 && errno != EINTR && errno != EAGAIN
                if isOver || written == input.count {
                    close(child.input)
                    polls[1].fd = -1
                }
            }
        }
        if polls[1].fd >= 0 { close(child.input) }
        close(child.output)
        return (reap(), output)
    }

    /// Waits for the end of a process whose output is closed.
    private func reap() -> ChildProcess.Ending {
        while true {
            let hasEnded = state.withLock { state in
                var info = siginfo_t()
                // Looks without taking, so that the number stays the process's own until the lock is free again.
                let found =
                    waitid(P_PID, id_t(child.id), &info, WEXITED | WNOHANG | WNOWAIT) == 0
                    && info.si_signo == SIGCHLD
                if found { state.hasEnded = true }
                return found
            }
            if hasEnded {
                // What it left behind has lost its reason to be.
                child.signal(SIGKILL)
                return child.wait()
            }
            killIfDue()
            poll(nil, 0, Self.pollMilliseconds)
        }
    }

    private func killIfDue() {
        state.withLock { state in
            guard let due = state.killAt, due <= .now else { return }
            state.killAt = nil
            child.signal(SIGKILL)
        }
    }
}
