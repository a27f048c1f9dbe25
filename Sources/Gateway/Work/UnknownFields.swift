import PlimsollProtocol
import SwiftProtobuf

/// Refuses fields outside the revision: a message of a worker carries what the protocol lists and nothing else (P10).
enum UnknownFields {
    /// Throws `badMessage` with the number of the first field that is not known. Looks at this message alone, not at
    /// the messages inside it.
    @inline(__always)
    static func check<Message: SwiftProtobuf.Message>(_ message: Message) throws(GatewayError) {
        guard message.unknownFields.data.isEmpty else { throw refusal(message) }
    }

    @inline(never)
    private static func refusal(_ message: some SwiftProtobuf.Message) -> GatewayError {
        let name = type(of: message).protoMessageName
        let revision = WorkRequest.revisionMax
        guard let number = firstNumber(in: message.unknownFields.data) else {
            return GatewayError(.badMessage, "\(name) carries a field that revision \(revision) does not have")
        }
        return GatewayError(.badMessage, "\(name) carries field \(number), which revision \(revision) does not have")
    }

    /// The field number in a tag: a varint whose lowest three bits are the wire type (protobuf's encoding guide).
    static func firstNumber(in bytes: some Sequence<UInt8>) -> UInt64? {
        var tag: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift < 35 else { return nil }
            tag |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return tag >> 3 }
            shift += 7
        }
        return nil
    }
}
