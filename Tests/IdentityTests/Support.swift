import Foundation
import Identity
import Testing
import X509

/// The deployment of these tests.
let domain = "plimsoll.test"

/// An instant that depends on no clock: 2026-03-30T09:00:00.750Z, within a second on purpose.
let now = Date(timeIntervalSince1970: 1_774_861_200.75)

/// The same instant as certificates write it.
let wholeNow = Date(timeIntervalSince1970: 1_774_861_200)

/// Runs `body` in a fresh directory that is gone afterwards, also when `body` throws.
func withDirectory<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("plimsoll-identity-\(UUID().uuidString.lowercased())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer {
        do { try FileManager.default.removeItem(at: directory) } catch { Issue.record(error) }
    }
    return try body(directory)
}

/// An authority that exists in memory only: its directory is gone when this returns.
func makeAuthority(
    _ trustDomain: String = domain, validity: Duration = CertificateAuthority.authorityValidityDefault
) throws -> CertificateAuthority {
    try withDirectory {
        try CertificateAuthority.create(trustDomain: trustDomain, in: $0, now: now, validity: validity)
    }
}

/// The engineer whom most tests are about.
func ada(worker: String = "desk") throws -> PeerIdentity {
    try .engineer("ada", worker: worker, trustDomain: domain)
}

/// Expects `body` to throw an error of this target with `code`; gives it for a look at its message.
@discardableResult
func refused<Value>(
    _ code: IdentityError.Code, at location: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) -> IdentityError? {
    let error = #expect(throws: IdentityError.self, sourceLocation: location) { _ = try body() }
    #expect(error?.code == code, "\(error?.message ?? "")", sourceLocation: location)
    return error
}

/// The permission bits of a file.
func mode(of file: URL) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
    return try #require((attributes[.posixPermissions] as? NSNumber)?.intValue)
}

func setMode(_ mode: Int, of file: URL) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
}

/// The subject alternative names of a certificate, in order.
func alternativeNames(of certificate: Certificate) throws -> [GeneralName] {
    try certificate.extensions.subjectAlternativeNames.map(Array.init) ?? []
}

/// The extended key usages of a certificate, in order.
func usages(of certificate: Certificate) throws -> [ExtendedKeyUsage.Usage] {
    try certificate.extensions.extendedKeyUsage.map(Array.init) ?? []
}
