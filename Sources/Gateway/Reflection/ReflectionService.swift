import FoundationEssentials
import GRPCCore
import PlimsollProtocol
import SwiftProtobuf

/// `grpc.reflection.v1`: what the protocol is, for tools that were not built with it. Off unless configured.
struct ReflectionService: Grpc_Reflection_V1_ServerReflection.ServiceProtocol {
    private let index: DescriptorIndex

    /// Throws `internalFault` when the committed descriptors cannot be read.
    init() throws(GatewayError) { index = try DescriptorIndex(base64: DescriptorSet.base64) }

    func serverReflectionInfo(
        request: StreamingServerRequest<Grpc_Reflection_V1_ServerReflectionRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Grpc_Reflection_V1_ServerReflectionResponse> {
        StreamingServerResponse { writer in
            for try await question in request.messages { try await writer.write(answer(question)) }
            return [:]
        }
    }

    private func answer(
        _ question: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var answer = Grpc_Reflection_V1_ServerReflectionResponse()
        answer.validHost = question.host
        answer.originalRequest = question
        switch question.messageRequest {
        case .fileByFilename(let name)?: answer.messageResponse = files(index.files(named: name))
        case .fileContainingSymbol(let symbol)?: answer.messageResponse = files(index.files(defining: symbol))
        case .listServices?:
            answer.listServicesResponse = .with { list in
                list.service = index.services.map { name in .with { $0.name = name } }
            }
        case .allExtensionNumbersOfType(let type)? where index.files(defining: type) != nil:
            // The protocol is proto3, which has no extensions of its own.
            answer.allExtensionNumbersResponse = .with { $0.baseTypeName = type }
        case .fileContainingExtension?, .allExtensionNumbersOfType?: answer.messageResponse = files(nil)
        case nil: answer.messageResponse = .errorResponse(.error(.invalidArgument, "nothing was asked"))
        }
        return answer
    }

    private func files(_ found: [Data]?) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        guard let found else { return .errorResponse(.error(.notFound, "there is no such name here")) }
        return .fileDescriptorResponse(.with { $0.fileDescriptorProto = found })
    }
}

extension Grpc_Reflection_V1_ErrorResponse {
    fileprivate static func error(_ code: Status.Code, _ message: String) -> Grpc_Reflection_V1_ErrorResponse {
        .with {
            $0.errorCode = Int32(code.rawValue)
            $0.errorMessage = message
        }
    }
}

/// The files of the protocol by name and by what they define.
struct DescriptorIndex: Sendable {
    /// Full names of services, sorted.
    let services: [String]
    private let serialized: [String: Data]
    private let imports: [String: [String]]
    private let definedIn: [String: String]

    init(base64: String) throws(GatewayError) {
        do {
            guard let bytes = Data(base64Encoded: base64) else {
                throw GatewayError(.internalFault, "the descriptors of the protocol are no base64")
            }
            let set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
            serialized = try Dictionary(
                uniqueKeysWithValues: set.file.map { ($0.name, try $0.serializedData()) })
            imports = Dictionary(uniqueKeysWithValues: set.file.map { ($0.name, $0.dependency) })
            services = set.file.flatMap { file in file.service.map { "\(file.package).\($0.name)" } }.sorted()
            definedIn = Dictionary(
                set.file.flatMap { file in file.definedNames.map { ($0, file.name) } },
                uniquingKeysWith: { first, _ in first })
        } catch let error as GatewayError {
            throw error
        } catch {
            throw GatewayError(.internalFault, "the descriptors of the protocol cannot be read", cause: error)
        }
    }

    /// A file and everything it imports, itself first; nil where there is none of this name.
    func files(named name: String) -> [Data]? {
        guard serialized[name] != nil else { return nil }
        var wanted = [name]
        var seen: Set = [name]
        var files: [Data] = []
        while !wanted.isEmpty {
            let next = wanted.removeFirst()
            if let file = serialized[next] { files.append(file) }
            for name in imports[next] ?? [] where seen.insert(name).inserted { wanted.append(name) }
        }
        return files
    }

    /// The file that defines a service, method, message, field or enum, and everything it imports.
    func files(defining symbol: String) -> [Data]? { definedIn[symbol].flatMap(files(named:)) }
}

extension Google_Protobuf_FileDescriptorProto {
    /// Full names of what this file defines.
    fileprivate var definedNames: [String] {
        let start = package.isEmpty ? "" : package + "."
        return messageType.flatMap { $0.definedNames(start) } + enumType.map { start + $0.name }
            + service.flatMap { service in
                [start + service.name] + service.method.map { start + service.name + "." + $0.name }
            }
    }
}

extension Google_Protobuf_DescriptorProto {
    fileprivate func definedNames(_ start: String) -> [String] {
        let inside = start + name + "."
        return [start + name] + field.map { inside + $0.name } + enumType.map { inside + $0.name }
            + nestedType.flatMap { $0.definedNames(inside) }
    }
}
