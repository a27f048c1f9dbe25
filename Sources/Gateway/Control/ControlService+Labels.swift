import FoundationEssentials
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    /// Labels of one message at most, by number and by bytes: well below what a peer takes in one message.
    private static let labelsPerMessageMax = 500
    private static let labelBytesPerMessageMax = 1_048_576

    func exportLabels(
        request: Plimsoll_V1_ExportLabelsRequest, response: RPCWriter<Plimsoll_V1_ExportLabelsResponse>,
        context: ServerContext
    ) async throws {
        let totals = try await turns.withTurn(of: context.caller.name) {
            try await ledger.exportLabels(
                project: request.project, purpose: request.purpose, by: context.caller.name
            ) { heading in
                try await response.write(.with { $0.header = .init(heading) })
            } receive: { rows in
                try await Self.write(rows, to: response)
            }
        }
        // Only an export that ends with its trailer is whole.
        try await response.write(
            .with {
                $0.trailer = .with {
                    $0.tasks = UInt64(totals.tasks)
                    $0.labels = UInt64(totals.labels)
                    $0.annotators = UInt64(totals.annotators)
                    $0.excluded = UInt64(totals.excluded)
                }
            })
    }

    private static func write(
        _ rows: [ExportedLabelRow], to response: RPCWriter<Plimsoll_V1_ExportLabelsResponse>
    ) async throws {
        var message = Plimsoll_V1_ExportLabelsResponse()
        var bytes = 0
        for row in rows {
            message.labels.append(.init(row))
            bytes += row.payload.count + row.answer.count
            if message.labels.count >= labelsPerMessageMax || bytes >= labelBytesPerMessageMax {
                try await response.write(message)
                message = .init()
                bytes = 0
            }
        }
        if !message.labels.isEmpty { try await response.write(message) }
    }

    func listLateAnswers(
        request: Plimsoll_V1_ListLateAnswersRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListLateAnswersResponse {
        try await ledger.recordRead(.lateAnswers(project: request.project), by: context.caller.name)
        let answers = try await ledger.lateAnswers(project: request.project)
        return .with {
            $0.answers = answers.map { answer in
                .with {
                    $0.id = answer.id
                    $0.key = answer.key
                    $0.answer = Data(answer.answer)
                    $0.reason = answer.reason
                    $0.arrivedOn = answer.arrivedOn.description
                }
            }
        }
    }

    func judgeLateAnswer(
        request: Plimsoll_V1_JudgeLateAnswerRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_JudgeLateAnswerResponse {
        let outcome = try await ledger.judgeLateAnswer(
            request.id, accept: request.accept, reason: request.reason, by: context.caller.name)
        return .with { $0.outcome = outcome.rawValue }
    }
}

extension Plimsoll_V1_ExportHeader {
    init(_ heading: ExportHeading) {
        self.init()
        export = heading.id
        project = heading.project
        purpose = heading.purpose
        cutMicroseconds = heading.cutAt.microseconds
        pseudonymKeyID = heading.pseudonymKeyID
        answerSchema = heading.answerSchema
    }
}

extension Plimsoll_V1_ExportedLabel {
    init(_ row: ExportedLabelRow) {
        self.init()
        task = row.task.rawValue
        key = row.key
        kind = row.kind
        payload = Data(row.payload)
        slot = UInt32(row.slot)
        annotator = row.annotator
        answer = Data(row.answer)
        acceptedOn = row.acceptedOn.description
        agreements = row.agreements
        policyVersion = row.policyVersion
        instructionsVersion = row.instructionsVersion
    }
}
