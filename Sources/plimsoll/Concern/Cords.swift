import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct Cords: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cord", abstract: "The cord: when enough people pull it, a project stops.",
        discussion: "Nobody is shown who pulled it or how many did; that is forgotten when the project goes on.",
        subcommands: [PullCord.self, ListCords.self, ResumeCord.self])
}

struct PullCord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Ask to stop a project you are enrolled in.")

    @Option(help: "The project.")
    var project: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let outcome = try await connection.withCoordinator { try await $0.pullCord(of: project) }
        output.report(
            Self.sentence(of: outcome, project: project), ["project": .string(project), "outcome": .string(outcome)])
    }

    static func sentence(of outcome: String, project: String) -> String {
        switch outcome {
        case "paused": "the project \(project) stands still"
        case "concern": "few people work here, so it is a concern of the project's named persons, due today"
        default: "your cord counts; nobody is shown that it was yours"
        }
    }
}

extension ControlClient {
    /// What came of it.
    func pullCord(of project: String) async throws -> String {
        try await concerns.pullCord(.with { $0.project = project }, options: Self.callOptions).outcome
    }
}

extension Plimsoll_V1_CordPause: Listable {
    static var columns: [Column<Self>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("stands still since", "paused_on") { .string($0.pausedOn) },
        ]
    }
}

struct ListCords: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Projects of yours that stand still by the cord.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let cords = try await connection.withCoordinator { client in
            try await client.concerns.listCords(.init(), options: ControlClient.callOptions).cords
        }
        output.list(cords, empty: "no project of yours stands still by the cord")
    }
}

struct ResumeCord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a project go on that the cord has stopped, and forget who pulled it.")

    @Option(help: "The project.")
    var project: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        _ = try await connection.withCoordinator { client in
            try await client.concerns.resumeCord(.with { $0.project = project }, options: ControlClient.callOptions)
        }
        output.report("the project \(project) goes on", ["project": .string(project), "ok": true])
    }
}
