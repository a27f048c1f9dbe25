import ArgumentParser
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
            findings += LocalChecks.identity(try connection.identityFiles())
        } catch {
            let failure = CommandFailure(error)
            findings.append(Finding("identity", .failed, failure.message, remedy: failure.next ?? ""))
        }
        findings.append(LocalChecks.openFiles())
        findings += await askCoordinator()
        switch output.format {
        case .json: Output.json(Table.json(findings))
        case .table: findings.flatMap(\.lines).forEach(Output.line)
        }
        if findings.contains(where: { $0.state == .failed }) { throw ExitStatus.failed }
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
                let answer = try await client.control.diagnose(.init(), options: ControlClient.callOptions)
                return findings + answer.checks.map(Finding.init)
            }
        } catch {
            let failure = CommandFailure(error)
            return [Finding("coordinator", .failed, failure.message, remedy: failure.next ?? "")]
        }
    }
}
