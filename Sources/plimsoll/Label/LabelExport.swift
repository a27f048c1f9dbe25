import Exchange
import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// Takes the labels of a project for one use and writes them into a folder, the manifest last.
struct LabelExport: Sendable {
    let project: String
    let purpose: String
    let format: TaskFormat
    let directory: String

    /// Gives the manifest's path and contents. `progress` is told how many labels have come.
    func run(_ client: ControlClient, progress: Progress?) async throws -> (path: String, manifest: ExportManifest) {
        let folder = try ExportDirectory(path: directory)
        let request = Plimsoll_V1_ExportLabelsRequest.with {
            $0.project = project
            $0.purpose = purpose
        }
        let export = self
        return try await StreamTurn.wait {
            try await client.control.exportLabels(request) { response in
                try await export.write(response.messages, to: folder, progress: progress)
            }
        }
    }

    private func write(
        _ messages: some AsyncSequence<Plimsoll_V1_ExportLabelsResponse, any Error>, to folder: ExportDirectory,
        progress: Progress?
    ) async throws -> (path: String, manifest: ExportManifest) {
        let file = try folder.file(named: format.labelFileName)
        var writer: LabelWriter?
        var manifest: ExportManifest?
        var trailer: Plimsoll_V1_ExportTrailer?
        var provenance = Provenance()
        var buffer: [UInt8] = []
        for try await message in messages {
            if message.hasHeader {
                // Without a schema every text is written as text; a schema that is no JSON cannot come from a
                // coordinator.
                let schema = try? JSONValue.parse(message.header.answerSchema)
                writer = LabelWriter(format: format, answerSchema: schema)
                writer?.begin(into: &buffer)
                manifest = Self.manifest(message.header)
            }
            guard writer != nil else {
                throw CommandFailure(.failed, "the coordinator sent labels before saying what they are")
            }
            for label in message.labels {
                let row = LabelRow(label)
                provenance.add(row)
                try writer?.append(row, into: &buffer)
            }
            if message.hasTrailer { trailer = message.trailer }
            try file.write(buffer)
            buffer.removeAll(keepingCapacity: true)
            progress?.update(done: writer?.rows ?? 0)
        }
        guard let trailer, let writer, var manifest else {
            throw CommandFailure(
                .failed, "the export ended before it was whole, so \(directory) holds no export", next: "export again")
        }
        writer.end(into: &buffer)
        try file.write(buffer)
        guard writer.rows == Int(trailer.labels) else {
            throw CommandFailure(
                .failed, "\(writer.rows) labels came, \(trailer.labels) were announced", next: "export again")
        }
        manifest.files = [try file.finish(rows: writer.rows)]
        manifest.counts = ExportManifest.Counts(
            tasks: Int(trailer.tasks), labels: Int(trailer.labels), annotators: Int(trailer.annotators),
            excluded: Int(trailer.excluded))
        provenance.fill(&manifest)
        return (try folder.seal(manifest), manifest)
    }

    private static func manifest(_ header: Plimsoll_V1_ExportHeader) -> ExportManifest {
        let moment = Plimsoll_V1_ConsentReceipt.moment(header.cutMicroseconds)
        var manifest = ExportManifest(
            project: header.project, purpose: header.purpose, pseudonymKeyID: header.pseudonymKeyID,
            createdOn: String(moment.prefix(10)))
        manifest.cut["export"] = .number(JSONNumber(header.export))
        manifest.cut["at"] = .string(moment)
        return manifest
    }
}

/// Which versions the labels of an export stood on.
private struct Provenance {
    var policies: Set<Int64> = []
    var notices: Set<String> = []
    var instructions: Set<Int64> = []

    mutating func add(_ row: LabelRow) {
        policies.insert(row.policyVersion)
        instructions.insert(row.instructionsVersion)
        notices.formUnion(row.agreements)
    }

    func fill(_ manifest: inout ExportManifest) {
        manifest.policyVersions = policies.sorted()
        manifest.instructionsVersions = instructions.sorted()
        manifest.noticeVersions = notices.sorted()
    }
}

extension LabelRow {
    init(_ label: Plimsoll_V1_ExportedLabel) {
        self.init(
            taskKey: label.key, taskID: label.task, kind: label.kind, payload: Array(label.payload),
            slot: Int(label.slot), annotator: label.annotator, answer: Array(label.answer),
            acceptedOn: label.acceptedOn, agreements: label.agreements, policyVersion: label.policyVersion,
            instructionsVersion: label.instructionsVersion)
    }
}
