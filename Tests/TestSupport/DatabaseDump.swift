import Foundation
import PrivateCluster

/// Everything that a database holds, as text: what whoever gets hold of a backup would read.
public enum DatabaseDump {
    public struct DumpError: Error { public let text: String }

    /// Runs pg_dump of the same installation as the cluster.
    public static func text(of conninfo: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: try PostgresInstallation.locate().path("pg_dump"))
        process.arguments = ["--dbname", conninfo]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let dump = output.fileHandleForReading.readDataToEndOfFile()
        let words = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw DumpError(text: String(decoding: words, as: UTF8.self))
        }
        return String(decoding: dump, as: UTF8.self)
    }
}
