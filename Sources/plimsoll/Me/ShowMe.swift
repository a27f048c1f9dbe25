import ArgumentParser
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowMe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Your load against each of your limits, your next break and your rest.",
        discussion: """
            Each limit that holds for you as a bar up to its line, with where it comes from: shipped default, document, \
            team, project, own, raise, or the law, which no document can change. 100% means that no work comes by this \
            rule, and nothing less does. What `plimsoll policy layer set --me` lowers shows at once.

            Then the next break, the rest clock (when the work period closes, when the next may begin), what the gate \
            says to each of your projects, and agreements that end within 14 days. Nobody else can ask for this.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let me = try await connection.withCoordinator {
            try await $0.workQueue.showMe(.init(), options: ControlClient.callOptions)
        }
        guard output.isForReading else { return output.write(Self.json(me)) }
        LoadText(me, usesBlocks: Terminal.speaksUnicode).lines.forEach { $0.write() }
    }

    /// Members in a fixed order; times in whole seconds, counts as they are.
    static func json(_ me: Plimsoll_V1_ShowMeResponse) -> JSONValue {
        [
            "name": .string(me.name), "zone": .string(me.zone),
            "at": .string(Plimsoll_V1_ConsentReceipt.moment(me.atMicroseconds)),
            "open_leases": .number(JSONNumber(Int(me.openLeases))),
            "open_leases_limit": optional(UInt64(me.openLeasesLimit)),
            "day_tasks": .number(JSONNumber(Int(me.dayTasks))),
            "day_tasks_limit": optional(UInt64(me.dayTasksLimit)),
            "load": .array(me.load.map(\.json)),
            "without_limit": .array(me.withoutLimit.map(JSONValue.string)),
            "next_break": me.hasNextBreak
                ? [
                    "rule": .string(me.nextBreak.rule), "after_seconds": number(me.nextBreak.afterSeconds),
                    "length_seconds": number(me.nextBreak.lengthSeconds),
                    "ends_in_seconds": optional(me.nextBreak.endsInSeconds),
                    "counting": .bool(me.nextBreak.counting),
                ] : .null,
            "rest": [
                "rest_seconds": number(me.rest.restSeconds), "running": .bool(me.rest.running),
                "began_seconds_ago": me.rest.running ? number(me.rest.beganSecondsAgo) : .null,
                "closes_in_seconds": number(me.rest.closesInSeconds),
                "opens_in_seconds": number(me.rest.opensInSeconds),
            ],
            "projects": .array(
                me.projects.map { standing in
                    [
                        "project": .string(standing.project),
                        "refusal": standing.hasRefusal ? standing.refusal.json : .null,
                    ]
                }),
            "ending": .array(
                me.ending.map {
                    [
                        "purpose": .string($0.purpose), "ends_in_seconds": number($0.endsInSeconds),
                        "for_new_version": .bool($0.forNewVersion),
                    ]
                }),
        ]
    }

    private static func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(Int(clamping: value))) }
    /// Zero stands for none on the wire.
    private static func optional(_ value: UInt64) -> JSONValue { value == 0 ? .null : number(value) }
}
