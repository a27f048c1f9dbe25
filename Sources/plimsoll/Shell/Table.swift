import PlimsollModel

/// A column of a list: its title, its member name in JSON, and how a row fills it.
struct Column<Row> {
    let title: String
    let member: String
    let alignsRight: Bool
    let value: (Row) -> JSONValue
    /// How the value is shown in a table; nil: as it is.
    let shown: ((Row) -> String)?

    init(
        _ title: String, _ member: String, right: Bool = false, shown: ((Row) -> String)? = nil,
        _ value: @escaping (Row) -> JSONValue
    ) {
        self.title = title
        self.member = member
        self.alignsRight = right
        self.shown = shown
        self.value = value
    }

    /// A duration: readable in a table, whole seconds in JSON.
    static func seconds(_ title: String, _ member: String, _ value: @escaping (Row) -> Int64) -> Self {
        Self(title, member, right: true, shown: { DurationText.readable(.seconds(value($0))) }) {
            .number(JSONNumber(value($0)))
        }
    }
}

/// A type whose values are listed. Declaring the columns once gives the table and the JSON.
protocol Listable {
    static var columns: [Column<Self>] { get }
    /// Which column is what a row is called.
    static var nameColumn: Int { get }
}

extension Listable {
    static var nameColumn: Int { 0 }
}

/// Lays out lists for people and for programs.
enum Table {
    /// The longest cell of a table, characters; JSON is never cut.
    static let cellCharactersMax = 60

    /// Lines of a table: titles in capitals, two blanks between columns, no trailing blanks.
    static func lines<Row: Listable>(_ rows: [Row]) -> [String] {
        let columns = Row.columns
        let cells = rows.map { row in columns.map { cell($0.shown?(row) ?? text($0.value(row))) } }
        return layout(titles: columns.map { $0.title.uppercased() }, rightAligned: columns.map(\.alignsRight), cells)
    }

    /// The same rows as a JSON array of objects.
    static func json<Row: Listable>(_ rows: [Row]) -> JSONValue {
        .array(rows.map { json($0) })
    }

    /// One row as a JSON object.
    static func json<Row: Listable>(_ row: Row) -> JSONValue {
        var object = JSONObject()
        for column in Row.columns { object[column.member] = column.value(row) }
        return .object(object)
    }

    /// What each row is called.
    static func names<Row: Listable>(_ rows: [Row]) -> [String] {
        rows.map { Harmless.line(text(Row.columns[Row.nameColumn].value($0))) }
    }

    /// Lines `title: value` for one row.
    static func details<Row: Listable>(_ row: Row) -> [String] {
        let columns = Row.columns
        let width = columns.map(\.title.count).max() ?? 0
        return columns.map { column in
            let value = Harmless.text(column.shown?(row) ?? text(column.value(row)))
            let indented = value.split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: "\n" + String(repeating: " ", count: width + 2))
            return pad("\(column.title):", to: width + 1) + " " + indented
        }
    }

    static func layout(titles: [String], rightAligned: [Bool], _ cells: [[String]]) -> [String] {
        var widths = titles.map(\.count)
        for row in cells {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return ([titles] + cells).map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                if index > 0 { line += "  " }
                line += rightAligned[index] ? padLeft(cell, to: widths[index]) : pad(cell, to: widths[index])
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// A JSON value in a cell: nothing for null, lists with commas.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .string(let text): text.isEmpty ? "-" : text
        case .bool(let flag): flag ? "yes" : "no"
        case .array(let items): items.isEmpty ? "-" : items.map(text).joined(separator: ", ")
        default: value.description
        }
    }

    private static func cell(_ text: String) -> String {
        let harmless = Harmless.line(text)
        guard harmless.count > cellCharactersMax else { return harmless }
        return harmless.prefix(cellCharactersMax - 1) + "…"
    }

    static func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func padLeft(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

extension JSONValue {
    /// A text of the protocol, which is empty where there is none.
    static func textOrNull(_ text: String) -> JSONValue { text.isEmpty ? .null : .string(text) }
}
