import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The policy in force, or an earlier version, or what holds for one person.",
        discussion: """
            --for shows each limit that holds for a person and where it comes from: the shipped defaults, the policy, \
            the team, the project, the person, a raise. A supervisor sees it without what the person added.
            """)

    @Option(help: "Which version; the one in force where it is not named.")
    var version: Int64 = 0
    @Option(name: .customLong("for"), help: "What holds for this person, and where each limit comes from.")
    var person: String?
    @Option(help: "With --for: in this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard person != nil || project == nil else { throw ValidationError("--project goes with --for") }
        guard person == nil || version == 0 else { throw ValidationError("--for shows what holds now, not a version") }
    }

    func run() async throws {
        if let person { return try await show(for: person) }
        let policy = try await connection.withCoordinator { client in
            try await client.control.showPolicy(.with { $0.version = version }, options: ControlClient.callOptions)
        }
        if output.format == .name { return output.details(policy) }
        guard output.format == .table else {
            guard case .object(var object) = Table.json(policy) else { return }
            object["document"] = .string(policy.document)
            return output.write(.object(object))
        }
        Output.talk("version \(policy.version), applied on \(policy.appliedOn) by \(policy.author): \(policy.reason)")
        Output.bytes(Array(policy.document.utf8) + (policy.document.hasSuffix("\n") ? [] : [10]))
    }

    private func show(for person: String) async throws {
        let limits = try await connection.withCoordinator { client in
            try await client.organisation.showEffectiveLimits(
                .with {
                    $0.name = person
                    $0.project = project ?? ""
                }, options: ControlClient.callOptions
            ).limits
        }
        output.list(limits, empty: "no limits")
    }
}

extension Plimsoll_V1_EffectiveLimit: Listable {
    static var columns: [Column<Self>] {
        [
            Column("limit", "key") { .string($0.key) },
            Column("value", "value") { .string($0.value) },
            Column("from", "source") { .string($0.source) },
        ]
    }
}
