import PlimsollModel
import Testing

@Suite struct JSONValueTests {
    @Test("members keep their order, and order does not count for equality")
    func order() throws {
        let value = try JSONValue.parse("{\"b\":1,\"a\":[true,null,\"x\"]}")
        #expect(value.objectValue?.keys == ["b", "a"])
        #expect(value.description == "{\"b\":1,\"a\":[true,null,\"x\"]}")
        let other: JSONValue = ["a": [true, nil, "x"], "b": 1]
        #expect(value == other)
        #expect(value.hashValue == other.hashValue)
        #expect(value != ["a": [true, nil, "x"]])
        #expect(value["a"]?.arrayValue?.count == 3)
        #expect(value["c"] == nil)
    }

    @Test("pretty text is stable and reads back")
    func pretty() throws {
        let value: JSONValue = ["a": [1, 2], "b": [:], "c": []]
        let text = String(decoding: value.encode(pretty: true), as: UTF8.self)
        #expect(text == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}")
        #expect(try JSONValue.parse(text) == value)
    }

    @Test("numbers are equal by value and keep their text")
    func numbers() throws {
        let texts = ["1", "1.0", "1e0", "10e-1"]
        for text in texts { #expect(try JSONValue.parse(text) == 1) }
        #expect(try Set(texts.map { try JSONValue.parse($0) }).count == 1)
        #expect(try JSONValue.parse("1.50").description == "1.50")
        #expect(try JSONValue.parse("9223372036854775807").numberValue?.int64 == .max)
        #expect(try JSONValue.parse("9223372036854775808").numberValue?.int64 == nil)
        #expect(try JSONValue.parse("9007199254740993") != JSONValue.parse("9007199254740992"))
        #expect(try JSONValue.parse("2.5").intValue == nil)
        #expect(try JSONValue.parse("1e400").doubleValue == .infinity)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(JSONNumber(0.1)?.text == "0.1")
    }

    @Test("an object can be changed member by member")
    func changes() {
        var object = JSONObject()
        object["a"] = 1
        object["b"] = 2
        object["c"] = 3
        object["b"] = nil
        object["a"] = 4
        #expect(object.keys == ["a", "c"])
        #expect(object["c"] == 3 && object["a"] == 4 && object["b"] == nil)
    }

    @Test("keys that only look alike stay apart")
    func lookAlikes() throws {
        let value = try JSONValue.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value.objectValue?.count == 2)
        #expect(value["\u{E9}"] == 1 && value["e\u{301}"] == 2)
    }
}

@Suite struct CanonicalJSONTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try CanonicalJSON.canonicalize(Array(text.utf8)), as: UTF8.self)
    }

    @Test("the example of RFC 8785 section 3.2.2 and 3.2.3")
    func example() throws {
        let text = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
              "literals": [null, true, false]
            }
            """
        let expected =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try canonical(text) == expected)
    }

    @Test("members are sorted by UTF-16 code units (RFC 8785 section 3.2.3)")
    func sorting() throws {
        let text = #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
             "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """#
        let keys = try JSONValue.parse(try canonical(text)).objectValue?.keys
        #expect(keys == ["\r", "1", "\u{80}", "\u{F6}", "\u{20AC}", "\u{1F600}", "\u{FB33}"])
        let nested = #"{"b":{"d":1,"c":2},"a":[{"z":0,"y":1}],"":3}"#
        #expect(try canonical(nested) == #"{"":3,"a":[{"y":1,"z":0}],"b":{"c":2,"d":1}}"#)
        #expect(try canonical("{\"aa\":1,\"a\":2}") == "{\"a\":2,\"aa\":1}")
    }

    @Test(
        "numbers follow RFC 8785 appendix B",
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func numbers(bits: UInt64, expected: String) throws {
        let value = Double(bitPattern: bits)
        #expect(try canonical("\(value)") == expected)
        #expect(try canonical(expected) == expected)
        if value != 0 { #expect(JSONNumber(value)?.text == expected) }
    }

    @Test("the same value in other words has the same text")
    func sameValue() throws {
        let numbers = "[1, 1.0, 1e0, 100E-2, -0, 0.0, 123456789012345, 1234567890123456]"
        #expect(try canonical(numbers) == "[1,1,1,1,0,0,123456789012345,1234567890123456]")
        #expect(try canonical("\"\\u0061\\/\\t\"") == "\"a/\\t\"")
        #expect(try canonical(" {\"label\" : \"a\"} ") == "{\"label\":\"a\"}")
    }

    @Test("what no double can hold is refused with its place")
    func range() throws {
        let error = #expect(throws: JSONError.self) { try canonical("[1, 1e400]") }
        #expect(error?.code == .numberRange && error?.column == 5)
        #expect(try canonical("1e-400") == "0")
    }
}
