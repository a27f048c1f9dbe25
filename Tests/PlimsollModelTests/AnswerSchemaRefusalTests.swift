import PlimsollModel
import Testing

@Suite("Refused answer schemas")
struct AnswerSchemaRefusalTests {
    static let cases: [(schema: String, path: String, word: String)] = [
        (#"{}"#, "", "type is missing"),
        (#"true"#, "", "a schema is an object"),
        (#"[]"#, "", "a schema is an object"),
        (#"{"type":"text"}"#, "/type", "type is one of string, number"),
        (#"{"type":[]}"#, "/type", "names no type"),
        (#"{"type":["string","string"]}"#, "/type", "twice"),
        (#"{"type":"object"}"#, "", "additionalProperties: false"),
        (
            #"{"type":"object","additionalProperties":true,"properties":{"a":{"type":"null"}}}"#, "",
            "additionalProperties: false"
        ),
        (
            #"{"type":"object","additionalProperties":{"type":"null"},"properties":{"a":{"type":"null"}}}"#, "",
            "additionalProperties: false"
        ),
        (#"{"type":"object","properties":{"a":{"type":"null"}}}"#, "", "additionalProperties: false"),
        (#"{"type":"object","additionalProperties":false}"#, "", "needs properties"),
        (#"{"type":"object","additionalProperties":false,"properties":{}}"#, "", "needs properties"),
        (#"{"type":["object","null"],"properties":{"a":{"type":"null"}}}"#, "", "additionalProperties: false"),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"object"}}}"#, "/properties/a",
            "additionalProperties: false"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a/b":{}}}"#, "/properties/a~1b",
            "type is missing"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"null"}},"required":["b"]}"#,
            "/required", "“b”, which is no property"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"null"}},"required":["a","a"]}"#,
            "/required", "twice"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"null"}},"required":"a"}"#,
            "/required", "list of names"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"null"}},"required":[1]}"#,
            "/required", "list of names"
        ),
        (
            #"{"type":"object","additionalProperties":false,"properties":{"a":{"type":"null"}},"patternProperties":{}}"#,
            "/patternProperties", "outside the documented subset"
        ),
        (#"{"type":"array"}"#, "", "an array needs items"),
        (#"{"type":"array","items":true}"#, "/items", "a schema is an object"),
        (#"{"type":"array","items":{"type":"object"}}"#, "/items", "additionalProperties: false"),
        (#"{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":1}"#, "/minItems", "above maxItems"),
        (#"{"type":"array","items":{"type":"null"},"minItems":-1}"#, "/minItems", "whole number from 0"),
        (#"{"type":"array","items":{"type":"null"},"uniqueItems":1}"#, "/uniqueItems", "true or false"),
        (#"{"type":"array","items":{"type":"null"},"contains":{}}"#, "/contains", "outside the documented subset"),
        (#"{"type":"string","pattern":"^a"}"#, "/pattern", "outside the documented subset"),
        (#"{"type":"string","format":"date"}"#, "/format", "outside the documented subset"),
        (#"{"type":"string","minLength":2,"maxLength":1}"#, "/minLength", "above maxLength"),
        (#"{"type":"string","maxLength":1.5}"#, "/maxLength", "whole number from 0"),
        (#"{"type":"string","minimum":1}"#, "/minimum", "says nothing about type string"),
        (#"{"type":"integer","maxLength":1}"#, "/maxLength", "says nothing about type integer"),
        (#"{"type":"number","minimum":2,"maximum":1}"#, "/minimum", "above maximum"),
        (#"{"type":"number","minimum":"1"}"#, "/minimum", "is a number"),
        (#"{"type":"number","maximum":1e999}"#, "", ""),
        (#"{"type":"number","multipleOf":2}"#, "/multipleOf", "outside the documented subset"),
        (#"{"type":"number","exclusiveMinimum":2}"#, "/exclusiveMinimum", "outside the documented subset"),
        (#"{"anyOf":[{"type":"null"}],"type":"null"}"#, "/anyOf", "outside the documented subset"),
        (##"{"$ref":"#/a","type":"null"}"##, "/$ref", "outside the documented subset"),
        (#"{"type":"null","$defs":{}}"#, "/$defs", "outside the documented subset"),
        (#"{"type":"array","items":{"type":"null","$schema":"x"}}"#, "/items/$schema", "outside the documented subset"),
        (#"{"enum":[]}"#, "/enum", "a list of 1 to"),
        (#"{"enum":"a"}"#, "/enum", "a list of 1 to"),
        (#"{"enum":["a","b","a"]}"#, "/enum/2", "twice"),
        (#"{"enum":[1,1.0]}"#, "/enum/1", "twice"),
        (#"{"enum":["a"],"const":"a"}"#, "", "exclude each other"),
        (#"{"enum":["a",1],"type":"string"}"#, "/enum", "not of type string"),
        (#"{"const":1.5,"type":"integer"}"#, "/const", "not of type integer"),
        (#"{"enum":["a"],"maxLength":1}"#, "/maxLength", "beside enum or const"),
        (#"{"type":"null","title":1}"#, "/title", "title is a string"),
        (#"{"type":"null","description":null}"#, "/description", "description is a string"),
    ]

    @Test("Each says what is wrong, and where", arguments: cases)
    func refused(schema: String, path: String, word: String) throws {
        let error = try #require(throws: ModelError.self) { try AnswerSchema.compile(Array(schema.utf8)) }
        #expect(error.code == .badSchema)
        #expect(error.line != nil || error.path == path, "\(error)")
        #expect(error.message.contains(word) || word.isEmpty, "\(error)")
    }

    @Test("What is no JSON is refused with line and column")
    func noJSON() throws {
        let text = "{\"type\":\n  \"string\",}"
        let error = try #require(throws: ModelError.self) { try AnswerSchema.compile(Array(text.utf8)) }
        #expect(error.line == 2)
        #expect(error.column == 12)
        #expect(throws: ModelError.self) { try AnswerSchema.compile([]) }
        #expect(throws: ModelError.self) { try AnswerSchema.compile(Array(#"{"type":"null","type":"null"}"#.utf8)) }
    }

    @Test("Sizes have limits")
    func sizes() throws {
        func nested(_ depth: Int) -> [UInt8] {
            let head = String(repeating: #"{"type":"array","items":"#, count: depth - 1)
            return Array((head + #"{"type":"null"}"# + String(repeating: "}", count: depth - 1)).utf8)
        }
        #expect(throws: Never.self) { try AnswerSchema.compile(nested(AnswerSchema.depthMax)) }
        #expect(throws: ModelError.self) { try AnswerSchema.compile(nested(AnswerSchema.depthMax + 1)) }
        func wide(_ count: Int) -> [UInt8] {
            let members = (0..<count).map { #""p\#($0)":{"type":"null"}"# }.joined(separator: ",")
            let names = (0..<count).map { #""p\#($0)""# }.joined(separator: ",")
            return Array(
                #"{"type":"object","additionalProperties":false,"properties":{\#(members)},"required":[\#(names)]}"#
                    .utf8)
        }
        let widest = try AnswerSchema.compile(wide(AnswerSchema.propertiesMax))
        #expect(widest.validate(Array("{}".utf8)).count == 20)
        #expect(throws: ModelError.self) { try AnswerSchema.compile(wide(AnswerSchema.propertiesMax + 1)) }
        let long = Array(#"{"type":"null"}"#.utf8) + Array(repeating: 32, count: AnswerSchema.bytesMax)
        #expect(throws: ModelError.self) { try AnswerSchema.compile(long) }
    }
}
