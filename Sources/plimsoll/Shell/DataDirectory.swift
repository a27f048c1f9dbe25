import Foundation
import Identity

/// The folder of a deployment on one machine: what `plimsoll up` keeps, and where identities are looked for.
struct DataDirectory: Sendable {
    let url: URL

    /// What PLIMSOLL_DATA names, else `~/.plimsoll`; for root `/var/lib/plimsoll`, because the database then runs as
    /// another user, who may not enter root's home.
    static var standard: DataDirectory {
        if let path = Terminal.environment["PLIMSOLL_DATA"], !path.isEmpty { return DataDirectory(path: path) }
        if geteuid() == 0 { return DataDirectory(path: "/var/lib/plimsoll") }
        return DataDirectory(url: URL.homeDirectory.appending(path: ".plimsoll"))
    }

    init(url: URL) { self.url = url.absoluteURL.standardizedFileURL }

    init(path: String) { self.init(url: URL(filePath: (path as NSString).expandingTildeInPath)) }

    var path: String { url.path(percentEncoded: false) }
    var lockFile: URL { url.appending(path: "lock") }
    var cluster: URL { url.appending(path: "postgres") }
    var authority: URL { url.appending(path: "ca") }
    var identities: URL { url.appending(path: "identities") }
    var exports: URL { url.appending(path: "export") }
    /// Where the coordinators of this folder listen, as `--server` takes it.
    var serverFile: URL { url.appending(path: "server") }

    /// The chain's signed heads, outside the database.
    var headFile: URL { url.appending(path: "heads.jsonl") }

    func identity(_ name: String) -> IdentityFiles { IdentityFiles(directory: identities.appending(path: name)) }
    func coordinator(_ number: Int) -> IdentityFiles {
        IdentityFiles(directory: url.appending(path: "coordinator-\(number)"))
    }
    func coordinatorConfiguration(_ number: Int) -> URL { url.appending(path: "coordinator-\(number).yaml") }
    func coordinatorLog(_ number: Int) -> URL { url.appending(path: "coordinator-\(number).log") }

    /// Names of the identities kept here, sorted; empty where there are none.
    var identityNames: [String] {
        // A missing folder holds no identities.
        let entries =
            (try? FileManager.default.contentsOfDirectory(atPath: identities.path(percentEncoded: false))) ?? []
        return entries.filter { name in
            let file = identities.appending(path: name).appending(path: IdentityFiles.certificateFileName)
            return FileManager.default.fileExists(atPath: file.path(percentEncoded: false))
        }.sorted()
    }
}
