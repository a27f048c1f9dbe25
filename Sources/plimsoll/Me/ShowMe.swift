import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowMe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Your load against your limits, and why work comes or does not come now.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let me = try await connection.withCoordinator {
            try await $0.workQueue.showMe(.init(), options: ControlClient.callOptions)
        }
        output.report(Self.text(me), Self.json(me))
    }

    static func text(_ me: Plimsoll_V1_ShowMeResponse) -> String {
        var lines = [
            "\(me.name), \(me.zone)",
            "open leases: \(me.openLeases) of \(limit(me.openLeasesLimit))",
            "tasks today: \(me.dayTasks) of \(limit(me.dayTasksLimit))",
        ]
        for standing in me.projects {
            guard standing.hasRefusal else {
                lines.append("\(standing.project): work may come")
                continue
            }
            let refusal = standing.refusal
            let until =
                refusal.untilMilliseconds == 0
                ? "" : ", for \(DurationText.readable(.milliseconds(refusal.untilMilliseconds)))"
            lines.append("\(standing.project): no work\(until) (\(refusal.rule)): \(refusal.sentence)")
        }
        return lines.map { Harmless.line($0) }.joined(separator: "\n")
    }

    static func json(_ me: Plimsoll_V1_ShowMeResponse) -> JSONValue {
        [
            "name": .string(me.name), "zone": .string(me.zone),
            "open_leases": .number(JSONNumber(Int(me.openLeases))),
            "open_leases_limit": optional(me.openLeasesLimit),
            "day_tasks": .number(JSONNumber(Int(me.dayTasks))), "day_tasks_limit": optional(me.dayTasksLimit),
            "projects": .array(
                me.projects.map { standing in
                    guard standing.hasRefusal else { return ["project": .string(standing.project), "refusal": .null] }
                    let refusal = standing.refusal
                    return [
                        "project": .string(standing.project),
                        "refusal": [
                            "rule": .string(refusal.rule), "value": .string(refusal.value),
                            "limit": .string(refusal.limit), "sentence": .string(refusal.sentence),
                            "until_milliseconds": refusal.untilMilliseconds == 0
                                ? .null : .number(JSONNumber(Int(refusal.untilMilliseconds))),
                        ],
                    ]
                }),
        ]
    }

    /// Zero stands for no limit on the wire.
    private static func limit(_ value: UInt32) -> String { value == 0 ? "no limit" : String(value) }
    private static func optional(_ value: UInt32) -> JSONValue { value == 0 ? .null : .number(JSONNumber(Int(value))) }
}
