import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Exports` over the ledger: what became of exports since they were made.
struct ExportsService: Plimsoll_V1_Exports.SimpleServiceProtocol {
    let ledger: Ledger
    /// Whose stream is read when.
    var turns = StreamTurns()

    func listSuperseded(
        request: Plimsoll_V1_ListSupersededRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListSupersededResponse {
        let exports = try await ledger.supersededExports(project: request.project.orNil)
        return .with { $0.exports = exports.map { .init($0) } }
    }

    func listDropped(
        request: Plimsoll_V1_ListDroppedRequest, response: RPCWriter<Plimsoll_V1_ListDroppedResponse>,
        context: ServerContext
    ) async throws {
        try await turns.withTurn(of: context.caller.name) {
            try await ledger.droppedRecords(of: request.export) { heading in
                try await response.write(.with { $0.header = .init(heading) })
            } receive: { records in
                try await response.write(.with { $0.records = records.map { .init($0) } })
            }
        }
    }
}

extension Plimsoll_V1_DroppedRecord {
    init(_ record: DroppedRecord) {
        self.init()
        taskKey = record.taskKey
        slot = UInt32(record.slot)
        annotator = record.annotator
    }
}

extension Plimsoll_V1_SupersededExport {
    init(_ export: SupersededExport) {
        self.init()
        self.export = export.export
        project = export.project
        purpose = export.purpose
        cutOn = export.cutOn.description
        exportedBy = export.exportedBy
        labels = UInt64(export.labels)
        number = UInt32(export.number)
        writtenOn = export.writtenOn.description
        dropped = UInt64(export.dropped)
        pseudonymKeyID = export.pseudonymKeyID
    }
}
