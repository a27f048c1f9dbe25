import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct EnrolEngineer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrol", abstract: "Enrol an engineer in projects, with the selection record.",
        discussion: """
            Nobody gets a task without a record that says by which rule they were chosen, on what data, by whom, and \
            what else was offered to them. The record is shown to the engineer.

            plimsoll engineer enrol ana --zone Europe/Berlin --project essays --rule "asked to join" \
            --data-used "her own application" --decided-by olu --alternative "stay in the compiler team"

            The token that it prints is for the engineer, once: `plimsoll cert request ana --token TOKEN`.
            """)

    @Argument(help: "The engineer's name.")
    var name: String
    @Option(help: "IANA time zone, for example Europe/Berlin; needed when the person is new.")
    var zone: String?
    @Option(name: .customLong("project"), help: "A project to enrol in; may be repeated.")
    var projects: [String]
    @Option(help: "The rule, with its version, by which the person was chosen.")
    var rule: String
    @Option(name: .customLong("data-used"), help: "What data about the person the choice was based on.")
    var dataUsed: String
    @Option(name: .customLong("decided-by"), help: "The person who decided.")
    var decidedBy: String
    @Option(name: .customLong("alternative"), help: "What else was offered to the person.")
    var alternativeOffered: String
    @Flag(inversion: .prefixedNo, help: "Make a one-time token for the engineer's `cert request`.")
    var token = true
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let request = Plimsoll_V1_EnrolEngineerRequest.with {
            $0.name = name
            $0.zone = zone ?? ""
            $0.projects = projects
            $0.rule = rule
            $0.dataUsed = dataUsed
            $0.decidedBy = decidedBy
            $0.alternativeOffered = alternativeOffered
            $0.token = token
        }
        let enrolled = try await connection.withCoordinator {
            try await $0.control.enrolEngineer(request, options: ControlClient.callOptions)
        }
        var sentence = "\(enrolled.name) is enrolled in \(enrolled.projects.joined(separator: ", "))"
        if !enrolled.token.isEmpty {
            sentence += "\ntoken, shown once: \(enrolled.token)"
            Output.talk(
                "next, on the engineer's machine: plimsoll cert request \(enrolled.name) --token \(enrolled.token)")
        }
        output.report(
            sentence,
            [
                "name": .string(enrolled.name), "zone": .string(enrolled.zone),
                "projects": .array(enrolled.projects.map(JSONValue.string)),
                "token": enrolled.token.isEmpty ? .null : .string(enrolled.token),
            ])
    }
}
