import Foundation
import Identity

/// One `plimsoll serve` process on a port of this machine.
actor CoordinatorChild {
    nonisolated let port: Int
    private let program: URL
    private let configuration: URL
    private let log: URL
    private var process: Program?

    private static let readyWithin = Duration.seconds(60)

    init(port: Int, program: URL, configuration: URL, log: URL) {
        self.port = port
        self.program = program
        self.configuration = configuration
        self.log = log
    }

    var processID: Int32? { process.flatMap { $0.isRunning ? $0.processID : nil } }

    /// Starts it and waits until it gives work.
    func start(operator identity: IdentityFiles) async throws {
        let process = try Program(
            program.path, ["serve", "--exit-with-parent", "--config", configuration.path], output: log)
        self.process = process
        let deadline = Moment.now + Self.readyWithin.nanoseconds
        while true {
            try Task.checkCancellation()
            // Until it listens there is nothing but refused connections.
            let isReady = try? await ControlConnection.with(port: port, identity: identity) { try await $0.isServing() }
            if isReady == true { return }
            guard process.isRunning, Moment.now < deadline else {
                let text = String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
                throw BenchError(.coordinator, "the coordinator did not start:\n\(text.suffix(2_000))")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// kill -9.
    func kill() { process?.signal(SIGKILL) }

    func stop() async {
        await process?.stop()
        process = nil
    }

    nonisolated static func freePort() throws -> Int {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { throw BenchError(.program, "no socket: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(file, raw, length) != 0 || getsockname(file, raw, &length) != 0
            }
        }
        guard !failed else { throw BenchError(.program, "no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
