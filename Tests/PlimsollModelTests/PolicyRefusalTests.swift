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
        ("limits:\n  break: none\n", 1, 1, "continuous-time and break come together"),
        ("limits:\n  weekly-rest: none\n", 1, 1, "weekly-rest and weekly-rest-days come together"),
        ("oversight:\n  span-max: 50\n", 2, 13, "a whole number from 1 to 49"),
        ("oversight:\n  span-max: none\n", 2, 13, "span-max cannot be none"),
        ("oversight:\n  span-max: 11\n", 1, 1, "span-warn (12) is above span-max (11)"),
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
