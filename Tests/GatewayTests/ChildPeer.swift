import Foundation

@testable import Gateway

/// A TLS client in a process of its own, so that it can be frozen.
struct ChildPeer {
    private let process = Process()
    private let input = Pipe()

    init(_ gateway: RunningGateway, holder: Deployment.Holder) throws {
        let directory = gateway.deployment.directory
        let files = ["child.pem": holder.certificatePEM, "child.key": holder.keyPEM]
        for (name, text) in files {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name))
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(gateway.port)", "-alpn", "h2",
            "-cert", directory.appendingPathComponent("child.pem").path,
            "-key", directory.appendingPathComponent("child.key").path,
        ]
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func send(_ bytes: [UInt8]) throws { try input.fileHandleForWriting.write(contentsOf: Data(bytes)) }

    var isRunning: Bool { process.isRunning }

    /// Stops the process; its kernel goes on acknowledging what is sent to it.
    func freeze() { kill(process.processIdentifier, SIGSTOP) }

    func end() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
