import Exchange
import Foundation
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// One table of what is held about a person, with their rows.
struct OwnTable: Sendable, Listable {
    let table: Plimsoll_V1_DataTable
    var rows: [JSONValue] = []

    static var columns: [Column<Self>] {
        [
            Column("table", "name") { .string($0.table.name) },
            Column("rows", "rows", right: true) { .number(JSONNumber($0.rows.count)) },
            Column("what for", "purpose") { .string($0.table.purpose) },
            Column("kept", "kept") { .string($0.table.kept) },
        ]
    }

    /// All tables in the order of the inventory, those without rows too. Throws `failed` for what is no JSON.
    static func fetch(_ client: ControlClient) async throws -> [OwnTable] {
        try await client.person.showData(.init()) { response in
            var tables: [OwnTable] = []
            for try await part in response.messages {
                if part.hasTable { tables.append(OwnTable(table: part.table)) }
                guard !part.rows.isEmpty else { continue }
                guard !tables.isEmpty else {
                    throw CommandFailure(.failed, "the coordinator sent rows before saying of which table they are")
                }
                tables[tables.count - 1].rows += try part.rows.map { try JSONValue.parse($0) }
            }
            return tables
        }
    }

    var json: JSONValue {
        [
            "table": .string(table.name), "purpose": .string(table.purpose), "kept": .string(table.kept),
            "read_by": .array(table.readBy.map(JSONValue.string)), "erasure": .string(table.erasure),
            "columns": .object(
                JSONObject(table.columns.map { ($0.name, JSONValue.string($0.what)) })),
            "rows": .array(rows),
        ]
    }

    /// The rows as CSV, a title for each column of any row, as they first appear; texts as they are, nothing for null
    /// or a column that a row has not, other values as JSON.
    var csv: [UInt8] {
        var names: [String] = []
        var known: Set<String> = []
        for member in rows.flatMap({ $0.objectValue?.members ?? [] }) where known.insert(member.key).inserted {
            names.append(member.key)
        }
        var bytes: [UInt8] = []
        CSVText.append(names, to: &bytes)
        for row in rows {
            CSVText.append(
                names.map { name in
                    switch row[name] {
                    case nil, .null?: ""
                    case .string(let text)?: text
                    case let value?: value.description
                    }
                }, to: &bytes)
        }
        return bytes
    }

    /// `data.json` with everything, and a file for each table that has rows.
    static func write(_ tables: [OwnTable], to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let all = JSONValue.array(tables.map(\.json)).encode(pretty: true) + [UInt8(ascii: "\n")]
        try Data(all).write(to: folder.appending(path: "data.json"))
        for table in tables where !table.rows.isEmpty {
            try Data(table.csv).write(to: folder.appending(path: "\(table.table.name).csv"))
        }
    }
}
