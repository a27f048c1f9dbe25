import FoundationEssentials
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Person` over the ledger: what a person may ask about the data held of them. No request names a person;
/// whose it is comes from the certificate alone.
struct PersonService: Plimsoll_V1_Person.SimpleServiceProtocol {
    let ledger: Ledger
    /// Whose stream is read when.
    var turns = StreamTurns()
    var pauseMax = Ledger.readerPauseMax

    func showData(
        request: Plimsoll_V1_ShowDataRequest, response: RPCWriter<Plimsoll_V1_DataPart>, context: ServerContext
    ) async throws {
        let name = try context.caller.name
        try await turns.withTurn(of: name) {
            try await ledger.personData(of: name, pauseMax: pauseMax) { table in
                try await response.write(.with { $0.table = .init(table) })
            } rows: { rows in
                for part in Self.parts(rows, bytes: \.utf8.count) {
                    try await response.write(.with { $0.rows = part })
                }
            }
        }
    }

    func listAnswers(
        request: Plimsoll_V1_ListAnswersRequest, response: RPCWriter<Plimsoll_V1_ListAnswersResponse>,
        context: ServerContext
    ) async throws {
        let name = try context.caller.name
        try await turns.withTurn(of: name) {
            try await ledger.ownAnswers(of: name, pauseMax: pauseMax) { answers in
                for part in Self.parts(answers, bytes: \.answer.count) {
                    try await response.write(.with { $0.answers = part.map { .init($0) } })
                }
            }
        }
    }

    func listAccess(
        request: Plimsoll_V1_ListAccessRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListAccessResponse {
        let entries = try await ledger.access(of: context.caller.name)
        return .with {
            $0.entries = entries.map { entry in
                .with {
                    $0.what = entry.what
                    $0.by = entry.by
                    $0.on = entry.on.description
                    $0.detail = entry.detail
                }
            }
        }
    }

    func erase(
        request: Plimsoll_V1_EraseRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EraseResponse {
        let outcome = try await ledger.erase(purpose: request.purpose.orNil, voice: ConsentVoice(context.caller))
        return .with {
            $0.receipts = outcome.receipts.map { .init($0) }
            $0.labels = UInt64(outcome.labels)
            $0.lateAnswers = UInt64(outcome.lateAnswers)
            $0.pseudonym = outcome.pseudonym ?? ""
            $0.chainDetails = UInt64(outcome.chainDetails)
        }
    }

    /// Well below what a peer takes in one message, whatever the rows are.
    private static let partBytesMax = 1_048_576

    /// In order, each part as large as one message may be, and one row at least.
    private static func parts<Row>(_ rows: [Row], bytes: (Row) -> Int) -> [[Row]] {
        var parts: [[Row]] = [[]]
        var size = 0
        for row in rows {
            if size > 0, size + bytes(row) > partBytesMax {
                parts.append([])
                size = 0
            }
            parts[parts.count - 1].append(row)
            size += bytes(row)
        }
        return parts
    }
}

extension Plimsoll_V1_DataTable {
    init(_ table: Inventory.Table) {
        self.init()
        name = table.name
        purpose = table.purpose
        kept = table.kept
        readBy = table.readBy
        erasure = table.erasure ?? ""
        columns =
            table.columns.map { column in
                .with {
                    $0.name = column.name
                    $0.what = column.what
                }
            } + table.plain.map { name in .with { $0.name = name } }
    }
}

extension Plimsoll_V1_OwnAnswer {
    init(_ row: OwnAnswerRow) {
        self.init()
        project = row.project
        key = row.key
        answer = Data(row.answer)
        givenOn = row.givenOn.description
        state = row.state
        withdrawn = row.withdrawn
        reason = row.reason
    }
}
