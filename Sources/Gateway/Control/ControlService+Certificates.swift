import FoundationEssentials
import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    /// Signs a request with the token that was given to the person, whatever role it asks for: under each of them that
    /// person's own data can be read. Operators sign for themselves without one. Whoever makes a token could use it;
    /// that both happened is in the chain, in the person's `me access` and at their next hello.
    func issueCertificate(
        request: Plimsoll_V1_IssueCertificateRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_CertificateChain {
        guard let authority else { throw GatewayError.noAuthority }
        let actor = try context.caller.name
        let signed = try CertificateRequest(pem: request.request)
        guard let identity = signed.requested else {
            throw GatewayError(.badMessage, "the request does not say whose certificate it asks for")
        }
        guard identity.role != .coordinator else {
            throw GatewayError(
                .refused, "a coordinator's certificate is issued at the authority: plimsoll cert issue --ca DIR")
        }
        let token = identity.name == actor ? nil : try tokenHash(request.token)
        let validity =
            request.validityHours == 0
            ? CertificateAuthority.leafValidityDefault : .seconds(Int64(request.validityHours) * 3_600)
        let issued = try authority.issue(request: signed, as: identity, validity: validity, now: Date())
        try await ledger.recordCertificate(CertificateRow.Draft(issued), tokenHash: token, by: actor)
        return .init(issued)
    }

    private func tokenHash(_ token: String) throws -> [UInt8] {
        guard !token.isEmpty else {
            throw GatewayError(
                .refused,
                "a person's first certificate needs their enrolment token; plimsoll engineer enrol makes one, "
                    + "for other roles plimsoll role grant; plimsoll cert request --token takes it")
        }
        return EnrolmentToken.hash(token)
    }

    func listCertificates(
        request: Plimsoll_V1_ListCertificatesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListCertificatesResponse {
        try await ledger.recordRead(.certificateList(of: request.name.orNil), by: context.caller.name)
        let rows = try await ledger.certificates(of: request.name.orNil)
        return .with {
            $0.certificates = rows.map { row in
                .with {
                    $0.serial = row.serial
                    $0.identity = row.identity
                    $0.notBeforeSeconds = row.notBefore.seconds
                    $0.notAfterSeconds = row.notAfter.seconds
                    $0.denied = row.isDenied
                    $0.issuedBy = row.issuedBy
                }
            }
        }
    }

    func denyCertificate(
        request: Plimsoll_V1_DenyCertificateRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_DenyCertificateResponse {
        guard request.name.isEmpty != request.serial.isEmpty else {
            throw GatewayError(.badMessage, "name either a person or one certificate's serial")
        }
        let target: DenialTarget =
            request.name.isEmpty ? .serial(request.serial.lowercased()) : .person(request.name)
        let outcome = try await ledger.deny(target, reason: request.reason, by: context.caller.name)
        return .with {
            $0.certificates = UInt32(clamping: outcome.certificates)
        }
    }
}

extension CertificateRow.Draft {
    init(_ issued: IssuedCertificate) {
        self.init(
            serial: issued.serial, identity: issued.identity.uri, name: issued.identity.name,
            notBefore: Moment(seconds: Int64(issued.notBefore.timeIntervalSince1970)),
            notAfter: Moment(seconds: Int64(issued.notAfter.timeIntervalSince1970)))
    }
}

extension Plimsoll_V1_CertificateChain {
    init(_ issued: IssuedCertificate) {
        self.init()
        certificate = issued.pem
        authority = issued.authorityPEM
        serial = issued.serial
    }
}
