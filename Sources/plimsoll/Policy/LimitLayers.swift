import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct LimitLayers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layer", abstract: "What a team, a project or you yourself add to the policy: tighter limits.",
        discussion: """
            A file names limits as the policy does: `{day-time: 3h, break: 15m}`. They tighten and never loosen. The \
            one exception is your own quiet hours: `quiet-hours: none` in your own layer opens them, and nobody else can.
            """,
        subcommands: [SetLayer.self, ShowLayer.self, ClearLayer.self])
}

/// Whose layer a command is about.
struct LayerScope: ParsableArguments {
    @Option(help: "A team's.")
    var team: String?
    @Option(help: "A project's.")
    var project: String?
    @Flag(help: "Your own, with your own certificate.")
    var me = false

    func validate() throws {
        guard [team != nil, project != nil, me].count(where: { $0 }) == 1 else {
            throw ValidationError("name one of --team, --project and --me")
        }
    }

    var title: String { team.map { "the team \($0)'s" } ?? project.map { "the project \($0)'s" } ?? "your own" }

    /// Sets the layer; an empty document takes it away.
    func set(_ document: String, _ connection: ConnectionOptions) async throws {
        try await connection.withCoordinator { client in
            if me {
                _ = try await client.organisation.setMyLimits(
                    .with { $0.document = document }, options: ControlClient.callOptions)
            } else {
                _ = try await client.organisation.setLimitLayer(layer(document), options: ControlClient.callOptions)
            }
        }
    }

    func show(_ connection: ConnectionOptions) async throws -> String {
        try await connection.withCoordinator { client in
            if me {
                return try await client.organisation.showMyLimits(.init(), options: ControlClient.callOptions).document
            }
            return try await client.organisation.showLimitLayer(layer(""), options: ControlClient.callOptions).document
        }
    }

    private func layer(_ document: String) -> Plimsoll_V1_LimitLayer {
        .with {
            $0.team = team ?? ""
            $0.project = project ?? ""
            $0.document = document
        }
    }
}

struct SetLayer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a layer, instead of the one before; it holds at once.")

    @OptionGroup var scope: LayerScope
    @Argument(help: "A YAML file, `-` for standard input.")
    var file: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let document = try TextFile.read(file)
        do {
            if scope.me { _ = try PersonalLimits(yaml: document) } else { _ = try PolicyDocument.layer(yaml: document) }
        } catch {
            throw CommandFailure(.wrongUse, "\(file): \(error.description)", cause: error)
        }
        guard !document.allSatisfy(\.isWhitespace) else {
            throw CommandFailure(
                .wrongUse, "\(file) names no limit", next: "plimsoll policy layer clear takes one away")
        }
        try await scope.set(document, connection)
        output.report("\(scope.title) limits hold", ["ok": true])
    }
}

struct ShowLayer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "A layer as it was set.")

    @OptionGroup var scope: LayerScope
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let document = try await scope.show(connection)
        guard output.format == .table else {
            return output.write(["document": .textOrNull(document)])
        }
        guard !document.isEmpty else { return Output.talk("none is set") }
        Output.bytes(Array(document.utf8) + (document.hasSuffix("\n") ? [] : [10]))
    }
}

struct ClearLayer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clear", abstract: "Take a layer away.")

    @OptionGroup var scope: LayerScope
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await scope.set("", connection)
        output.report("\(scope.title) limits are taken away", ["ok": true])
    }
}
