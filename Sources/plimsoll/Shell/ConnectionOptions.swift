import ArgumentParser
import Foundation
import Identity

/// Which coordinator to ask, and as whom.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Addresses of coordinators, host:port with commas between.",
            discussion: "Default: $PLIMSOLL_SERVER, else those of the `plimsoll up` in the data folder."))
    var server: String?

    @Option(
        help: ArgumentHelp(
            "Whose certificate to use: a folder with key.pem, cert.pem and ca.pem, or a name in the data folder.",
            discussion: "Default: $PLIMSOLL_IDENTITY, else `operator`, else the only one there is."))
    var identity: String?

    @Option(help: "The data folder. Default: $PLIMSOLL_DATA, else ~/.plimsoll.")
    var data: String?

    var directory: DataDirectory { data.map { DataDirectory(path: $0) } ?? .standard }

    /// The addresses to try, in order.
    func addresses() throws -> [ServerAddress] {
        if let text = server ?? Self.environment("PLIMSOLL_SERVER") {
            guard let list = ServerAddress.list(text) else {
                throw CommandFailure(
                    .wrongUse, "\"\(text)\" is no list of addresses", next: "write host:port,host:port")
            }
            return list
        }
        let file = directory.serverFile
        // Without the file nothing was started from this folder; the default is then as good a guess as any.
        if let text = try? String(contentsOf: file, encoding: .utf8), let list = ServerAddress.list(text) {
            return list
        }
        return [ServerAddress(host: "localhost", port: ServerAddress.portDefault)]
    }

    /// The files of the identity to use.
    func identityFiles() throws -> IdentityFiles {
        let chosen = identity ?? Self.environment("PLIMSOLL_IDENTITY")
        guard let chosen else { return try onlyIdentity() }
        if chosen.contains("/") || FileManager.default.fileExists(atPath: chosen) {
            return IdentityFiles(directory: URL(filePath: (chosen as NSString).expandingTildeInPath))
        }
        return directory.identity(chosen)
    }

    private func onlyIdentity() throws -> IdentityFiles {
        let names = directory.identityNames
        if names.contains("operator") { return directory.identity("operator") }
        if names.count == 1 { return directory.identity(names[0]) }
        guard names.isEmpty else {
            throw CommandFailure(
                .wrongUse,
                "there are several identities in \(directory.identities.path(percentEncoded: false)): "
                    + names.joined(separator: ", "), next: "choose one with --identity NAME")
        }
        throw CommandFailure(
            .notFound, "there is no identity in \(directory.identities.path(percentEncoded: false))",
            next: "start a deployment with `plimsoll up`, get a certificate with `plimsoll cert request`, "
                + "or name a folder with --identity")
    }

    private static func environment(_ name: String) -> String? {
        Terminal.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
