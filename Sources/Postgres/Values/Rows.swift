internal import CLibPQ
import Glibc

/// The rows that one query returned, in binary format. Columns are read in place; nothing is copied until asked for.
///
/// `@unchecked Sendable`: a PGresult is never changed after libpq has handed it over, only read and at last freed.
public final class Rows: RandomAccessCollection, @unchecked Sendable {
    let result: OpaquePointer
    /// Name of the statement, for errors.
    let statementName: String?

    /// Number of rows.
    public let count: Int

    init(_ result: OpaquePointer, statement: Statement?) {
        self.result = result
        self.statementName = statement?.name
        self.count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// Same as ``count``.
    public var endIndex: Int { count }

    /// The row at `position`, from 0. Costs a retain, no allocation.
    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < count, "row out of range")
        return Row(rows: self, row: Int32(truncatingIfNeeded: position))
    }

    /// Number of columns.
    public var columnCount: Int { Int(PQnfields(result)) }

    /// Rows that the command inserted, updated, deleted or selected, by its command tag; 0 for other commands.
    public var affected: Int { Rows.affected(result) }

    static func affected(_ result: OpaquePointer) -> Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(atoll(text))
    }

    /// The server's command tag, such as `INSERT 0 1` or `COMMIT`.
    public var commandTag: String {
        guard let text = PQcmdStatus(result) else { return "" }
        return String(cString: text)
    }

    /// Position of the column with this name as PostgreSQL reports it; nil when there is none.
    public func column(_ name: String) -> Int? {
        for index in 0..<PQnfields(result) {
            if let text = PQfname(result, index), strcmp(text, name) == 0 { return Int(index) }
        }
        return nil
    }

    /// A column's type.
    public func type(_ column: Int) -> PostgresType {
        PostgresType(oid: PQftype(result, Int32(truncatingIfNeeded: column)))
    }

    /// A whole column of bigint, integer or smallint without NULLs: the fastest way to read thousands of numbers.
    public func int8Column(_ column: Int) throws(PostgresError) -> [Int64] {
        let rowCount = count
        guard rowCount > 0 else { return [] }
        guard type(column) == .int8 else {
            var values: [Int64] = []
            values.reserveCapacity(rowCount)
            for row in 0..<rowCount { values.append(try self[row].int8(column)) }
            return values
        }
        let index = Int32(truncatingIfNeeded: column)
        var bad = -1
        let values = [Int64](unsafeUninitializedCapacity: rowCount) { target, initialized in
            for row in 0..<rowCount {
                guard PQgetlength(result, Int32(truncatingIfNeeded: row), index) == 8,
                    let bytes = PQgetvalue(result, Int32(truncatingIfNeeded: row), index)
                else {
                    bad = row
                    break
                }
                target[row] = UnsafeRawPointer(bytes).get(Int64.self, at: 0)
                initialized = row + 1
            }
        }
        guard bad < 0 else { throw decodingError(column, "NULL in row \(bad) where bigint was asked for") }
        return values
    }

    @inline(never)
    func decodingError(_ column: Int, _ problem: String) -> PostgresError {
        let name = PQfname(result, Int32(truncatingIfNeeded: column)).map { String(cString: $0) }
        var fields = PostgresError.ServerFields()
        fields.column = name
        let place = name.map { "column \"\($0)\"" } ?? "column \(column) (there is none)"
        return PostgresError(
            .decoding, "\(place): \(problem)", fields: fields,
            statement: statementName.map { Statement($0, "") })
    }
}
