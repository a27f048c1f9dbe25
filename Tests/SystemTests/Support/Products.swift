import Dispatch
import Foundation

/// Where the built programs and the repository's own files are.
enum Products {
    /// The folder that the tests were built into, which has the programs too.
    private static let folder: URL = {
        // The link tells where we really are, whatever the first argument says.
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let places = [own, CommandLine.arguments[0]].map { URL(filePath: $0).deletingLastPathComponent() }
        return places.first {
            FileManager.default.isExecutableFile(atPath: $0.appending(path: "plimsoll").path(percentEncoded: false))
        } ?? places[0]
    }()

    static let plimsoll = folder.appending(path: "plimsoll")
    static let replay = folder.appending(path: "plimsoll-replay")

    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func policy(_ name: String) -> URL { repository.appending(path: "Deploy/policy/\(name).yaml") }

    /// What the crowd of `rte.tsv` answered: the file that PLIMSOLL_REPLAY names, without which a test then fails, or
    /// the one beside the checkout; nil where neither is.
    static var recordedLabels: URL? {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["PLIMSOLL_REPLAY"], !named.isEmpty { return URL(filePath: named) }
        let file = repository.deletingLastPathComponent().appending(path: "shared/data/rte.tsv")
        return FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) ? file : nil
    }

    /// Whether the long runs are wanted.
    static var isLong: Bool { ProcessInfo.processInfo.environment["PLIMSOLL_LONG"] == "1" }
}

extension URL {
    /// The path as other programs take it.
    var plain: String { path(percentEncoded: false) }
}

/// Says how far a test is.
func progress(_ text: String) {
    FileHandle.standardError.write(Data("system test: \(text)\n".utf8))
}

/// Milliseconds on the clock that diaries use.
func monotonicMilliseconds() -> Int {
    // On Linux this is CLOCK_MONOTONIC.
    Int(DispatchTime.now().uptimeNanoseconds / 1_000_000)
}
