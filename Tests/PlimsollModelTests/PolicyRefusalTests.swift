import PlimsollModel
import Testing

@Suite("Refused policy documents")
struct PolicyRefusalTests {
    static let cases: [(text: String, line: Int, column: Int, word: String)] = [
        ("limit: {}\n", 1, 1, "“limit” is no key here"),
        ("limits:\n  open-leases: 3\n  day-tme: 4h\n", 3, 3, "“day-tme” is no key here; known are open-leases"),
        ("oversight:\n  k: 5\n", 2, 3, "“k” is no key here"),
        ("limits:\n  open-leases: 3\n  open-leases: 4\n", 2, 3, "named twice: open-leases"),
        ("limits:\n  open-leases: three\n", 2, 16, "a whole number from 0 to 1000000 or none, not “three”"),
        ("limits:\n  open-leases: \"3\"\n", 2, 16, "not “3”"),
        ("limits:\n  open-leases: -1\n", 2, 16, "not “-1”"),
        ("limits:\n  open-leases: 3.5\n", 2, 16, "not “3.5”"),
        ("limits:\n  open-leases: 0x10\n", 2, 16, "not “0x10”"),
        ("limits:\n  open-leases: 03\n", 2, 16, "not “03”"),
        ("limits:\n  open-leases: 1000001\n", 2, 16, "not “1000001”"),
        ("limits:\n  open-leases:\n", 2, 15, "not nothing"),
        ("limits:\n  open-leases: [3]\n", 2, 16, "open-leases takes a whole number"),
        ("limits:\n  day-time: 4\n", 2, 13, "a duration such as 90s, 50m, 4h or 1d or none, not “4”"),
        ("limits:\n  day-time: 4 h\n", 2, 13, "not “4 h”"),
        ("limits:\n  day-time: -4h\n", 2, 13, "not “-4h”"),
        ("limits:\n  day-time: 4w\n", 2, 13, "not “4w”"),
        ("limits:\n  day-time: 3651d\n", 2, 13, "not “3651d”"),
        ("limits:\n  day-time: 99999999999d\n", 2, 13, "not “99999999999d”"),
        ("limits:\n  daily-rest: 10h\n", 2, 15, "a duration of at least 11h, not “10h”"),
        ("limits:\n  daily-rest: none\n", 2, 15, "daily-rest cannot be none"),
        ("limits:\n  lease-lifetime: 119s\n", 2, 19, "at least 2m"),
        ("limits:\n  quiet-hours: 20-8\n", 2, 16, "local hours such as 20:00-08:00"),
        ("limits:\n  quiet-hours: 20:00-24:00\n", 2, 16, "not “20:00-24:00”"),
        ("limits:\n  quiet-hours: 08:00-08:00\n", 2, 16, "not “08:00-08:00”"),
        ("limits:\n  weekly-rest-days: 7\n", 2, 21, "a whole number from 1 to 6"),
        ("limits: 3\n", 1, 9, "keys with values"),
        ("- limits\n", 1, 1, "keys with values"),
        ("limits:\n  break: none\n", 2, 3, "continuous-time and break come together"),
        ("limits:\n  weekly-rest: none\n", 2, 3, "weekly-rest and weekly-rest-days come together"),
        ("oversight:\n  span-max: 50\n", 2, 13, "a whole number from 1 to 49"),
        ("oversight:\n  span-max: none\n", 2, 13, "span-max cannot be none"),
        ("oversight:\n  span-max: 11\n", 2, 3, "span-warn (12) is above span-max (11)"),
        ("ceiling:\n  day-time: none\n", 2, 13, "day-time cannot be none"),
        ("format: 2\n", 1, 9, "format is 1"),
        ("name: Night Shift\n", 1, 7, "lower-case letters"),
        ("limits: {open-leases: 3\n", 2, 1, "no YAML"),
        ("limits:\n\topen-leases: 3\n", 2, 1, "no YAML"),
        ("---\nlimits: {}\n---\nlimits: {}\n", 3, 1, "no YAML"),
    ]

    @Test("Each says what is wrong, and where", arguments: cases)
    func refused(text: String, line: Int, column: Int, word: String) throws {
        let error = try #require(throws: ModelError.self) { try PolicyDocument(yaml: text) }
        #expect(error.code == .badPolicy)
        #expect(error.message.contains(word), "\(error.message)")
        #expect(error.line == line)
        #expect(error.column == column)
        #expect(error.description.hasPrefix("line \(line), column \(column): "))
    }

