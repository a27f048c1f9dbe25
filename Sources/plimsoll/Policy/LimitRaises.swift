import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct LimitRaises: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raise", abstract: "Limits of one engineer beyond the policy's, agreed by two parties.",
        discussion: """
            The engineer asks, somebody else agrees, either ends it at once. Never beyond the policy's `ceiling` nor \
            the law; limits of team, project and engineer still tighten it.
            """,
        subcommands: [AskRaise.self, ListRaises.self, AgreeRaise.self, EndRaise.self])
}

extension Plimsoll_V1_LimitRaise: Listable {
    static var columns: [Column<Self>] {
        [
            Column("id", "id", right: true) { .number(JSONNumber($0.id)) },
            Column("engineer", "name") { .string($0.name) },
            Column(
                "limits", "document",
                shown: { $0.document.split(separator: "\n").joined(separator: ", ") }
            ) { .string($0.document) },
            Column("reason", "reason") { .string($0.reason) },
            Column("state", "state") { .string($0.state) },
            Column("agreed by", "agreed_by") { .textOrNull($0.agreedBy) },
        ]
    }
}

struct AskRaise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Ask for a raise; nothing changes until somebody else agrees.")

    @Option(name: .customLong("limit"), help: "A limit and its value, such as day-time=5h; may be repeated.")
    var limits: [String]
    @Option(help: "Why; whoever agrees sees it.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let document = try Self.document(limits)
        let raise = try await connection.withCoordinator { client in
            try await client.organisation.askRaise(
                .with {
                    $0.document = document
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report("raise \(raise.id) waits for somebody to agree", Table.json(raise))
    }

    /// `day-time=5h` as a line of YAML.
    static func document(_ limits: [String]) throws -> String {
        let text = try limits.map { limit in
            guard let split = limit.firstIndex(of: "="), !limit.contains(where: \.isNewline) else {
                throw CommandFailure(.wrongUse, "“\(limit)” is no limit", next: "write for example --limit day-time=5h")
            }
            return "\(limit[..<split]): \(limit[limit.index(after: split)...])\n"
        }.joined()
        do {
            _ = try PolicyDocument.layer(yaml: text)
        } catch {
            throw CommandFailure(.wrongUse, error.message, cause: error)
        }
        return text
    }
}

struct ListRaises: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Raises that wait for an answer or are in force; an engineer's are their own.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let raises = try await connection.withCoordinator { client in
            try await client.organisation.listRaises(.init(), options: ControlClient.callOptions).raises
        }
        output.list(raises, empty: "no raise waits or is in force")
    }
}

struct AgreeRaise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agree", abstract: "Agree to somebody's raise; it holds from now on.")

    @Argument(help: "The raise, as `plimsoll policy raise list` numbers it.")
    var id: Int64
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let raise = try await connection.withCoordinator { client in
            try await client.organisation.agreeRaise(.with { $0.id = id }, options: ControlClient.callOptions)
        }
        output.report("raise \(raise.id) of \(raise.name) is in force", Table.json(raise))
    }
}

struct EndRaise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a raise at once, or refuse one that was asked for.")

    @Argument(help: "The raise, as `plimsoll policy raise list` numbers it.")
    var id: Int64
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let raise = try await connection.withCoordinator { client in
            try await client.organisation.endRaise(.with { $0.id = id }, options: ControlClient.callOptions)
        }
        output.report("raise \(raise.id) of \(raise.name) has ended", Table.json(raise))
    }
}
