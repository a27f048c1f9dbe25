import Foundation
import Glibc

/// The person's own editor, on a file that only they can read.
struct Editor: Sendable {
    let command: String

    /// `VISUAL`, `EDITOR`, else `vi`.
    init(environment: [String: String]) {
        command = [environment["VISUAL"], environment["EDITOR"]].compactMap { $0 }.first { !$0.isEmpty } ?? "vi"
    }

    /// Opens the editor with `text` and waits for it to close; nil when it failed, and then nothing is changed. The
    /// terminal must be given back before. The file is gone afterwards.
    func edit(_ text: String, in file: URL) async throws -> String? {
        try PrivateFile.write(Array(text.utf8), to: file)
        defer { unlink(file.path) }
        let status = await withCheckedContinuation { (continuation: CheckedContinuation<CInt, Never>) in
            let thread = Thread { continuation.resume(returning: run(file)) }
            thread.start()
        }
        guard status == 0 else { return nil }
        let data = try Data(contentsOf: file)
        guard data.count <= DraftStore.bytesMax else {
            throw CommandFailure(.failed, "the text is longer than \(DraftStore.bytesMax) bytes")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private func run(_ file: URL) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        guard
            case .success(let id) = Spawn.shell([command + " \"$1\"", file.path], actions: &actions, ownGroup: false)
        else { return -1 }
        var status: CInt = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
