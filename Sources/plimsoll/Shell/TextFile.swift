import Foundation

/// Text files that a command reads as a whole.
enum TextFile {
    /// The longest file that is read as a whole.
    static let bytesMax = 4 * 1_048_576

    /// The file's text; `-` is standard input. Says which file and why where it cannot be read.
    static func read(_ path: String) throws -> String {
        let data: Data
        do {
            data =
                path == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data()
                : try Data(contentsOf: URL(filePath: (path as NSString).expandingTildeInPath))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            throw CommandFailure(.notFound, "there is no file \(path)", next: lookAt(path), cause: error)
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be read: \(error.localizedDescription)", cause: error)
        }
        guard data.count <= bytesMax else {
            throw CommandFailure(.wrongUse, "\(path) is longer than \(ProgressPicture.size(bytesMax))")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(.wrongUse, "\(path) is not UTF-8 text")
        }
        return text
    }

    /// Where a path that leads nowhere was looked for.
    static func lookAt(_ path: String) -> String {
        path.hasPrefix("/")
            ? "see that the path is right"
            : "see that the path is right from \(FileManager.default.currentDirectoryPath)"
    }

    /// Writes a file in one step: a reader sees the old or the new one. Durable when it returns is not promised; for
    /// files that can be made again.
    static func write(_ text: String, to file: URL, mode: Int = 0o644) throws {
        do {
            try Data(text.utf8).write(to: file, options: .atomic)
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: file.path(percentEncoded: false))
        } catch {
            let path = file.path(percentEncoded: false)
            throw CommandFailure(.failed, "\(path) cannot be written: \(FileTrouble.reason(error))", cause: error)
        }
    }
}

/// Why the system refused a file, in its own words.
enum FileTrouble {
    static func reason(_ error: any Error) -> String {
        let below = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error ?? error
        if let below = below as? POSIXError { return String(cString: strerror(below.code.rawValue)) }
        return below.localizedDescription
    }
}
