import FoundationEssentials
import Ledger
import PlimsollProtocol
import SwiftProtobuf
import Testing

/// P10: what crosses the wire about a person is listed, field by field.
@Suite struct ProtocolInventoryTests {
    @Test func everyFieldOfTheProtocolIsListed() throws {
        let inventory = try Inventory.shipped()
        var listed = inventory.otherMessages
        for message in inventory.messages {
            #expect(listed[message.name] == nil, "\(message.name) is listed twice")
            #expect(!message.fields.isEmpty && !message.purpose.isEmpty && !message.kept.isEmpty)
            listed[message.name] = message.fields + message.plain
        }
        let bytes = try #require(Data(base64Encoded: DescriptorSet.base64))
        let files = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        var live: Set<String> = []
        for file in files.file where file.package == "plimsoll.v1" {
            for message in file.messageType {
                #expect(message.nestedType.isEmpty, "\(message.name) has messages of its own, which are not looked at")
                live.formUnion(message.field.map { "\(message.name).\($0.name)" })
            }
        }
        #expect(live.count > 300)
        let known = Set(listed.flatMap { message, fields in fields.map { "\(message).\($0)" } })
        #expect(
            live.subtracting(known).sorted() == [],
            "not in Schema/inventory/inventory.json: list each with what it is for, or among those without people")
        #expect(known.subtracting(live).sorted() == [], "listed, and not in the protocol")
    }

    /// What must not exist has no field anywhere: no time per task, no idle time, no keystroke.
    @Test func nothingMeasuresAPersonByTheSecond() throws {
        let bytes = try #require(Data(base64Encoded: DescriptorSet.base64))
        let files = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        let names = files.file.filter { $0.package == "plimsoll.v1" }.flatMap(\.messageType)
            .flatMap { message in message.field.map { "\(message.name).\($0.name)" } }
        for word in ["lead_time", "keystroke", "pointer_", "mouse", "screen", "idle_seconds", "time_spent", "took_"] {
            #expect(!names.contains { $0.contains(word) }, "\(word)")
        }
    }
}
