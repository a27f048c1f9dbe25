import Exchange
import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// Asks what an export in a folder must drop by now, and writes it beside what is there.
struct ManifestRefresh: Sendable {
    let directory: String

    /// The newest manifest in the folder. Throws `notFound` where there is none.
    func local() throws -> ExportManifest {
        do {
            return try ExportManifest.newest(in: directory)
        } catch let error as ExchangeError where error.code == .missing {
            throw CommandFailure(
                .notFound, "\(directory) holds no export: \(error.message)",
                next: "name a folder that `plimsoll label export` has finished", cause: error)
        }
    }

    /// Gives the newest manifest and its path; the one that is there, when nothing is new.
    func run(
        _ client: ControlClient, _ local: ExportManifest
    ) async throws -> (path: String, manifest: ExportManifest) {
        guard let export = local.cut["export"]?.intValue else {
            throw CommandFailure(.failed, "the manifest in \(directory) does not say which export it is of")
        }
        let request = Plimsoll_V1_ListDroppedRequest.with { $0.export = Int64(export) }
        let (header, records) = try await StreamTurn.wait {
            try await client.exports.listDropped(request) { response in
                var header: Plimsoll_V1_SupersededExport?
                var records: [ExportManifest.Dropped] = []
                for try await message in response.messages {
                    if message.hasHeader { header = message.header }
                    records += message.records.map {
                        ExportManifest.Dropped(taskKey: $0.taskKey, slot: Int($0.slot), annotator: $0.annotator)
                    }
                }
                return (header, records)
            }
        }
        guard let header, header.number > UInt32(local.number) else {
            return ("\(directory)/\(ExportManifest.fileName(number: local.number))", local)
        }
        guard header.pseudonymKeyID == local.pseudonymKeyID else {
            throw CommandFailure(
                .conflict, "export \(export) of this deployment is not the one in \(directory)",
                next: "ask the deployment that it was exported from (--server)")
        }
        guard records.count == Int(header.dropped) else {
            throw CommandFailure(
                .failed, "\(records.count) records came, \(header.dropped) were announced", next: "fetch again")
        }
        var manifest = local
        manifest.number = Int(header.number)
        manifest.supersedes = try ExportManifest.newestFile(in: directory)
        manifest.counts.labels += local.dropped.count - records.count
        manifest.dropped = records
        return (try ExportDirectory.supersede(directory, with: manifest), manifest)
    }
}
