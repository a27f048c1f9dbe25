import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension HoursService {
    func addHours(
        request: Plimsoll_V1_CorrectHoursRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_HoursCorrection {
        let name = try context.caller.name
        return try await shown(try await ledger.addTime(CorrectionDraft(request), by: name), to: name)
    }

    func removeHours(
        request: Plimsoll_V1_CorrectHoursRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_HoursCorrection {
        let name = try context.caller.name
        return try await shown(try await ledger.askTimeRemoval(CorrectionDraft(request), by: name), to: name)
    }

    func withdrawCorrection(
        request: Plimsoll_V1_WithdrawCorrectionRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_HoursCorrection {
        let name = try context.caller.name
        return try await shown(try await ledger.withdrawCorrection(request.id, by: name), to: name)
    }

    func listCorrections(
        request: Plimsoll_V1_ListCorrectionsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListCorrectionsResponse {
        let name = try context.caller.name
        let zone = try await zone(of: name)
        let corrections = try await ledger.corrections(of: name)
        return .with { $0.corrections = corrections.map { .init($0, in: zone) } }
    }

    func listAskedCorrections(
        request: Plimsoll_V1_ListAskedCorrectionsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListAskedCorrectionsResponse {
        let caller = try context.caller
        let corrections = try await ledger.correctionsWaiting(for: CorrectionReader(caller))
        try await ledger.recordRead(.list(.askedCorrections, of: corrections.map(\.person)), by: caller.name)
        let utc = try Zone.named("UTC")
        return .with { $0.corrections = corrections.map { .init($0, in: utc) } }
    }

    func answerCorrection(
        request: Plimsoll_V1_AnswerCorrectionRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_AskedCorrection {
        .init(
            try await ledger.answerCorrection(
                request.id, agree: request.agree, reason: request.reason, by: CorrectionReader(context.caller)),
            in: try Zone.named("UTC"))
    }

    private func shown(_ correction: TimeCorrection, to name: String) async throws -> Plimsoll_V1_HoursCorrection {
        .init(correction, in: try await zone(of: name))
    }

    /// In which a person's times are told; UTC where their zone is in no table any more.
    private func zone(of name: String) async throws -> Zone {
        let own = try await ledger.person(named: name)?.zone
        // An unknown zone is no reason to show nothing.
        return try own.flatMap { try? Zone.named($0) } ?? Zone.named("UTC")
    }
}

extension CorrectionDraft {
    init(_ request: Plimsoll_V1_CorrectHoursRequest) {
        self.init(from: request.from, to: request.to, reason: request.reason)
    }
}

extension CorrectionReader {
    /// By the role of the certificate, as with raises.
    init(_ caller: Caller) {
        self = caller.role == .operator ? .operator(caller.name) : .supervisor(caller.name)
    }
}

extension Plimsoll_V1_HoursCorrection {
    init(_ correction: TimeCorrection, in zone: Zone) {
        self.init()
        id = correction.id
        what = correction.what.rawValue
        from = correction.interval.start.text(in: zone)
        to = correction.interval.end.text(in: zone)
        recordedSeconds = UInt64(clamping: correction.recorded.components.seconds)
        reason = correction.reason
        askedOn = zone.day(at: correction.askedAt).description
        state = correction.state.rawValue
        answeredBy = correction.answeredBy ?? ""
        answerReason = correction.answerReason
    }
}

extension Plimsoll_V1_AskedCorrection {
    /// Told in UTC: where the engineer lives is not asked here.
    init(_ correction: TimeCorrection, in utc: Zone) {
        self.init()
        id = correction.id
        name = correction.person
        from = correction.interval.start.text(in: utc)
        to = correction.interval.end.text(in: utc)
        recordedSeconds = UInt64(clamping: correction.recorded.components.seconds)
        reason = correction.reason
        state = correction.state.rawValue
    }
}
