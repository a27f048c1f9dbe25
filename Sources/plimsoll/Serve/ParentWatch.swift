import Foundation
import ServiceLifecycle

/// Ends the group when standard input closes, which the kernel does when the parent dies in any way: one process tree.
struct ParentWatch: Service {
    func run() async throws {
        let closed = AsyncStream<Void> { continuation in
            // A blocking read must not hold a thread of the pool.
            let thread = Thread {
                var byte: UInt8 = 0
                while true {
                    let count = read(STDIN_FILENO, &byte, 1)
                    if count == 0 || count < 0 && errno != EINTR { break }
                }
                continuation.finish()
            }
            thread.start()
        }
        await withGracefulShutdownOrEnd(of: closed)
    }

    private func withGracefulShutdownOrEnd(of closed: AsyncStream<Void>) async {
        for await _ in closed.cancelOnGracefulShutdown() {}
    }
}
