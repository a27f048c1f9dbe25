import Foundation
import PlimsollModel
import WorkerKit

/// The drafts of one identity: what a person has filled in and not sent, or sent and not got acknowledged, kept on the
/// worker's own disk until the answer is settled or the agreement withdrawn (P6). Files `<project>-<task>.json` of mode
/// 0600 in `drafts` of the identity's directory; values by JSON pointer, so that a changed schema keeps what fits.
struct DraftStore: Sendable {
    let directory: URL

    init(identityDirectory: URL) { directory = identityDirectory.appendingPathComponent("drafts") }

    /// The longest draft that is read.
    static let bytesMax = 1024 * 1024

    private func file(project: Int64, task: Int64) -> URL {
        directory.appendingPathComponent("\(project)-\(task).json")
    }

    private func file(_ task: WorkTask) -> URL { file(project: task.project.id, task: task.lease.task) }

    /// Writes the draft of a task, whole or not at all.
    func save(_ entry: FormEntry, for task: WorkTask) throws {
        guard !entry.isEmpty else { return try remove(for: task) }
        var values = JSONObject()
        for (index, value) in entry.values.sorted(by: { $0.key < $1.key }) {
            values[entry.form.items[index].pointer] = value
        }
        let document: JSONValue = [
            "task": .number(JSONNumber(task.lease.task)), "key": .string(task.key),
            // On what it stands, so that it can go with the agreement.
            "project": .string(task.project.name), "severity": .number(JSONNumber(task.severity)),
            "values": .object(values),
        ]
        try makeDirectory()
        let file = file(task)
        let whole = file.appendingPathExtension("new")
        try PrivateFile.write(document.encode(pretty: true), to: whole)
        guard rename(whole.path, file.path) == 0 else {
            throw CommandFailure(
                .failed, "the draft \(file.path) could not be kept: \(String(cString: strerror(errno)))")
        }
    }

    /// The values of a draft, fitted to the form; empty when there is none or none that can be read.
    func load(for task: WorkTask, form: AnswerForm) -> [Int: JSONValue] {
        // A draft is a kindness: one that is gone or broken must not hinder the work.
        guard let data = try? Data(contentsOf: file(task)), data.count <= Self.bytesMax,
            let values = try? JSONValue.parse(Array(data))["values"]?.objectValue
        else { return [:] }
        var result: [Int: JSONValue] = [:]
        for (index, item) in form.items.enumerated() {
            if let value = values[item.pointer], Self.fits(value, item.field) { result[index] = value }
        }
        return result
    }

    func remove(for task: WorkTask) throws { try remove(project: task.project.id, task: task.lease.task) }

    /// Removes a draft, if there is one.
    func remove(project: Int64, task: Int64) throws {
        try remove(file(project: project, task: task))
    }

    private func remove(_ file: URL) throws {
        guard unlink(file.path) != 0, errno != ENOENT else { return }
        throw CommandFailure(
            .failed, "the draft \(file.path) could not be removed: \(String(cString: strerror(errno)))")
    }

    /// Removes every draft that stands on an agreement which is gone, tasks that are not in hand any more included
    /// (P3). One that does not say what it stands on goes too. How many went.
    @discardableResult
    func removeAll(under agreed: AgreementPage.Agreed) throws -> Int {
        // Without a folder there is no draft.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        var removed = 0
        for name in names where name.hasSuffix(".json") {
            let file = directory.appendingPathComponent(name)
            let draft = (try? Data(contentsOf: file)).flatMap { try? JSONValue.parse(Array($0)) }
            if let project = draft?["project"]?.stringValue, !agreed.projects.contains(project),
                let severity = draft?["severity"]?.numberValue?.int64,
                PurposeName.severity(Int(severity))?.rawValue != agreed.purpose
            {
                continue
            }
            try remove(file)
            removed += 1
        }
        return removed
    }

    /// A new empty-named file beside the drafts, for the editor.
    func scratchFile() throws -> URL {
        try makeDirectory()
        return directory.appendingPathComponent("edit-\(UUID().uuidString.lowercased()).txt")
    }

    private func makeDirectory() throws {
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private static func fits(_ value: JSONValue, _ field: AnswerForm.Field) -> Bool {
        switch field {
        case .choice(let options): options.contains(value)
        case .choices(let options, _, _): value.arrayValue?.allSatisfy { options.contains($0) } ?? false
        case .number: value.numberValue != nil
        case .text: value.stringValue != nil
        case .json: true
        }
    }
}

/// Files that their owner alone may read.
enum PrivateFile {
    /// Writes a file with mode 0600 and syncs it.
    static func write(_ bytes: [UInt8], to file: URL) throws {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw failure(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(file) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure(file) }
    }

    private static func failure(_ file: URL) -> CommandFailure {
        CommandFailure(.failed, "\(file.path) could not be written: \(String(cString: strerror(errno)))")
    }
}
