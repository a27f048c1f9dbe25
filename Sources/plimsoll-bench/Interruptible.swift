@preconcurrency import Dispatch  // its sources are not marked Sendable, and may be used from any thread
import Glibc

/// Ends in order on SIGINT and SIGTERM: what runs is cancelled and cleans up.
enum Interruptible {
    static func run<Value: Sendable>(_ body: @Sendable @escaping () async throws -> Value) async throws -> Value {
        let signals = AsyncStream<Int32> { continuation in
            let sources = [SIGINT, SIGTERM].map { number in
                signal(number) { _ in }  // not ignored: that, programs that we start would inherit
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return source
            }
            continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
        }
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask { try await body() }
            tasks.addTask {
                for await _ in signals { throw BenchError(.interrupted, "interrupted; everything is removed") }
                return nil
            }
            defer { tasks.cancelAll() }
            while let finished = try await tasks.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }
}
