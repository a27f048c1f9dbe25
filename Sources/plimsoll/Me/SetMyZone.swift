import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct SetMyZone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zone", abstract: "Change the time zone by which your days and quiet hours are told.",
        discussion: """
            The zone before counts beside the new one for eight days, and of both the stricter holds. In these days \
            there is no third zone, but you can go back.
            """)

    @Argument(help: "A name of the IANA time zone database, such as Europe/Lisbon.")
    var zone: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let set = try await connection.withCoordinator { client in
            try await client.hours.setZone(.with { $0.zone = zone }, options: ControlClient.callOptions)
        }
        let former =
            set.formerZone.isEmpty ? "" : "; \(set.formerZone) counts beside it until \(set.formerUntil)"
        output.report(
            "your zone is \(set.zone)\(former)",
            [
                "zone": .string(set.zone), "former_zone": .textOrNull(set.formerZone),
                "former_until": .textOrNull(set.formerUntil),
            ])
    }
}
