import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct LeaveProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "End an enrolment in a project, and its open leases.",
        discussion: """
            With your own certificate: your own, with no reason and at no cost. An operator can end anybody's, with a \
            reason that the engineer sees. The selection record stays.
            """)

    @Argument(help: "The engineer's name. Default: whose certificate it is.")
    var name: String?
    @Option(help: "The project to leave.")
    var project: String
    @Option(help: "Why; needed when it is not your own act.")
    var reason: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let left = try await connection.withCoordinator { client in
            try await client.organisation.leaveProject(
                .with {
                    $0.name = name ?? ""
                    $0.project = project
                    $0.reason = reason ?? ""
                }, options: ControlClient.callOptions)
        }
        // How much somebody else held is theirs to know (P9).
        let isOwn = name == nil
        output.report(
            "\(left.name) has left \(left.project)" + (isOwn ? ", \(left.leasesEnded) leases ended" : ""),
            [
                "name": .string(left.name), "project": .string(left.project),
                "leases_ended": isOwn ? .number(JSONNumber(Int(left.leasesEnded))) : .null,
                "remaining_projects": .array(left.remainingProjects.map(JSONValue.string)),
            ])
    }
}
