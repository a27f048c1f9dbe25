import Foundation
import Gateway
import Identity
import PlimsollModel

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
                    remedy: "ask an operator for a new token, then: plimsoll cert request NAME --token TOKEN"))
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
        return findings + content.trust.ends.map { authority(end: $0, now: now) }
    }

    /// An authority's certificate needs its time for a new one to be trusted everywhere beside it: as long as the
    /// longest life of what it signs.
    static func authority(end: Date, now: Date) -> Finding {
        let text = end.ISO8601Format()
        let remedy = "make a new authority with `plimsoll cert init` and put it into every ca.pem beside this one"
        if now > end { return Finding("authority", .failed, "ended at \(text)", remedy: remedy) }
        let rest = Duration.seconds(Int64(end.timeIntervalSince(now)))
        guard rest > authorityRestWanted else {
            return Finding("authority", .warning, "ends at \(text), and what it signs with it", remedy: remedy)
        }
        return Finding("authority", .ok, "valid until \(text)")
    }

    /// What a coordinator showed in its handshake: its authority, its time and its name. Whether it names the address
    /// that was asked is found by connecting to it as a worker does.
    static func serverCertificate(
        _ der: [UInt8], of address: ServerAddress, trust: TrustBundle, now: Date = Date()
    ) -> Finding {
        let name = "certificate of \(address)"
        do {
            let holder = try trust.verify(der: der, now: now)
            guard holder.identity.role == .coordinator else {
                return Finding(
                    name, .failed, "is of \(holder.identity.uri), no coordinator",
                    remedy: "see what listens there, and what `identity` in its configuration names")
            }
            let end = holder.notAfter.ISO8601Format()
            guard holder.renewalDue(now: now) else { return Finding(name, .ok, "valid until \(end)") }
            return Finding(name, .warning, "ends at \(end)", remedy: serverRenewal)
        } catch {
            return Finding(
                name, .failed, error.message,
                remedy: error.code == .expired
                    ? serverRenewal : "see that this ca.pem and that coordinator are of one deployment")
        }
    }

    private static let serverRenewal =
        "on its machine: plimsoll cert request, cert issue and cert install, then SIGHUP to the coordinator"

    /// As long as the longest life of a leaf.
    private static let authorityRestWanted = Duration.hours(24 * 90)

    /// This machine's clock beside the database's, which a coordinator told between `asked` and `heard`.
    static func clock(databaseMicroseconds: Int64, asked: Date, heard: Date) -> Finding {
        let difference = ClockDifference(
            of: Moment(microseconds: databaseMicroseconds), between: moment(asked), and: moment(heard))
        return difference.isLarge
            ? Finding("this machine's clock", .warning, difference.sentence, remedy: ClockDifference.remedy)
            : Finding("this machine's clock", .ok, difference.sentence)
    }

    private static func moment(_ date: Date) -> Moment {
        Moment(microseconds: Int64(date.timeIntervalSince1970 * 1_000_000))
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
