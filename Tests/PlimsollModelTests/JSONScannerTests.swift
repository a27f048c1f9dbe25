import PlimsollModel
import Testing

@Suite struct JSONScannerTests {
    @Test(
        "accepts what RFC 8259 allows",
        arguments: [
            "[]", "{}", " [ ] ", "[[]   ]", "[\"\"]", "[1]", "[1 ]", "\t[null, 1, \"1\", {}]\r\n",
            "[1,null,null,null,2]",
            "[-0]", "[-1]", "[0e+1]", "[0e1]", "[123e65]", "[1E22]", "[1E-2]", "[1E+2]", "[123.456e78]", "[1.7976]",
            "[-0.000000000000000000000000000000000000000000000000000001]", "[123456789012345678901234567890]", "1e400",
            "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"\":0}", "{\"a\":[{\"a\":1}]}", "{\"foo\\nbar\":42}", "\"asd\"",
            "true",
            "false", "null", "42", "-0.1", "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\ud801\\udc37\"]",
            "[\"\\uD83D\\uDE39\"]",
            "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"a/*b*/c/*d//e\"]", "[\"€𝄞\"]", "[\"\u{7F}\"]", "[\"\u{2028}\"]",
            "[\"\\uFFFF\"]", "[\"\u{10FFFF}\"]", "[\"\\u0012\"]", "[\" \"]", "{\"min\":-1.0e+28,\"max\":1.0e+28}",
        ])
    func accepts(text: String) throws {
        try JSONScanner.validate(Array(text.utf8))
        _ = try JSONValue.parse(text)
    }

    @Test(
        "refuses with the code and the exact column",
        arguments: [
            ("", .cutShort, 1), ("   ", .cutShort, 4), ("[", .cutShort, 2), ("{", .cutShort, 2), ("[1", .cutShort, 3),
            ("[1,", .cutShort, 4), ("{\"a\"", .cutShort, 5), ("{\"a\":", .cutShort, 6), ("{\"a\":1", .cutShort, 7),
            ("\"abc", .cutShort, 5), ("\"abcdefghijkl", .cutShort, 14), ("\"\\", .cutShort, 3),
            ("\"\\u00", .cutShort, 6),
            ("\"\\ud801\\", .cutShort, 9), ("tru", .cutShort, 4), ("-", .cutShort, 2), ("1.", .cutShort, 3),
            ("1e", .cutShort, 3), ("{\"a\":1,", .cutShort, 8),
            ("[1,]", .unexpected, 4), ("[,1]", .unexpected, 2), ("[1 2]", .unexpected, 4), ("[1,,2]", .unexpected, 4),
            ("{\"a\":1,}", .unexpected, 8), ("{a:1}", .unexpected, 2), ("{'a':1}", .unexpected, 2),
            ("{\"a\" 1}", .unexpected, 6), ("{\"a\":1 \"b\":2}", .unexpected, 8), ("{1:1}", .unexpected, 2),
            ("nul!", .unexpected, 4), ("True", .unexpected, 1), ("NaN", .unexpected, 1), ("Infinity", .unexpected, 1),
            ("+1", .unexpected, 1), (".5", .unexpected, 1), ("[1}", .unexpected, 3), ("{\"a\":1]", .unexpected, 7),
            ("# x", .unexpected, 1), ("\u{FEFF}1", .unexpected, 1), ("\u{A0}1", .unexpected, 1),
            ("\u{0C}1", .unexpected, 1),
            ("1 2", .trailing, 3), ("{}}", .trailing, 3), ("[]//c", .trailing, 3), ("1x", .trailing, 2),
            ("0x1", .trailing, 2),
            ("01", .badNumber, 1), ("-01", .badNumber, 1), ("1.e1", .badNumber, 3), ("1eE2", .badNumber, 3),
            ("-a", .badNumber, 2), ("1.5e+x", .badNumber, 6), ("[-]", .badNumber, 3),
            ("\"\\x\"", .badEscape, 2), ("\"a\\'\"", .badEscape, 3), ("\"\\u12g4\"", .badEscape, 6),
            ("\"\\U0041\"", .badEscape, 2),
            ("\"\\ud800\"", .loneSurrogate, 2), ("\"\\udc00\"", .loneSurrogate, 2),
            ("\"\\ud800\\ud800\"", .loneSurrogate, 2),
            ("\"\\ud800x\\udc00\"", .loneSurrogate, 2), ("\"x\\ud801\\n\"", .loneSurrogate, 3),
            ("\"\\u0000\"", .nul, 2), ("\"é\\u0000\"", .nul, 3),
            ("\"a\tb\"", .controlCharacter, 3), ("\"a\nb\"", .controlCharacter, 3),
            ("\"12345678\u{1F}\"", .controlCharacter, 10),
            ("{\"a\":1,\"a\":2}", .duplicateKey, 8), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 8),
            ("[{\"x\":{\"a\":1},\"x\":2}]", .duplicateKey, 15),
        ] as [(String, JSONError.Code, Int)])
    func refuses(text: String, code: JSONError.Code, column: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSONScanner.validate(Array(text.utf8)) }
        #expect(error.code == code)
        #expect(error.line == 1 && error.column == column, "\(error)")
        let parseError = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        #expect(parseError == error)
    }

    @Test(
        "refuses bytes that are not UTF-8",
        arguments: [
            [0xFF], [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xC3], [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]])
    func refusesBadUTF8(sequence: [UInt8]) throws {
        let bytes = Array("[\"ab".utf8) + sequence + Array("\"]".utf8)
        let error = try #require(throws: JSONError.self) { try JSONScanner.validate(bytes) }
        #expect(error.code == .badUTF8)
        #expect(error.offset == 4 && error.column == 5)
    }

    @Test("a character cut at the end of the text counts as cut short")
    func cutCharacter() throws {
        for tail: [UInt8] in [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xE0], [0xED, 0x9F], [0xF0], [0xF4, 0x8F]] {
            let error = try #require(throws: JSONError.self) { try JSONScanner.validate(Array("\"a".utf8) + tail) }
            #expect(error.code == .cutShort)
        }
    }

    @Test("nesting is allowed up to the limit and not one level deeper")
    func depth() throws {
        func nested(_ levels: Int) -> [UInt8] {
            Array((String(repeating: "[", count: levels) + String(repeating: "]", count: levels)).utf8)
        }
        try JSONScanner.validate(nested(JSONScanner.depthMax))
        let error = try #require(throws: JSONError.self) { try JSONScanner.validate(nested(JSONScanner.depthMax + 1)) }
        #expect(error.code == .tooDeep && error.column == 65)
        #expect(throws: JSONError.self) { try JSONScanner.validate(nested(1_000_000)) }
    }

    @Test("a repeated key is found among thousands, and many keys cost no quadratic time")
    func manyKeys() throws {
        let members = (0..<30_000).map { "\"key\($0)\":1" }
        try JSONScanner.validate(Array("{\(members.joined(separator: ","))}".utf8))
        let twice = "{\((members + ["\"key\\u0037\":1"]).joined(separator: ","))}"
        let error = #expect(throws: JSONError.self) { try JSONScanner.validate(Array(twice.utf8)) }
        #expect(error?.code == .duplicateKey)
        #expect(error?.message == "the member `key7` appears twice")
    }

    @Test("lines and columns count characters, not bytes")
    func positions() throws {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse("{\n  \"grüße 😀\": tree\n}") }
        #expect(error?.line == 2 && error?.column == 16)
        #expect(error?.description == "line 2, column 16: `e` where `true` was expected")
    }

    @Test("every prefix of a document is cut short, and nothing else")
    func prefixes() throws {
        let text = Array("{\"a é 😀\":[1,true,{\"b\":null,\"\\ud83d\\ude00\":\"x\\n\"}],\"c\":false}".utf8)
        try JSONScanner.validate(text)
        for length in 0..<text.count {
            let error = try #require(throws: JSONError.self) { try JSONScanner.validate(Array(text[..<length])) }
            #expect(error.code == .cutShort, "length \(length): \(error)")
        }
    }

    @Test("random and mutated bytes never crash, and what is accepted survives a round trip")
    func fuzz() throws {
        var random = SplitMix(state: 7)
        let seeds = [
            "{\"a\":[1,2.5e3,\"x\\u00e9\\\"\",null,true],\"b\":{\"c\":\"é😀\"}}",
            "[[[]],{},\"\",-0.0,1E400,\"\\ud83d\\ude00\"]",
        ].map { Array($0.utf8) }
        var accepted = 0
        for round in 0..<30_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(bytes.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes = Array(bytes[..<max(place, 1)])
                default: bytes[place] = Array("{}[]\",:\\0-e. ".utf8).randomElement(using: &random) ?? 0
                }
            }
            do {
                try JSONScanner.validate(bytes)
            } catch {
                #expect(throws: JSONError.self) { try JSONValue.parse(bytes) }
                continue
            }
            accepted += 1
            let value = try JSONValue.parse(bytes)
            #expect(try JSONValue.parse(value.encode()) == value)
            #expect(try JSONValue.parse(value.encode(pretty: true)) == value)
            // 1E400 has no canonical form.
            guard let canonical = try? CanonicalJSON.canonicalize(bytes) else { continue }
            #expect(try CanonicalJSON.canonicalize(canonical) == canonical)
        }
        #expect(accepted > 1_000)
    }

    @Test("a walk gives keys and values in order and checks their kinds")
    func walk() throws {
        let bytes = Array("{\"a\": [1, 2],\"b\":{\"c\" : \"x y\"}}".utf8)
        try JSONScanner.withScanner(bytes) { scanner in
            var seen: [String] = []
            try scanner.scanObject { scanner, key in
                seen.append(scanner.decode(key))
                if scanner.isEqual(key, "a") {
                    try scanner.scanArray { scanner, index in
                        seen.append("\(index)=\(scanner.number(try scanner.scanNumber()).text)")
                    }
                } else {
                    let range = try scanner.skipValue()
                    seen.append(String(decoding: scanner.copyCompact(range), as: UTF8.self))
                }
            }
            try scanner.expectEnd()
            #expect(seen == ["a", "0=1", "1=2", "b", "{\"c\":\"x y\"}"])
        }
        let error = #expect(throws: JSONError.self) {
            try JSONScanner.withScanner(bytes) { scanner in try scanner.scanArray { _, _ in } }
        }
        #expect(error?.code == .wrongKind)
    }
}

/// A seeded generator, so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
