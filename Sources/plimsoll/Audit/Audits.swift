import ArgumentParser
import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct Audits: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The record: what happened, and whether the record is whole.",
        subcommands: [ListAudit.self, VerifyAudit.self])
}

extension Plimsoll_V1_ChainEventRow: Listable {
    static var columns: [Column<Self>] {
        [
            Column("event", "event", right: true) { .number(JSONNumber($0.event)) },
            Column("at", "at") {
                .string($0.on.isEmpty ? Plimsoll_V1_ConsentReceipt.moment($0.atMicroseconds) : $0.on)
            },
            Column("kind", "kind", shown: { $0.kind.isEmpty ? "a person's own" : $0.kind }) {
                .textOrNull($0.kind)
            },
            Column("by", "actor") { .textOrNull($0.actor) },
            Column("link", "link", right: true, shown: { $0.seq == 0 ? "not sealed yet" : String($0.seq) }) {
                $0.seq == 0 ? .null : .number(JSONNumber($0.seq))
            },
            Column("detail", "detail", shown: \.shownDetail) {
                $0.detailState == .sent ? (try? JSONValue.parse($0.detail)) ?? .string($0.detail) : .null
            },
        ]
    }

    /// Without the actor, who has a column.
    private var shownDetail: String {
        switch detailState {
        case .erased: return "erased"
        case .withheldMatches, .withheldDiffers: return "known to the person"
        default: break
        }
        guard case .object(var object)? = try? JSONValue.parse(detail) else { return detail }
        object["actor"] = nil
        return object.members.map { member in
            "\(member.key) \(member.value.stringValue ?? member.value.description)"
        }.joined(separator: ", ")
    }
}
