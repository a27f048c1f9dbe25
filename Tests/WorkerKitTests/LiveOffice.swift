import Foundation
import GRPCCore
import PlimsollProtocol
import SwiftProtobuf

/// What a screen asks of a coordinator besides tasks, on the same port: health, and why work comes.
struct LiveOffice: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        answer(&router, Grpc_Health_V1_Health.Method.Check.descriptor) { (_: Grpc_Health_V1_HealthCheckRequest) in
            Grpc_Health_V1_HealthCheckResponse.with { $0.status = .serving }
        }
        answer(&router, Plimsoll_V1_Person.Method.Explain.descriptor) { (_: Plimsoll_V1_ExplainRequest) in
            Plimsoll_V1_ExplainResponse.with {
                $0.name = "ada"
                $0.zone = "Europe/Berlin"
                $0.atMicroseconds = 1_774_857_600_000_000
                $0.projects = [
                    .with {
                        $0.project = "rating"
                        $0.cause = .allInOtherHands
                        $0.sentence = "Everything that is left for you is in other hands."
                    }
                ]
            }
        }
        answer(&router, Plimsoll_V1_Organisation.Method.ListSelections.descriptor) {
            (_: Plimsoll_V1_ListSelectionsRequest) in
            Plimsoll_V1_ListSelectionsResponse.with {
                $0.selections = [
                    .with {
                        $0.project = "rating"
                        $0.decidedBy = "boss"
                    }
                ]
            }
        }
    }

    private func answer<Asked: Message, Answer: Message>(
        _ router: inout RPCRouter<some ServerTransport>, _ method: MethodDescriptor,
        _ body: @Sendable @escaping (Asked) -> Answer
    ) {
        router.registerHandler(
            forMethod: method, deserializer: ProtobufBytes<Asked>(), serializer: ProtobufBytes<Answer>()
        ) { request, _ in
            var answer = Answer()
            for try await message in request.messages { answer = body(message) }
            let reply = answer
            return StreamingServerResponse { writer in
                try await writer.write(reply)
                return [:]
            }
        }
    }
}

private struct ProtobufBytes<Value: Message>: MessageDeserializer, MessageSerializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Value {
        try Value(serializedBytes: bytes.withUnsafeBytes { Array($0) })
    }

    func serialize<Bytes: GRPCContiguousBytes>(_ message: Value) throws -> Bytes {
        Bytes(try message.serializedBytes() as [UInt8])
    }
}