    @Test("All problems are told at once, each in its place and in the document's order")
    func all() throws {
        let text = """
            nane: shift
            limits:
              day-time: 4
              break: none
              weekly-rest: ever
              weekly-rest-days: none
            oversight: {span-max: 11, k: 5}
            ceiling: {day-time: none}
            """
        let error = try #require(throws: ModelError.self) { try PolicyDocument(yaml: text) }
        let places = ([error] + error.others).map { "\($0.line ?? 0):\($0.column ?? 0)" }
        #expect(places == ["1:1", "3:13", "4:3", "5:16", "7:13", "7:27", "8:21"], "\(error)")
        // A key that cannot be read is that problem alone, and no half of a pair.
        #expect(!error.description.contains("weekly-rest and weekly-rest-days"))
        #expect(error.description.split(separator: "\n").count == 7)
        #expect(error.description.split(separator: "\n").allSatisfy { $0.hasPrefix("line ") })
    }

    @Test("Of very many problems the first are told, and how many more there are")
    func many() throws {
        let text = "limits:\n" + (1...30).map { "  key-\($0): 1\n" }.joined()
        let error = try #require(throws: ModelError.self) { try PolicyDocument(yaml: text) }
        #expect(error.others.count == 10 && error.others.last?.message == "and 20 more")
        let long = try #require(throws: ModelError.self) {
            try PolicyDocument(yaml: String(repeating: "k", count: 10_000) + ": 1\n")
        }
        #expect(long.message.count < 200)
    }

    @Test(
        "A ceiling below the limit that it bounds is refused when it is proposed",
        arguments: [
            ("ceiling: {day-time: 3h}\n", 1, 11, "the ceiling of day-time, 3h, is stricter than the limit, 4h"),
            ("ceiling:\n  break: 11m\n", 2, 3, "the ceiling of break, 11m, is stricter than the limit, 10m"),
            ("ceiling:\n  day-tasks: 50\n", 2, 3, "the ceiling of day-tasks, 50, is stricter than the limit, none"),
            ("ceiling: {day-time: 6h}\nlimits:\n  day-time: 7h\n", 3, 3, "ceiling of day-time, 6h"),
        ])
    func idleCeilings(text: String, line: Int, column: Int, word: String) throws {
        let error = try #require(throws: ModelError.self) { try PolicyDocument(proposed: text) }
        #expect(error.line == line && error.column == column && error.message.contains(word), "\(error)")
        // What an earlier build put in force stops nobody's work.
        #expect(throws: Never.self) { try PolicyDocument(yaml: text) }
    }

    @Test(
        "Parked time has an end: none is refused when it is proposed, with what to write instead",
        arguments: [
            ("limits:\n  parked-time: none\n", 2, 16), ("limits: {parked-time: null}\n", 1, 23),
            ("ceiling:\n  parked-time: none\n", 2, 16),
        ])
    func parkedTime(text: String, line: Int, column: Int) throws {
        let error = try #require(throws: ModelError.self) { try PolicyDocument(proposed: text) }
        #expect(error.line == line && error.column == column && error.others.isEmpty, "\(error)")
        #expect(
            error.message == "parked-time cannot be none; it takes a duration such as 90s, 50m, 4h or 1d; write 72h, "
                + "which none stood for")
    }

    @Test("In a document that an earlier build put in force, none is the time that it meant")
    func parkedTimeInForce() throws {
        let document = try PolicyDocument(yaml: "limits:\n  parked-time: none\n")
        #expect(document.limits.parkedTime == .hours(72))
        #expect(PolicyDocument.entries(document.limits).contains { $0.key == "parked-time" && $0.value == "72h" })
        // Written out again it can be proposed.
        #expect(try PolicyDocument(proposed: document.yaml()).limits == document.limits)
        #expect(throws: ModelError.self) { try PolicyDocument.layer(yaml: "parked-time: none") }
        #expect(try PolicyDocument(proposed: "limits: {parked-time: 0s}").limits.parkedTime == .zero)
    }

    @Test("A ceiling at the limit, or looser, is none of that")
    func ceilings() throws {
        for text in ["{day-time: 4h}", "{day-time: 6h, break: 5m}", "{quiet-hours: 23:00-06:00}", "{}"] {
            #expect(throws: Never.self) { try PolicyDocument(proposed: "ceiling: \(text)") }
        }
    }

    @Test("A document of more than 64 KiB is not read")
    func tooLong() {
        let text = String(repeating: "#\n", count: PolicyDocument.bytesMax / 2) + "#"
        #expect(throws: ModelError.self) { try PolicyDocument(yaml: text) }
        #expect(throws: Never.self) { try PolicyDocument(yaml: String(text.dropLast())) }
    }

    @Test("A layer can name limits only, and not take one away")
    func layers() throws {
        let layer = try PolicyDocument.layer(yaml: "day-time: 3h\nbreak: 15m\n")
        #expect(layer.dayTime == .hours(3))
        #expect(layer.openLeases == nil)
        for text in ["day-time: none", "limits: {day-time: 3h}", "span-max: 5"] {
            #expect(throws: ModelError.self) { try PolicyDocument.layer(yaml: text) }
        }
        #expect(try PolicyDocument.layer(yaml: "") == WorkloadLimits())
    }
}
