import Foundation

/// The files of a demo inside its data folder.
struct DemoFolder: Sendable {
    let directory: DataDirectory

    /// Says that a folder is a demo's, so that the next demo may begin it anew.
    private var marker: URL { directory.url.appending(path: "demo") }
    var tasks: URL { marker.appending(path: "tasks") }
    var workers: URL { marker.appending(path: "workers") }
    /// One line for each thing that a made-up engineer does.
    var notes: URL { marker.appending(path: "notes") }
    /// Its being there lets the slow engineer answer.
    var release: URL { marker.appending(path: "release") }

    func workerLog(_ name: String) -> URL { workers.appending(path: "\(name).log") }
    func workerProcess(_ name: String) -> URL { workers.appending(path: "\(name).pid") }

    /// Where this run's labels go: the first number that is free, so that earlier exports stay.
    func nextExport() -> URL {
        var number = 1
        while true {
            let url = directory.exports.appending(path: "\(number)")
            if !FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) { return url }
            number += 1
        }
    }

    /// Empties the folder of an earlier demo, exports excepted. Refuses a folder that holds anything else.
    /// The caller holds the folder's lock.
    func begin() throws {
        let manager = FileManager.default
        let path = directory.path
        let kept: Set<String> = [directory.lockFile.lastPathComponent, directory.exports.lastPathComponent]
        do {
            let names = try manager.contentsOfDirectory(atPath: path).filter { !kept.contains($0) }
            guard names.isEmpty || manager.fileExists(atPath: marker.path(percentEncoded: false)) else {
                throw CommandFailure(
                    .conflict, "\(path) holds something that is no demo, and a demo begins anew",
                    next: "choose another folder with --data DIR")
            }
            // The marker goes last: what a crash leaves is still known to be a demo's.
            for name in names where name != marker.lastPathComponent {
                try manager.removeItem(at: directory.url.appending(path: name))
            }
            if manager.fileExists(atPath: marker.path(percentEncoded: false)) { try manager.removeItem(at: marker) }
            for folder in [tasks, workers] {
                try manager.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            try Data().write(to: notes)
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be prepared: \(FileTrouble.reason(error))", cause: error)
        }
    }
}
