import ArgumentParser
import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct Consents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consent", abstract: "Your own agreements: look, give, refuse, withdraw.",
        discussion:
            "Needs your own certificate (--identity). Refusing and withdrawing need no reason and cost nothing.",
        subcommands: [
            ListConsents.self, GiveConsent.self, RefuseConsent.self, WithdrawConsent.self, ShowReceipt.self,
        ])
}

private let secondsPerDay: Int64 = 86_400

extension Plimsoll_V1_NoticeAgreement: Listable {
    static var columns: [Column<Self>] {
        [
            Column("purpose", "purpose") { .string($0.notice.purpose) },
            Column("state", "state", shown: { $0.state.isEmpty ? "not asked yet" : $0.state }) {
                .textOrNull($0.state)
            },
            Column("until", "until") {
                $0.untilSeconds == 0
                    ? .null : .string(Date(timeIntervalSince1970: Double($0.untilSeconds)).ISO8601Format())
            },
            Column("ends in", "ends_in_days", right: true, shown: \.endsInText) {
                $0.endsInSeconds == 0 ? .null : .number(JSONNumber($0.endsInSeconds / secondsPerDay))
            },
            Column("notice", "notice") { .string($0.notice.id) },
            Column("version", "notice_version", right: true) { .number(JSONNumber(Int($0.notice.version))) },
            Column("needed by", "projects") { .array($0.projects.map(JSONValue.string)) },
        ]
    }

    /// What to do about an agreement that ends soon. A version that is only announced cannot be agreed to yet.
    var endingAdvice: String {
        let purpose = notice.purpose
        return newVersionOf.isEmpty
            ? "your agreement to \(purpose) ends soon; silence does not renew it: plimsoll consent give \(purpose)"
            : "your agreement to \(purpose) ends when a new version of its notice comes into force; what changes: "
                + "plimsoll notice show \(newVersionOf) --diff; to agree to it, from then on: plimsoll consent give "
                + purpose
    }

    /// A warning, where the agreement ends soon.
    private var endsInText: String {
        if endsInSeconds == 0 { return "-" }
        let days = endsInSeconds / secondsPerDay
        return days == 0 ? "today or tomorrow" : days == 1 ? "1 day" : "\(days) days"
    }
}

extension Plimsoll_V1_ConsentReceipt {
    /// The receipt as a document for its subject to keep.
    var json: JSONValue {
        [
            "receipt": .string(receiptID), "purpose": .string(purpose), "state": .string(state),
            "notice": .textOrNull(notice),
            "notice_version": .number(JSONNumber(Int(noticeVersion))),
            "at": .string(Self.moment(atMicroseconds)),
            "until": untilMicroseconds == 0 ? .null : .string(Self.moment(untilMicroseconds)),
            "event_hash": .string(eventHash), "leases_ended": .number(JSONNumber(Int(leasesEnded))),
        ]
    }

    static func moment(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000).ISO8601Format()
    }
}

extension ControlClient {
    /// The notices in force with this person's agreements.
    func agreements() async throws -> [Plimsoll_V1_NoticeAgreement] {
        try await workQueue.listAgreements(.init(), options: Self.callOptions).notices
    }
}
