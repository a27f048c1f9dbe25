import ArgumentParser
import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct PlanPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "What a policy would do, and would have done, before it is applied.",
        discussion: """
            Shows the policy in force beside the proposed one: how many people could be leased something and how many \
            hours are left, as of the last full hour; of the leases of the last 7 days, how many the coordinator's gate \
            would have refused, by rule; of the hours of the last 27 days, how many lay beyond a limit on time. Limits of \
            teams, projects and people, and raises, stay as they are. What is refused in the replay counts for nothing \
            that comes after it, so a break refuses what fell into it and not the rest of the day.

            Nothing is changed. Figures are of at least as many people as the policy's group-operations and rounded, so \
            that no plan, and no two of them, tell what one person did; a change that concerns fewer does not show. Who \
            plans is on the record, and everybody sees it in `plimsoll me access`. At most 16 documents a day (UTC) of a \
            deployment; the same one again is not counted.
            """)

    @Argument(help: "The document, a YAML file.")
    var file: String
    @Option(help: "Only this project: its people, its leases.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (document, proposed) = try ValidatePolicy.read(file)
        let request = Plimsoll_V1_PlanPolicyRequest.with {
            $0.document = document
            $0.project = project ?? ""
        }
        let progress = Progress("replaying", unit: "people")
        defer { progress.finish() }
        let plan = try await connection.withCoordinator { client in
            try await client.organisation.planPolicy(request) { response in
                var plan: Plimsoll_V1_PolicyPlan?
                for try await part in response.messages {
                    switch part.part {
                    case .progress(let done): progress.update(done: Int(done.done), total: Int(done.total))
                    case .plan(let whole): plan = whole
                    case nil: break
                    }
                }
                return plan
            }
        }
        progress.finish()
        guard let plan else {
            throw CommandFailure(.failed, "the plan ended before it was whole", next: "plan again")
        }
        guard output.isForReading else {
            return output.write(PlanText.json(plan, file: file, project: project))
        }
        let text = PlanText(plan, file: file, project: project, proposed: proposed)
        Output.talk(text.heading)
        text.lines.forEach { Output.line(Harmless.line($0)) }
        text.limits.forEach { Output.talk($0) }
    }
}
