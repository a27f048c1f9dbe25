import Foundation
import Identity

/// The certificates and configurations that `plimsoll up` keeps in its folder.
struct DeploymentFiles: Sendable {
    let directory: DataDirectory

    /// The name of a deployment that `up` makes.
    static let trustDomain = "plimsoll.local"
    /// The first operator's name.
    static let operatorName = "operator"
    /// How long the certificates of coordinators and of the operator are valid; renewed after two thirds.
    static let validity = Duration.seconds(30 * 86_400)

    /// The deployment's authority, made at the first start.
    func authority(now: Date) throws -> CertificateAuthority {
        let file = directory.authority.appending(path: CertificateAuthority.certificateFileName)
        guard FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) else {
            // A crash between the two files leaves a key that nobody trusts yet.
            let key = directory.authority.appending(path: CertificateAuthority.keyFileName)
            if FileManager.default.fileExists(atPath: key.path(percentEncoded: false)) {
                try FileManager.default.removeItem(at: key)
            }
            return try CertificateAuthority.create(trustDomain: Self.trustDomain, in: directory.authority, now: now)
        }
        return try CertificateAuthority.load(from: directory.authority)
    }

    /// Issues what is missing or due for renewal; true when a coordinator's certificate changed.
    @discardableResult
    func refresh(_ authority: CertificateAuthority, coordinators: [ServerAddress], now: Date) throws -> Bool {
        var changed = false
        for (index, address) in coordinators.enumerated() {
            let files = directory.coordinator(index + 1)
            // Another address than at the last start needs another certificate, so it is always issued anew at a start.
            guard Self.isDue(files, now: now) || !Self.names(files, cover: address) else { continue }
            try Self.issue(
                files, as: .coordinator("coordinator-\(index + 1)", trustDomain: authority.trustDomain), by: authority,
                for: address, now: now)
            changed = true
        }
        let mine = directory.identity(Self.operatorName)
        if Self.isDue(mine, now: now) {
            try Self.issue(
                mine, as: .operator(Self.operatorName, trustDomain: authority.trustDomain), by: authority, now: now)
        }
        return changed
    }

    /// A certificate for a key in `files`, which is made where it is missing. `address` is for coordinators alone.
    static func issue(
        _ files: IdentityFiles, as identity: PeerIdentity, by authority: CertificateAuthority,
        for address: ServerAddress? = nil, now: Date
    ) throws {
        let exists = FileManager.default.fileExists(atPath: files.keyPath)
        let key = exists ? try files.key() : try files.createKey()
        let names = address.map(Self.hostNames)
        let issued = try authority.issue(
            request: try key.request(for: identity), as: identity, validity: validity, dnsNames: names?.dns ?? [],
            ipAddresses: names?.ip ?? [], now: now)
        try files.store(issued)
        if let address { try TextFile.write(address.host, to: hostFile(files)) }
    }

    /// The configuration of one coordinator as `serve` reads it.
    static func configuration(
        database: String, listen: ServerAddress, identity: URL, authority: URL, headFile: URL,
        times: [(String, String)]
    ) -> String {
        var lines = [
            "# Written by `plimsoll up` at each start.",
            "database: \(quoted(database))",
            "listen: \(quoted(listen.description))",
            "identity: \(quoted(identity.path(percentEncoded: false)))",
            "authority: \(quoted(authority.path(percentEncoded: false)))",
            "shutdown: 15s",
            "audit:",
            "  head_file: \(quoted(headFile.path(percentEncoded: false)))",
        ]
        if !times.isEmpty {
            lines.append("times:")
            lines += times.map { "  \($0.0): \($0.1)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A double-quoted YAML text.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }

    private static func isDue(_ files: IdentityFiles, now: Date) -> Bool {
        guard let content = try? files.load() else { return true }  // missing or broken: issue a new one
        return content.certificate.renewalDue(now: now)
    }

    /// What the certificate was issued for is noted beside it, since an identity does not tell its host names.
    private static func names(_ files: IdentityFiles, cover address: ServerAddress) -> Bool {
        (try? String(contentsOf: hostFile(files), encoding: .utf8)) == address.host  // missing: not covered
    }

    private static func hostFile(_ files: IdentityFiles) -> URL { files.directory.appending(path: "host") }

    static func hostNames(_ address: ServerAddress) -> (dns: [String], ip: [String]) {
        var dns = ["localhost"]
        var ip = ["127.0.0.1", "::1"]
        if address.isIPv4 || address.isIPv6 {
            let isAny = address.host == "0.0.0.0" || address.host == "::"
            if !isAny, !ip.contains(address.host) { ip.append(address.host) }
            if isAny { dns += [ProcessInfo.processInfo.hostName].filter { $0 != "localhost" && !$0.isEmpty } }
        } else if address.host != "localhost" {
            dns.append(address.host)
        }
        return (dns, ip)
    }
}
