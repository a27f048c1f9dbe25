import ArgumentParser
import Foundation
import Identity
import PlimsollModel

struct RequestCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "Make a key here and a request for an operator to sign.")

    @Argument(help: "The person's name; a coordinator's id for --role coordinator.")
    var name: String
    @Option(help: "The one-time token from `plimsoll engineer enrol` or `plimsoll role grant`.")
    var token: String = ""
    @Option(help: "engineer, supervisor, reviewer, operator or coordinator.")
    var role: Role = .engineer
    @Option(help: "The id of this worker process; an engineer may have several.")
    var worker: String = "main"
    @Option(help: "The deployment's name, as the operator told you; with `up` it is plimsoll.local.")
    var trustDomain: String = DeploymentFiles.trustDomain
    @Option(help: "Where the identity goes. Default: identities/NAME in the data folder.")
    var identity: String?
    @Option(help: "The data folder. Default: $PLIMSOLL_DATA, else ~/.plimsoll.")
    var data: String?
    @Option(name: .customLong("out"), help: "The request file. Default: NAME.request.")
    var outputFile: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let peer = try PeerIdentity(
            role: role, name: name, worker: role == .engineer ? worker : nil, trustDomain: trustDomain)
        let directory = data.map { DataDirectory(path: $0) } ?? .standard
        let files = identity.map { IdentityFiles(directory: URL(filePath: $0)) } ?? directory.identity(name)
        // A request that was made before is made again for the same key: the first may have been lost on its way.
        let exists = FileManager.default.fileExists(atPath: files.keyPath)
        let key = exists ? try files.key() : try files.createKey()
        let file = RequestFile(token: token, request: try key.request(for: peer).pem)
        let path = outputFile ?? "\(name).request"
        // The token inside is a secret until it is used.
        try TextFile.write(file.text, to: URL(filePath: path), mode: 0o600)
        Output.talk("the key is in \(files.keyPath) and stays there")
        Output.talk("next: give \(path) to an operator, who runs: plimsoll cert issue \(path)")
        output.report(
            path, ["request": .string(path), "identity": .string(peer.uri), "key": .string(files.keyPath)])
    }
}
