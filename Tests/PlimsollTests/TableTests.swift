import PlimsollModel
import Testing

@testable import plimsoll

private struct Ship: Listable {
    var name: String
    var depth: Int?

    static var columns: [Column<Ship>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("depth", "depth_metres", right: true, shown: { $0.depth.map { "\($0) m" } ?? "?" }) { ship in
                ship.depth.map { .number(JSONNumber($0)) } ?? .null
            },
        ]
    }
}

@Suite struct TableTests {
    @Test func `columns are as wide as their widest cell and lines have no trailing blanks`() {
        let lines = Table.lines([Ship(name: "Cutty", depth: 6), Ship(name: "Of the line", depth: 12)])
        #expect(lines == ["NAME         DEPTH", "Cutty          6 m", "Of the line   12 m"])
    }

    @Test func `json has every member, unrounded and unshortened`() {
        let long = String(repeating: "x", count: 200)
        #expect(Table.json([Ship(name: long, depth: nil)]).description == #"[{"name":"\#(long)","depth_metres":null}]"#)
    }

    @Test func `a cell from elsewhere cannot move the cursor or break the line`() {
        let lines = Table.lines([Ship(name: "a\u{1B}[2Jb\nc\u{202E}d", depth: 1)])
        #expect(lines.count == 2)
        #expect(lines[1].hasPrefix(#"a<U+001B>[2Jb<U+000A>c<U+202E>d"#))
    }

    @Test func `a long cell is cut`() {
        let line = Table.lines([Ship(name: String(repeating: "x", count: 200), depth: 1)])[1]
        #expect(line.prefix { $0 == "x" }.count == Table.cellCharactersMax - 1)
    }

    @Test func `details keep lines and align them`() {
        #expect(
            Table.details(Ship(name: "a\nb", depth: 1)) == ["name:  a\n       b", "depth: 1 m"])
    }
}
