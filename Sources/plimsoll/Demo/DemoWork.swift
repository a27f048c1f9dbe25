import ArgumentParser
import Foundation

/// `plimsoll work`, ended when standard input closes: a demo that is killed leaves no workers behind.
struct DemoWork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo-work", shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough)
    var arguments: [String] = []

    func run() async throws {
        Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || count < 0 && errno != EINTR { break }
            }
            kill(getpid(), SIGTERM)
        }.start()
        guard var work = try Plimsoll.parseAsRoot(["work"] + arguments) as? any AsyncParsableCommand else { return }
        try await work.run()
    }
}
