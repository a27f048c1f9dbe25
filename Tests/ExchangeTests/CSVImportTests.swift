import Exchange
import Testing

@Suite struct CSVImportTests {
    @Test("quotes, line ends inside fields, CRLF and both kinds of columns are read")
    func reads() async throws {
        let text =
            "\u{FEFF}key,text,severity,\"odd \"\"name\"\"\",effort,gold,kind,priority\r\n"
            + "a,\"one, \"\"two\"\"\r\nthree\",1,x,5m,\"\"\"yes\"\"\",rating,7\r\n"
            + "\r\n"
            + "\"b\",,,\"\",,,,\n"
            + "c,\u{1F600}\t\\,0,z,30,\"{\"\"n\"\": 1}\",,-7"
        let result = try await importing(.csv, text)
        #expect(result.problems == [])
        #expect(
            result.records == [
                TaskRecord(
                    key: "a", kind: "rating", severity: 1, priority: 7, effortSeconds: 300,
                    payload: Array("{\"text\":\"one, \\\"two\\\"\\r\\nthree\",\"odd \\\"name\\\"\":\"x\"}".utf8),
                    gold: Array("\"yes\"".utf8)),
                TaskRecord(key: "b", payload: Array("{\"text\":\"\",\"odd \\\"name\\\"\":\"\"}".utf8)),
                TaskRecord(
                    key: "c", priority: -7, effortSeconds: 30,
                    payload: Array("{\"text\":\"\u{1F600}\\t\\\\\",\"odd \\\"name\\\"\":\"z\"}".utf8),
                    gold: Array("{\"n\":1}".utf8)),
            ])
        for size in [1, 2, 3, 11] {
            #expect(try await importing(.csv, text, chunk: size).records == result.records)
        }
    }

    @Test("`id` is the key when there is no `key`, and else part of the payload")
    func identity() async throws {
        #expect(try await importing(.csv, "id,a\n1,x\n").records.first?.key == "1")
        let both = try await importing(.csv, "id,key\n1,x\n").records
        #expect(both.first?.key == "x" && both.first?.payloadText == "{\"id\":\"1\"}")
    }

    @Test(
        "each fault of a row names its place, and the next row is read",
        arguments: [
            ("k,x", 4, "2 fields", nil), ("k,x,y,z", 7, "4 fields", nil), (",x,y", 1, "must not be empty", nil),
            ("k,a\"b,y", 4, "a quote inside a field", nil), ("k,\"a\"b,y", 6, "text follows the closing quote", nil),
            ("k,x,9", 5, "from 0 to 3", "k"), ("k,x,one", 5, "from 0 to 3", "k"), ("k,a\0b,1", 4, "U+0000", nil),
        ] as [(String, Int, String, String?)])
    func faults(row: String, column: Int, message: String, key: String?) async throws {
        let result = try await importing(.csv, "key,text,severity\ng1,\"two\nlines\",0\n\n" + row + "\ng2,,\n")
        #expect(result.records.map(\.key) == ["g1", "g2"])
        #expect(result.problems.count == 1)
        let problem = try #require(result.problems.first)
        #expect(problem.row == 2 && problem.line == 5 && problem.column == column, "\(problem)")
        #expect(problem.message.contains(message), "\(problem)")
        #expect(problem.key == key)
    }

    @Test(
        "each fault of the header stops the reading",
        arguments: [
            ("", 1, "no header row"), ("text,kind\na,b\n", 1, "no column `key`"), ("key,a,a\n", 7, "appears twice"),
            ("key,,a\n", 5, "column 2 has no name"), ("key,\"a\n1,2\n", 5, "cut short"),
        ])
    func headers(text: String, column: Int, message: String) async throws {
        let result = try await importing(.csv, text)
        #expect(result.records.isEmpty && result.stoppedEarly && result.problems.count == 1)
        let problem = try #require(result.problems.first)
        #expect(problem.row == 0 && problem.line == 1 && problem.column == column, "\(problem)")
        #expect(problem.message.contains(message), "\(problem)")
    }

    @Test("a quote that never closes is found where it opens")
    func unclosed() async throws {
        let result = try await importing(.csv, "key,text\na,b\nc,\"never\nends\n")
        #expect(result.records.map(\.key) == ["a"] && result.stoppedEarly)
        #expect(
            result.problems.map(\.description) == [
                "line 3, column 3: cut short: the file ends inside a field in quotes that starts here"
            ])
        #expect(result.problems.first?.row == 2)
    }

    @Test("a wrong encoding and a lone carriage return are named with their place")
    func encoding() async throws {
        let latin = Array("key,text\na,gr".utf8) + [0xFC] + Array("n\nb,ok\n".utf8)
        let result = try await importing(.csv, latin)
        #expect(result.records.map(\.key) == ["b"])
        #expect(result.problems.map(\.description) == ["line 2, column 5: byte 0xFC is not UTF-8"])
        let old = try await importing(.csv, "key,text\rA,b\r")
        #expect(old.problems.map(\.description) == ["line 1, column 9: a carriage return without a line feed"])
    }

    @Test("a column of gold answers must hold JSON")
    func gold() async throws {
        let result = try await importing(.csv, "key,gold\na,yes\nb,null\nc,5\n")
        #expect(result.records.map(\.goldText) == [nil, "5"])
        #expect(result.problems.first?.message.hasPrefix("`gold` must be JSON") == true)
        #expect(result.problems.first?.key == "a" && result.problems.first?.column == 3)
    }

    @Test("a key that comes twice names both rows")
    func twice() async throws {
        let result = try await importing(.csv, "key\na\nb\na\n")
        #expect(result.problems.first?.message == "the key stands in row 1 and again in row 3")
        #expect(result.problems.first?.line == 4)
    }
}
