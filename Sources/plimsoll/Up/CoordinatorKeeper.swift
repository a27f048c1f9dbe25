import Foundation
import Synchronization

/// Keeps one coordinator process alive: starts it, starts it again after it died, ends it when cancelled.
final class CoordinatorKeeper: Sendable {
    let number: Int
    let address: ServerAddress
    private let configuration: URL
    private let log: URL
    private let current = Mutex<ChildProgram?>(nil)
    private let reachedReady = Mutex(false)

    /// The first wait before a new start, and the longest.
    private static let backOffMin = Duration.milliseconds(500)
    private static let backOffMax = Duration.seconds(30)
    /// Who lived for so long starts again without delay.
    private static let steadyAfter = Duration.seconds(60)
    /// How long a coordinator may take to end in order.
    static let grace = Duration.seconds(25)

    init(number: Int, address: ServerAddress, configuration: URL, log: URL) {
        self.number = number
        self.address = address
        self.configuration = configuration
        self.log = log
    }

    var processID: Int32? { current.withLock { $0?.exitCode == nil ? $0?.processID : nil } }

    /// From now on an end is an accident to recover from, not a failure to start.
    func noteReady() { reachedReady.withLock { $0 = true } }

    func signal(_ number: Int32) { current.withLock { $0 }?.signal(number) }

    /// Throws when the first start fails; after that it starts again until cancelled.
    func run() async throws {
        var wait = Self.backOffMin
        while !Task.isCancelled {
            let started = ContinuousClock.now
            let child = try ChildProgram(
                ["serve", "--exit-with-parent", "--config", configuration.path(percentEncoded: false)], log: log)
            current.withLock { $0 = child }
            let code = await child.waitUntilEnd(grace: Self.grace)
            if Task.isCancelled { return }
            guard reachedReady.withLock({ $0 }) else {
                throw CommandFailure(
                    ExitStatus(rawValue: code) ?? .failed,
                    "coordinator \(number) did not start (exit code \(code)); the end of its log:\n"
                        + ChildProgram.tail(of: log), next: "the whole log is \(log.path(percentEncoded: false))")
            }
            if ContinuousClock.now - started >= Self.steadyAfter { wait = Self.backOffMin }
            Output.talk("coordinator \(number) ended (exit code \(code)); it starts again in \(wait)")
            // Cancelled while it waits: the loop ends.
            guard (try? await Task.sleep(for: wait)) != nil else { return }
            wait = min(wait * 2, Self.backOffMax)
        }
    }
}
