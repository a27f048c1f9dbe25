import ArgumentParser
import Foundation
import UnixSignals

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start a whole deployment on this machine: database, authority, coordinator.",
        discussion: """
            Everything lies in one folder and ends with this command (Ctrl-C). Start it again and all is as it was. \
            With --demo it makes a deployment of its own, lets ten made-up engineers answer made-up tasks, exports \
            the labels and ends.
            """)

    @Option(help: "The folder for everything. Default: $PLIMSOLL_DATA, else ~/.plimsoll (root: /var/lib/plimsoll).")
    var data: String?
    @Option(help: "Where the first coordinator listens; the others take the next ports. Port 0: any free one.")
    var listen: ServerAddress = ServerAddress(host: "127.0.0.1", port: ServerAddress.portDefault)
    @Option(help: "How many coordinators, 1 to 4.")
    var coordinators: Int = 1
    @Flag(help: "Show what it does with made-up people and tasks.")
    var demo = false
    @Flag(help: "With --demo: stay until Ctrl-C instead of ending after the export.")
    var stay = false

    static let coordinatorsMax = 4

    func validate() throws {
        guard (1...Self.coordinatorsMax).contains(coordinators) else {
            throw ValidationError("--coordinators must be 1 to \(Self.coordinatorsMax)")
        }
        guard demo || !stay else { throw ValidationError("--stay goes with --demo") }
    }

    func run() async throws {
        let signals = await EndSignals([.sigint, .sigterm, .sighup])
        let directory = data.map { DataDirectory(path: $0) } ?? (demo ? Demo.directory : .standard)
        var plan = Deployment.Plan(directory: directory, listen: try addresses())
        if demo {
            plan.isDemo = true
            plan.times = Demo.times
        }
        let deployment = try Deployment(plan)
        Output.talk("starting in \(directory.path) ...")
        let (demo, stay) = (self.demo, self.stay)
        let task = Task {
            try await deployment.run {
                if demo {
                    try await Demo(deployment: deployment).run()
                    guard stay else { return }
                }
                NextSteps.print(deployment, demo: demo)
                await Self.sleepUntilCancelled()
            }
        }
        let watcher = Task {
            guard let signal = await signals.next() else { return }
            Output.talk(signal == .sigint ? "\nstopping ..." : "stopping ...")
            task.cancel()
        }
        defer { watcher.cancel() }
        try await task.value
        if !demo { Output.talk("stopped; everything is kept in \(directory.path)") }
    }

    private func addresses() throws -> [ServerAddress] {
        guard listen.port == 0 else {
            return (0..<coordinators).map { ServerAddress(host: listen.host, port: listen.port + $0) }
        }
        return try (0..<coordinators).map { _ in
            ServerAddress(host: listen.host, port: try FreePort.any(on: listen.reachable.host))
        }
    }

    /// Being told to stop is how `up` ends, so it is no error.
    private static func sleepUntilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(86_400)) }
    }
}
