import Foundation
import GRPCCore
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Testing
import WorkerKit

extension LiveSystem {
    /// Publishes a notice for each purpose, as an operator does.
    func publishNotices(_ purposes: [String]) async throws {
        for purpose in purposes {
            let file = try self.file(
                "notice-\(purpose).yaml",
                """
                id: \(purpose)
                purpose: \(purpose)
                text: |
                  You are asked to answer tasks of a test, for \(purpose). You can refuse, and withdraw at any moment.
                data: your answers and the date of each
                recipients: whoever runs the test
                retention: until the test ends
                withdrawal_method: plimsoll consent withdraw \(purpose)
                alternative_offered: watching
                assessment: {reference: impact assessment of the test, date: 2026-01-05}
                consultation: {reference: meeting of the workers 1, date: 2026-01-12}
                validity_days: 90
                version: 1
                """)
            try await succeed(["notice", "publish", file.plain], as: operatorIdentity)
        }
    }

    /// A project that needs `purposes`; `schema` is JSON.
    func createProject(
        _ name: String, schema: String, overlap: Int, effortSeconds: Int = 60, purposes: [String]
    ) async throws {
        let purposeList = purposes.map { "\"\($0)\"" }.joined(separator: ", ")
        let file = try self.file(
            "project-\(name).json",
            """
            {"name": "\(name)", "instructions": "Answer.", "answer_schema": \(schema), "overlap": \(overlap),
             "weight": 1, "purposes": [\(purposeList)], "effort_seconds": \(effortSeconds),
             "named_persons": ["\(Self.operatorName)"]}
            """)
        try await succeed(["project", "create", "--from", file.plain], as: operatorIdentity)
    }

    /// Tasks with these keys and nothing much in them.
    func importTasks(_ keys: some Sequence<String>, project: String, within budget: Duration = .seconds(180))
        async throws
    {
        let lines = keys.map { #"{"key": "\#($0)", "kind": "test", "payload": {"item": "\#($0)"}}"# + "\n" }
        let file = try self.file("tasks-\(project).jsonl", lines.joined())
        try await succeed(["task", "import", file.plain, "--project", project], as: operatorIdentity, within: budget)
    }

    /// Enrols people, with certificates for keys made here, and agreements given with each person's own certificate.
    /// The same calls as `engineer enrol`, `cert request`, `cert issue`, `cert install` and `consent give`.
    func enrol(_ names: [String], projects: [String], purposes: [String]) async throws {
        let atOnce = 5
        var supervisor = Self.operatorName
        for start in stride(from: 0, to: names.count, by: atOnce) {
            // As many supervisors as the span of control allows; the operator answers for the first few.
            if start > 0, start % 20 == 0 {
                supervisor = "lead-of-\(names[start])"
                try await succeed(["role", "grant", supervisor, "supervisor"], as: operatorIdentity)
            }
            try await withThrowingTaskGroup(of: Void.self) { [supervisor] group in
                for name in names[start..<min(start + atOnce, names.count)] {
                    group.addTask {
                        try await self.certify(name, projects: projects, supervisor: supervisor)
                        try await self.agree(name, purposes: purposes)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// Enrolment and certificate of one engineer.
    func certify(_ name: String, projects: [String], supervisor: String = operatorName) async throws {
        let files = IdentityFiles(directory: identity(name))
        let key = try files.createKey()
        let request = try key.request(for: .engineer(name, worker: "main", trustDomain: Self.trustDomain)).pem
        let chain = try await asOperator { control in
            let enrolled = try await control.enrolEngineer(
                .with {
                    $0.name = name
                    $0.zone = "Europe/Berlin"
                    $0.projects = projects
                    $0.rule = "test, version 1: everybody of the test"
                    $0.dataUsed = "none"
                    $0.decidedBy = supervisor
                    $0.alternativeOffered = "watching"
                    $0.token = true
                })
            return try await control.issueCertificate(
                .with {
                    $0.request = request
                    $0.token = enrolled.token
                    $0.validityHours = 24
                })
        }
        try files.store(certificatePEM: chain.certificate, trustPEM: chain.authority)
    }

    /// Gives the agreement to each purpose under its notice.
    func agree(_ name: String, purposes: [String], at index: Int = 0) async throws {
        try await withConnection(name, at: index) { connection in
            for notice in try await connection.listAgreements().map(\.notice) where purposes.contains(notice.purpose) {
                _ = try await connection.giveAgreement(
                    notice: notice.id, version: notice.version, sha256: notice.sha256)
            }
        }
    }

    /// A worker's connection to one coordinator as one engineer.
    func withConnection<R: Sendable>(
        _ name: String, at index: Int = 0, _ body: @Sendable @escaping (WorkConnection) async throws -> R
    ) async throws -> R {
        let connection = try WorkConnection(
            to: CoordinatorAddress(address(index)), as: IdentityFiles(directory: identity(name)).load())
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask {
                try await connection.run()
                return nil
            }
            group.addTask { try await body(connection) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw SystemFailure("the connection of \(name) ended")
        }
    }

    /// A role, its token, a request, a certificate: somebody who is not an engineer can call.
    func certifySupervisor(_ name: String) async throws {
        let request = folder.appending(path: "\(name).request").plain
        let certificate = folder.appending(path: "\(name).pem").plain
        let granted = try JSONValue.parse(
            await succeed(["role", "grant", name, "supervisor", "-o", "json"], as: operatorIdentity))
        let token = try #require(granted["token"]?.stringValue)
        try await succeed([
            "cert", "request", name, "--role", "supervisor", "--trust-domain", Self.trustDomain, "--identity",
            identity(name).plain, "--token", token, "--out", request,
        ])
        try await succeed(["cert", "issue", request, "--out", certificate], as: operatorIdentity)
        try await succeed(["cert", "install", certificate, "--identity", identity(name).plain])
    }

    /// A process of many engineers.
    func startCrowd(
        _ name: String, engineers: [String], servers: String? = nil, project: String, inFlight: Int,
        recorded: URL? = nil, rate: Int = 0
    ) throws -> Program {
        var arguments = [
            "crowd", "--server", servers ?? self.servers, "--identities", identities.plain, "--engineers",
            engineers.joined(separator: ","), "--project", project, "--diary", diary(name).plain, "--in-flight",
            "\(inFlight)", "--rate", "\(rate)",
        ]
        if let recorded { arguments += ["--recorded", recorded.plain] }
        return try launch(Products.replay, arguments, log: name)
    }

    func diary(_ name: String) -> URL { folder.appending(path: "\(name).diary") }
}
