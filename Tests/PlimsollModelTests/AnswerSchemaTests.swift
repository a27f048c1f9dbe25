import Testing

@testable import PlimsollModel

@Suite("Answers")
struct AnswerSchemaTests {
    static func compile(_ text: String) throws -> AnswerSchema { try AnswerSchema.compile(Array(text.utf8)) }

    static func problems(_ schema: String, _ answer: String) throws -> [String] {
        try compile(schema).validate(Array(answer.utf8)).map(\.description)
    }

    static let label =
        #"{"type":"object","additionalProperties":false,"required":["label"],"properties":{"label":{"enum":["a","b"]},"note":{"type":"string","maxLength":3}}}"#

    @Test(
        "A fitting answer is accepted in canonical form",
        arguments: [
            #"{"label":"a","note":"x"}"#, #" { "note" : "x" , "label" : "a" } "#,
            #"{"note":"\u0078","label":"\u0061"}"#,
        ])
    func accepted(answer: String) throws {
        let verdict = try Self.compile(Self.label).accept(Array(answer.utf8))
        let canonical = Array(#"{"label":"a","note":"x"}"#.utf8)
        #expect(verdict == .accepted(CanonicalAnswer(canonical: canonical)))
    }

    @Test("The hash is the head of SHA-256")
    func hash() throws {
        // SHA-256 of {"label":"a"}, from another implementation.
        let hash = AnswerHash(of: Array(#"{"label":"a"}"#.utf8))
        #expect(hash.description == "b261f334d53294d1aac7e826b0686c82")
        #expect(AnswerHash(bytes: hash.bytes) == hash)
        #expect(AnswerHash(bytes: hash.bytes.dropLast()) == nil)
        #expect(AnswerHash(bytes: hash.bytes + [0]) == nil)
    }

    @Test(
        "Each misfit is named with its place",
        arguments: [
            (label, #"{}"#, "/label: is missing"),
            (label, #"{"label":"c"}"#, #"/label: must be one of "a", "b""#),
            (label, #"{"label":1}"#, "/label: must be string, not number"),
            (label, #"{"label":"a","extra":1}"#, "/extra: is not asked for"),
            (label, #"{"label":"a","e/x~":1}"#, "/e~1x~0: is not asked for"),
            (label, #"{"label":"a","note":"four"}"#, "/note: must have at most 3 characters, not 4"),
            (label, #"{"label":"a","note":"äöüß"}"#, "/note: must have at most 3 characters, not 4"),
            (
                label, #"{"label":"a","note":"\ud83d\ude00\ud83d\ude00\ud83d\ude00\u00e4"}"#,
                "/note: must have at most 3 characters, not 4"
            ),
            (label, #"[]"#, "must be object, not array"),
            (label, #"{"label":"a""#, "the answer is no JSON: line 1, column 13: "),
            (label, #"{"label":"a"} x"#, "the answer is no JSON: line 1, column 15: "),
            (label, #"{"label":"a","label":"a"}"#, "the answer is no JSON: "),
            (label, "", "the answer is no JSON: "),
            (#"{"type":"integer","minimum":1,"maximum":5}"#, "0", "must be at least 1"),
            (#"{"type":"integer","minimum":1,"maximum":5}"#, "6", "must be at most 5"),
            (#"{"type":"integer","minimum":1,"maximum":5}"#, "1.5", "must be a whole number"),
            (#"{"type":"integer"}"#, "9007199254740992", "is a whole number beyond 9007199254740991"),
            (#"{"type":"number"}"#, "1e999", "is larger than any number that can be kept"),
            (#"{"type":"number"}"#, "true", "must be number, not boolean"),
            (#"{"type":["string","null"]}"#, "false", "must be string or null, not boolean"),
            (#"{"type":"string","minLength":1}"#, #""""#, "must have at least 1 characters, not 0"),
            (#"{"type":"array","items":{"type":"integer"},"minItems":1}"#, "[]", "must have at least 1 items, not 0"),
            (#"{"type":"array","items":{"type":"integer"},"maxItems":1}"#, "[1,2]", "must have at most 1 items, not 2"),
            (#"{"type":"array","items":{"type":"integer"}}"#, #"[1,"2"]"#, "/1: must be integer, not string"),
            (#"{"type":"array","items":{"type":"number"},"uniqueItems":true}"#, "[1,2, 1.0]", "/2: is there twice"),
            (#"{"const":7}"#, "8", "must be 7"),
        ])
    func misfits(schema: String, answer: String, problem: String) throws {
        let problems = try Self.problems(schema, answer)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(problem) == true, "\(problems)")
    }

    @Test(
        "Bounds are inclusive and spelling does not matter",
        arguments: [
            (#"{"type":"integer","minimum":1,"maximum":5}"#, "1"),
            (#"{"type":"integer","minimum":1,"maximum":5}"#, "5"),
            (#"{"type":"integer"}"#, "2.0"), (#"{"type":"integer"}"#, "-9007199254740991"), (#"{"enum":[1]}"#, "1.0e0"),
            (#"{"enum":[{"b":1,"a":[2]}]}"#, #"{"a": [2], "b": 1}"#), (#"{"enum":["é"]}"#, #""\u00e9""#),
            (#"{"type":"string","minLength":2,"maxLength":2}"#, #""😀😀""#), (#"{"type":"null"}"#, "null"),
            (#"{"type":"boolean"}"#, "true"), (#"{"type":["string","null"],"maxLength":3}"#, "null"),
            (#"{"type":"array","items":{"type":"integer"},"minItems":0,"maxItems":2,"uniqueItems":true}"#, "[1,2]"),
            (
                #"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"number","title":"t","description":"d"}"#,
                "-0.5"
            ),
            (#"{"type":"integer","enum":[1,2]}"#, "2"),
        ])
    func fits(schema: String, answer: String) throws {
        #expect(try Self.problems(schema, answer) == [])
    }

    @Test("Every problem is named at once, up to a limit")
    func several() throws {
        #expect(
            try Self.problems(Self.label, #"{"note":5,"other":1}"#) == [
                "/note: must be string, not number", "/other: is not asked for", "/label: is missing",
            ])
        let nested =
            #"{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"null"}}}}}"#
        #expect(try Self.problems(nested, #"[{},{"a":[null,1]}]"#) == ["/1/a/1: must be null, not number"])
        let many = "[" + repeatElement("0", count: 100).joined(separator: ",") + "]"
        #expect(try Self.problems(#"{"type":"array","items":{"type":"null"}}"#, many).count == 20)
    }

    @Test("An answer may be as long as the limit and no longer")
    func length() throws {
        let schema = try Self.compile(#"{"type":"string"}"#)
        let fitting = "\"" + String(repeating: "x", count: AnswerSchema.answerBytesMax - 2) + "\""
        #expect(schema.validate(Array(fitting.utf8)).isEmpty)
        #expect(schema.validate(Array(fitting.utf8) + [32]).first?.message.contains("at most 262144") == true)
        #expect(schema.validate(Array(#""abc""#.utf8), maxBytes: 4).count == 1)
        #expect(schema.validate(Array(#""abc""#.utf8), maxBytes: 5).isEmpty)
    }

    @Test("A compiled schema tells a form what to ask")
    func form() throws {
        let root = try Self.compile(Self.label).root
        #expect(root.types == .object)
        #expect(root.properties.map(\.name) == ["label", "note"])
        #expect(root.properties.map(\.isRequired) == [true, false])
        #expect(root.properties.first?.shape.choices == ["a", "b"])
        #expect(root.properties.last?.shape.maxLength == 3)
    }

    @Test("Random bytes are refused or accepted, never trapped on")
    func noise() throws {
        let schema = try Self.compile(Self.label)
        let alphabet = Array(#"{}[]":,\/abelntu0129.-+e "#.utf8) + [0, 0x80, 0xC3, 0xFF]
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            var bytes = Array(#"{"label":"a"}"#.utf8)
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = alphabet[Int(state >> 48) % alphabet.count]
            }
            if case .accepted(let answer) = schema.accept(bytes) {
                #expect(schema.validate(answer.bytes).isEmpty)
            }
        }
    }
}
