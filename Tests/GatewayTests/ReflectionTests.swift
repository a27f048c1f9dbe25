import GRPCCore
import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import Gateway

extension OverTLS {
    @Suite struct ReflectionTests {
        typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
        typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

        private func ask(_ gateway: RunningGateway, _ questions: [Request]) async throws -> [Response] {
            try await gateway.withClient(gateway.deployment.engineer()) { client in
                try await Grpc_Reflection_V1_ServerReflection.Client(wrapping: client).serverReflectionInfo { writer in
                    for question in questions { try await writer.write(question) }
                } onResponse: { response in
                    var answers: [Response] = []
                    for try await answer in response.messages { answers.append(answer) }
                    return answers
                }
            }
        }

        @Test func theProtocolCanBeListedWhenConfigured() async throws {
            try await withGateway({ $0.reflection = true }) { gateway in
                let answers = try await ask(
                    gateway,
                    [
                        .with { $0.listServices = "*" },
                        .with { $0.fileContainingSymbol = "plimsoll.v1.Control.ImportTasks" },
                        .with { $0.fileByFilename = "plimsoll/v1/work_queue.proto" },
                        .with { $0.fileContainingSymbol = "plimsoll.v1.Nonsense" },
                        .with { $0.allExtensionNumbersOfType = "plimsoll.v1.Hello" },
                        Request(),
                    ])
                try #require(answers.count == 6)
                #expect(
                    answers[0].listServicesResponse.service.map(\.name) == [
                        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "plimsoll.v1.Audit",
                        "plimsoll.v1.Concerns", "plimsoll.v1.Control", "plimsoll.v1.Deployment",
                        "plimsoll.v1.Exports", "plimsoll.v1.Hours", "plimsoll.v1.Organisation",
                        "plimsoll.v1.Person", "plimsoll.v1.Receipts", "plimsoll.v1.WorkQueue",
                    ])
                let files = try answers[1].fileDescriptorResponse.fileDescriptorProto.map {
                    try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name
                }
                #expect(files == ["plimsoll/v1/control.proto", "plimsoll/v1/work_queue.proto"])
                #expect(answers[2].fileDescriptorResponse.fileDescriptorProto.count == 1)
                #expect(answers[3].errorResponse.errorCode == 5)
                #expect(answers[4].allExtensionNumbersResponse.extensionNumber.isEmpty)
                #expect(answers[5].errorResponse.errorCode == 3)
            }
        }

        @Test func itIsOffByDefault() async throws {
            try await withGateway { gateway in
                let error = await #expect(throws: RPCError.self) {
                    _ = try await ask(gateway, [Request.with { $0.listServices = "*" }])
                }
                #expect(error?.code == .unimplemented)
            }
        }
    }
}
