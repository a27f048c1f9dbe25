import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Notices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notice", abstract: "The texts that people are asked to agree to.",
        subcommands: [PublishNotice.self, ListNotices.self, ShowNotice.self])
}

extension Plimsoll_V1_NoticeDocument: Listable {
    static var columns: [Column<Self>] {
        [
            Column("notice", "id") { .string($0.id) },
            Column("version", "version", right: true) { .number(JSONNumber(Int($0.version))) },
            Column("purpose", "purpose") { .string($0.purpose) },
            Column("locale", "locale") { .string($0.locale) },
            Column("valid days", "validity_days", right: true) { .number(JSONNumber(Int($0.validityDays))) },
            Column("sha256", "sha256", shown: { $0.sha256.prefix(12) + "…" }) { .string($0.sha256) },
        ]
    }
}

/// All of a notice, as `notice show` prints it.
struct NoticeDetails: Listable {
    let document: Plimsoll_V1_NoticeDocument

    static var columns: [Column<Self>] {
        [
            Column("notice", "id") { .string($0.document.id) },
            Column("version", "version") { .number(JSONNumber(Int($0.document.version))) },
            Column("purpose", "purpose") { .string($0.document.purpose) },
            Column("locale", "locale") { .string($0.document.locale) },
            Column("sha256", "sha256") { .string($0.document.sha256) },
            Column("what data", "data") { .string($0.document.data) },
            Column("recipients", "recipients") { .string($0.document.recipients) },
            Column("retention", "retention") { .string($0.document.retention) },
            Column("how to withdraw", "withdrawal_method") { .string($0.document.withdrawalMethod) },
            Column("alternative", "alternative_offered") { .string($0.document.alternativeOffered) },
            Column("assessment", "assessment") {
                .string(Self.basis($0.document.assessment, $0.document.assessmentOn))
            },
            Column("consultation", "consultation") {
                .string(Self.basis($0.document.consultation, $0.document.consultationOn))
            },
            Column("valid days", "validity_days") { .number(JSONNumber(Int($0.document.validityDays))) },
            Column("material change", "material") { .bool($0.document.material) },
            Column("text", "text") { .string($0.document.text) },
        ]
    }

    private static func basis(_ reference: String, _ date: String) -> String {
        date.isEmpty ? reference : "\(reference), \(date)"
    }
}
