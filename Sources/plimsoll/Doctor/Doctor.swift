import ArgumentParser
import Foundation
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look over this machine and the coordinator; each line with what to do.",
        discussion: "Exit code 1 when anything has failed; warnings alone give 0.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var findings: [Finding] = []
        do {
            let files = try connection.identityFiles()
            findings += LocalChecks.identity(files)
            findings += await lookAtServers(files)
        } catch {
            let failure = CommandFailure(error)
            findings.append(Finding("identity", .failed, failure.message, remedy: failure.next ?? ""))
        }
        findings.append(LocalChecks.openFiles())
        findings += await askCoordinator()
        if output.format == .table {
            findings.flatMap(\.lines).forEach(Output.line)
        } else {
            output.list(findings, empty: "")
        }
        if findings.contains(where: { $0.state == .failed }) { throw ExitStatus.failed }
    }

    /// The certificate of every coordinator that is named. One that does not answer is a finding of its own only beside
    /// others: else `askCoordinator` says so.
    private func lookAtServers(_ files: IdentityFiles) async -> [Finding] {
        guard let addresses = try? connection.addresses(), let trust = try? files.load().trust else {
            // Said by the checks before and after this one.
            return []
        }
        var findings: [Finding] = []
        for address in addresses {
            do {
                let certificate = try await ServerCertificate.shown(at: address)
                findings.append(LocalChecks.serverCertificate(certificate, of: address, trust: trust))
            } catch {
                guard addresses.count > 1 else { continue }
                findings.append(
                    Finding(
                        "certificate of \(address)", .warning, "nobody answers there",
                        remedy: "start that coordinator, or take it out of --server"))
            }
        }
        return findings
    }

    private func askCoordinator() async -> [Finding] {
        do {
            return try await connection.withCoordinator { client in
                var findings = [Finding("coordinator", .ok, "answers at \(client.address)")]
                if try await !client.isServing() {
                    findings.append(
                        Finding(
                            "coordinator ready", .failed, "it answers, but gives no work",
                            remedy: "see its log: most often the database is away"))
                }
                guard client.me.identity.role == .operator || client.me.identity.role == .supervisor else {
                    return findings + [Finding("deployment", .ok, "its checks are shown to operators and supervisors")]
                }
                let asked = Date()
                let answer = try await client.control.diagnose(.init(), options: ControlClient.callOptions)
                let heard = Date()
                if answer.databaseClockMicroseconds != 0 {
                    findings.append(
                        LocalChecks.clock(
                            databaseMicroseconds: answer.databaseClockMicroseconds, asked: asked, heard: heard))
                }
                return findings + answer.checks.map(Finding.init)
            }
        } catch {
            let failure = CommandFailure(error)
            return [Finding("coordinator", .failed, failure.message, remedy: failure.next ?? "")]
        }
    }
}
