import GRPCCore
import Ledger
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    func publishNotice(
        request: Plimsoll_V1_NoticeDocument, context: ServerContext
    ) async throws -> Plimsoll_V1_NoticeDocument {
        let draft = NoticeDraft(
            id: request.id, version: Int(request.version), locale: request.locale, purpose: request.purpose,
            text: request.text, data: request.data, recipients: request.recipients, retention: request.retention,
            withdrawalMethod: request.withdrawalMethod, alternativeOffered: request.alternativeOffered,
            assessment: NoticeBasis(text: request.assessment, on: request.assessmentOn),
            consultation: NoticeBasis(text: request.consultation, on: request.consultationOn),
            validityDays: Int(request.validityDays).orNil, isMaterial: request.material)
        guard request.sha256.isEmpty || request.sha256.lowercased() == Hexadecimal.text(draft.sha256) else {
            throw GatewayError(.badMessage, "the notice's sha256 is not that of its text")
        }
        return .init(try await ledger.publishNotice(draft, by: context.caller.name))
    }

    func listNotices(
        request: Plimsoll_V1_ListNoticesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListNoticesResponse {
        let notices = try await ledger.notices(id: request.id.orNil)
        if notices.isEmpty, !request.id.isEmpty {
            throw GatewayError(
                .notFound,
                "there is no notice “\(request.id)”; see plimsoll notice list, and plimsoll notice publish makes one")
        }
        return .with { $0.notices = notices.map { .init($0) } }
    }
}

extension Plimsoll_V1_NoticeDocument {
    init(_ notice: NoticeRow) {
        self.init()
        id = notice.id
        version = UInt32(notice.version)
        locale = notice.locale
        purpose = notice.purpose
        text = notice.text
        sha256 = Hexadecimal.text(notice.sha256)
        data = notice.data
        recipients = notice.recipients
        retention = notice.retention
        withdrawalMethod = notice.withdrawalMethod
        alternativeOffered = notice.alternativeOffered
        validityDays = UInt32(notice.validityDays)
        material = notice.isMaterial
        assessment = notice.assessment.text
        assessmentOn = notice.assessment.on
        consultation = notice.consultation.text
        consultationOn = notice.consultation.on
    }
}

/// Bytes as the wire writes them: lower-case hexadecimal.
enum Hexadecimal {
    static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// nil for what is no hexadecimal text. Upper case is taken too.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { Int(Character(UnicodeScalar($0)).hexDigitValue ?? -1) }
        guard digits.count.isMultiple(of: 2), digits.allSatisfy({ $0 >= 0 }) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
