import ArgumentParser
import Foundation
import PlimsollProtocol
import SwiftProtobuf

struct ListAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What is on the record, newest first.",
        discussion: """
            Needs an operator's certificate. What people did for themselves (agreements, their own limits, hours and \
            zone, named concerns, leaving) is listed by number and date: of one person others see available or not \
            available and nothing else.
            """)

    @Option(help: "Only of this kind, such as policy.applied, or 'policy.*' for all that begin so.")
    var kind: String?
    @Option(help: "Only from this date or time on: 2026-03-01 or 2026-03-01T08:00:00Z.")
    var since: String?
    @Option(help: "At most so many.")
    var limit: Int = 100
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    static let limitMax = 10_000

    func validate() throws {
        guard (1...Self.limitMax).contains(limit) else {
            throw ValidationError("--limit must be 1 to \(Self.limitMax)")
        }
        if let since { _ = try Self.microseconds(since) }
    }

    func run() async throws {
        let from = try since.map(Self.microseconds) ?? 0
        let events = try await connection.withCoordinator { client in
            try await client.audit.listEvents(
                .with {
                    $0.kind = kind ?? ""
                    $0.sinceMicroseconds = from
                    $0.limit = UInt32(limit)
                }, options: ControlClient.callOptions
            ).events
        }
        output.list(events, empty: "nothing on the record is so")
    }

    /// A date is its first moment in UTC.
    static func microseconds(_ text: String) throws -> Int64 {
        let full = text.contains("T") ? text : text + "T00:00:00Z"
        guard let date = try? Date(full, strategy: .iso8601) else {
            throw ValidationError("--since must be a date such as 2026-03-01, or a time such as 2026-03-01T08:00:00Z")
        }
        return Int64(date.timeIntervalSince1970 * 1_000_000)
    }
}
