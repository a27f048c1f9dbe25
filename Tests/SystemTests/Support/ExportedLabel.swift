import Exchange
import Foundation
import Testing

/// A row of an export in JSON Lines.
struct ExportedLabel: Sendable {
    let task: Int64
    let key: String
    let annotator: String
    let answer: String
}

extension LiveSystem {
    /// Exports by the command, verifies the manifest, and reads the rows.
    func exportLabels(_ project: String, purpose: String, to name: String = "export") async throws -> [ExportedLabel] {
        let directory = folder.appending(path: name)
        let output = try await succeed(
            ["label", "export", "--project", project, "--purpose", purpose, "--to", directory.plain],
            as: operatorIdentity, within: .seconds(300))
        let manifest = output.split(separator: "\n").last.map(String.init) ?? ""
        #expect(manifest.hasSuffix("manifest.json"), "the last line is the manifest's path: \(output)")
        let mismatches = try ExportManifest.verify(directory: directory.plain)
        #expect(mismatches.isEmpty, "\(mismatches)")
        try await succeed(["label", "verify", directory.plain])
        let data = try Data(contentsOf: directory.appending(path: "labels.jsonl"))
        var rows: [ExportedLabel] = []
        for line in data.split(separator: 0x0A) {
            let object = try JSONSerialization.jsonObject(with: line)
            guard let row = object as? [String: Any], let task = row["task_id"] as? NSNumber,
                let key = row["task_key"] as? String, let annotator = row["annotator"] as? String,
                let answer = row["answer"]
            else {
                throw SystemFailure("a row of the export is not as expected: \(String(decoding: line, as: UTF8.self))")
            }
            rows.append(ExportedLabel(task: task.int64Value, key: key, annotator: annotator, answer: "\(answer)"))
        }
        return rows
    }
}
