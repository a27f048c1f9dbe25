import FoundationEssentials
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension LedgerDesk {
    func listAgreements(
        _ request: Plimsoll_V1_ListAgreementsRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ListAgreementsResponse {
        let standings = try await ledger.agreements(of: caller.name)
        return .with {
            $0.notices = standings.map { standing in
                .with {
                    $0.notice = .init(standing.notice)
                    $0.state = standing.state?.rawValue ?? ""
                    $0.untilSeconds = standing.until?.seconds ?? 0
                    $0.projects = standing.projects
                    $0.endsInSeconds = standing.endsIn?.components.seconds ?? 0
                    $0.newVersionOf = standing.newVersionOf ?? ""
                }
            }
        }
    }

    func giveAgreement(
        _ request: Plimsoll_V1_GiveAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        guard let hash = Hexadecimal.bytes(request.sha256), !hash.isEmpty else {
            throw GatewayError(.badMessage, "an agreement names the SHA-256 of the text that was shown")
        }
        return .init(
            try await ledger.giveAgreement(
                notice: request.notice, version: Int(request.version), sha256: hash, voice: ConsentVoice(caller)))
    }

    func refuseAgreement(
        _ request: Plimsoll_V1_RefuseAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        .init(try await ledger.refuseAgreement(purpose: request.purpose, voice: ConsentVoice(caller)))
    }

    func withdrawAgreement(
        _ request: Plimsoll_V1_WithdrawAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        .init(try await ledger.withdrawAgreement(purpose: request.purpose, voice: ConsentVoice(caller)))
    }
}

extension ConsentVoice {
    init(_ caller: Caller) {
        self.init(name: caller.name, certificateSerial: caller.serial)
    }
}

extension Plimsoll_V1_ConsentReceipt {
    init(_ receipt: ConsentReceipt) {
        self.init()
        receiptID = receipt.receiptID.uuidString.lowercased()
        purpose = receipt.purpose
        notice = receipt.noticeID ?? ""
        noticeVersion = UInt32(receipt.noticeVersion ?? 0)
        state = receipt.state.rawValue
        atMicroseconds = receipt.at.microseconds
        untilMicroseconds = receipt.until?.microseconds ?? 0
        eventHash = Hexadecimal.text(receipt.eventHash)
        leasesEnded = UInt32(clamping: receipt.leasesEnded)
    }
}
