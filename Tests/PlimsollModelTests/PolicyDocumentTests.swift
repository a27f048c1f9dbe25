import Foundation
import PlimsollModel
import Testing

@Suite("Policy documents")
struct PolicyDocumentTests {
    static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func shipped(_ name: String) throws -> PolicyDocument {
        let url = checkout.appending(path: "Deploy/policy/\(name).yaml")
        return try PolicyDocument(yaml: String(contentsOf: url, encoding: .utf8))
    }

    @Test("The shipped default says what the design's table says and what an empty document means")
    func defaults() throws {
        let shipped = try Self.shipped("default")
        #expect(shipped.limits == .defaults)
        #expect(shipped.oversight == .defaults)
        #expect(shipped.named.count == 23)
        for empty in ["", "# nothing\n", "{}", "limits: {}"] {
            #expect(try PolicyDocument(yaml: empty) == .defaults)
        }
        let limits = PolicyDocument.defaults.limits
        #expect(limits.openLeases == 3)
        #expect(limits.dayTime == .seconds(4 * 3_600))
        #expect(limits.weekTime == .seconds(20 * 3_600))
        #expect(limits.dayTasks == nil)
        #expect(limits.quietHours?.description == "20:00-08:00")
        #expect(limits.severity3Day == .zero)
        #expect(PolicyDocument.defaults.oversight.spanMax == 20)
    }

    @Test(
        "Every named document can be read and bears its file's name", arguments: ["default", "bench", "replay", "demo"])
    func named(name: String) throws {
        let document = try Self.shipped(name)
        #expect(document.name == name)
        #expect(try PolicyDocument(yaml: document.yaml()) == document)
    }

    @Test("The benchmark's document sets every limit but quiet hours")
    func bench() throws {
        let entries = PolicyDocument.entries(try Self.shipped("bench").limits)
        #expect(entries.filter { $0.value == "none" }.map(\.key) == ["quiet-hours"])
        #expect(entries.first { $0.key == "open-leases" }?.value == "32")
    }

    @Test("Written out and read again a document is the same, and its text is stable")
    func roundTrip() throws {
        var document = PolicyDocument.defaults
        document.name = "night-shift"
        document.limits.dayTasks = 120
        document.limits.quietHours = nil
        document.limits.continuousTime = .seconds(90)
        document.limits.weeklyRest = nil
        document.limits.weeklyRestDays = nil
        document.oversight.redelivery = nil
        document.ceiling = WorkloadLimits()
        document.ceiling?.dayTime = .hours(6)
        let text = document.yaml()
        let again = try PolicyDocument(yaml: text)
        #expect(again.limits == document.limits)
        #expect(again.oversight == document.oversight)
        #expect(again.ceiling == document.ceiling)
        #expect(again.name == "night-shift")
        #expect(again.yaml() == text)
    }

    @Test(
        "Durations are whole numbers with one unit",
        arguments: [
            ("4h", 14_400), ("50m", 3_000), ("90s", 90), ("1d", 86_400), ("0s", 0), ("0", 0), ("3650d", 315_360_000),
        ])
    func durations(text: String, seconds: Int) throws {
        #expect(try PolicyDocument(yaml: "limits: {day-time: \(text)}").limits.dayTime == .seconds(seconds))
        #expect(DurationText.parse(text) == .seconds(seconds))
    }

    @Test("The JSON Schema in the repository is the parser's own")
    func schema() throws {
        let url = Self.checkout.appending(path: "Schema/policy/policy.schema.json")
        if ProcessInfo.processInfo.environment["PLIMSOLL_WRITE_SCHEMA"] != nil {
            try PolicyDocument.jsonSchema.write(to: url, atomically: true, encoding: .utf8)
        }
        let committed = try String(contentsOf: url, encoding: .utf8)
        #expect(committed == PolicyDocument.jsonSchema, "run this test once with PLIMSOLL_WRITE_SCHEMA=1 and commit")
    }

    @Test("Every key of a written document is in the schema, and none besides")
    func schemaKeys() throws {
        let schema = try JSONValue.parse(PolicyDocument.jsonSchema)
        let keys = try #require(schema["properties"]?["limits"]?["properties"]?.objectValue?.keys)
        #expect(keys == PolicyDocument.entries(.defaults).map(\.key))
        for section in ["limits", "oversight", "ceiling"] {
            #expect(schema["properties"]?[section]?["additionalProperties"] == false)
        }
    }
}
