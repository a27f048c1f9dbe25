import PlimsollModel
import Testing

@testable import plimsoll

private struct Boat: Listable {
    var name: String
    var depth: Int?

    static var columns: [Column<Boat>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("depth", "depth_metres") { boat in boat.depth.map { .number(JSONNumber($0)) } ?? .null },
        ]
    }
}

@Suite struct OutputTests {
    @Test func `yaml says what the json says, in its order`() {
        let value = Table.json([Boat(name: "Cutty Sark", depth: 6), Boat(name: "x", depth: nil)])
        #expect(
            YAMLText.of(value) == """
                - name: Cutty Sark
                  depth_metres: 6
                - name: x
                  depth_metres: null

                """)
        #expect(YAMLText.of([]) == "[]\n")
        #expect(YAMLText.of(["flag": true, "part": -25]) == "flag: true\npart: -25\n")
    }

    /// The same reader as for our own files reads every string back as the string it was.
    @Test(arguments: [
        "true", "null", "12", "1e3", "~", "", " ", "a: b", "# no", "- x", "{", "[", "'", "\"", "two\nlines",
        "two\nlines\n",
        "\n", " a\nb", "tab\there", "é\u{301}", "\u{1B}[2J", "a\u{0}b", "yes", "0x1F", "2026-03-30", "&a", "*a", "!a",
        "%a",
    ])
    func `a string stays a string`(text: String) throws {
        let yaml = YAMLText.of(["member": .string(text), "after": "end"])
        let map = try YAMLMap(text: yaml, file: "x.yaml")
        #expect(try map.string("member") == text, "\(yaml)")
        #expect(try map.string("after") == "end", "\(yaml)")
        // A terminal is not moved by it either.
        #expect(!yaml.unicodeScalars.contains("\u{1B}"))
    }

    @Test func `names are the first column, one a row, and harmless`() {
        #expect(Table.names([Boat(name: "a", depth: 1), Boat(name: "b\u{1B}[2J", depth: 2)]) == ["a", "b<U+001B>[2J"])
    }
}
