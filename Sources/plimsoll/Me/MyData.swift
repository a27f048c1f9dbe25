import ArgumentParser
import Exchange
import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyData: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Everything that is held about you, with what it is for and how long it is kept.",
        discussion: """
            Table by table, as the inventory of the deployment lists them (Schema/inventory). -o json prints all of it; \
            --to DIR writes data.json and one CSV file for each table that has rows. Nobody else can ask for this.
            """)

    @Option(name: .customLong("to"), help: "A folder for the files; made when it is not there.")
    var directory: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let tables = try await connection.withCoordinator { client in
            try await StreamTurn.wait { try await OwnTable.fetch(client) }
        }
        if let directory { try OwnTable.write(tables, to: URL(filePath: directory, directoryHint: .isDirectory)) }
        output.write(tables, or: { $0.json })
    }
}

extension OutputOptions {
    /// A table for people, the whole for programs.
    fileprivate func write(_ tables: [OwnTable], or json: (OwnTable) -> JSONValue) {
        if format == .table { list(tables, empty: "nothing is held about you") } else { write(tables, json) }
    }
}
