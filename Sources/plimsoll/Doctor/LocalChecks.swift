import Foundation
import Identity

/// What `doctor` can see on this machine without asking anybody.
enum LocalChecks {
    /// Fewer open files than this do for a worker and for commands, not for a coordinator with many workers.
    static let openFilesWanted: UInt64 = 16_384

    static func identity(_ files: IdentityFiles, now: Date = Date()) -> [Finding] {
        let content: IdentityFiles.Content
        do {
            content = try files.load()
        } catch {
            return [Finding("identity", .failed, error.message, remedy: "plimsoll cert request NAME --token TOKEN")]
        }
        let certificate = content.certificate
        var findings = [Finding("identity", .ok, "\(certificate.identity.uri), key readable by its owner alone")]
        let end = certificate.notAfter.ISO8601Format()
        if now > certificate.notAfter {
            findings.append(
                Finding(
                    "certificate", .failed, "ended at \(end)",
                    remedy: "make a request with `plimsoll cert request` and let an operator issue it"))
        } else if now < certificate.notBefore {
            findings.append(
                Finding(
                    "certificate", .failed, "is not valid before \(certificate.notBefore.ISO8601Format())",
                    remedy: "set this machine's clock"))
        } else if certificate.renewalDue(now: now) {
            findings.append(Finding("certificate", .warning, "ends at \(end)", remedy: "plimsoll cert renew"))
        } else {
            findings.append(Finding("certificate", .ok, "valid until \(end)"))
        }
        return findings
    }

    static func openFiles() -> Finding {
        let limit = OpenFiles.limit()
        guard limit.hard >= openFilesWanted else {
            return Finding(
                "open files", .warning, "at most \(limit.hard)",
                remedy: "for a coordinator set LimitNOFILE=65536 in its unit, or raise `ulimit -Hn`")
        }
        return Finding("open files", .ok, "up to \(limit.hard)")
    }
}

/// The process's limit of open files.
enum OpenFiles {
    static func limit() -> (soft: UInt64, hard: UInt64) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return (0, 0) }
        return (UInt64(limit.rlim_cur), UInt64(limit.rlim_max))
    }

    /// Raises the soft limit to the hard one, which needs no rights; gives the limit that then holds.
    static func raise() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return self.limit().soft }
        }
        return UInt64(limit.rlim_cur)
    }
}
