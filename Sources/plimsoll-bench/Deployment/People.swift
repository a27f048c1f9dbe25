import Foundation
import GRPCCore
import Identity
import NIOCore
import PlimsollProtocol
import WorkerKit

/// A made-up engineer who may work.
struct Engineer: Sendable {
    let name: String
    let identity: IdentityFiles.Content
}

/// The made-up people: enrolled, with role, certificate and their own agreement, by public calls alone.
actor People {
    private let deployment: BenchDeployment
    private let control: ControlConnection
    private let group: any EventLoopGroup
    private let notice: Plimsoll_V1_NoticeDocument
    private var engineers: [Engineer] = []
    private var supervisors = 0

    static let purpose = "taking-part"
    static let project = "bench"
    /// People made at once.
    private static let atOnce = 24
    /// Engineers of one supervisor: the span of control of every policy that the benchmark uses.
    private static let span = 20

    init(deployment: BenchDeployment, control: ControlConnection, group: any EventLoopGroup) async throws {
        self.deployment = deployment
        self.control = control
        self.group = group
        notice = try await control.control.publishNotice(Self.notice(), options: ControlConnection.options)
    }

    /// The first `count` people; makes who is missing.
    func first(_ count: Int) async throws -> [Engineer] {
        if engineers.count < count {
            Note.line("enrolling \(count - engineers.count) engineers")
            try await appointSupervisors(for: count)
            let base = engineers.count
            var made: [Int: Engineer] = [:]
            try await withThrowingTaskGroup(of: (Int, Engineer).self) { group in
                var next = base
                while next < min(base + Self.atOnce, count) {
                    let number = next
                    group.addTask { (number, try await self.make(number)) }
                    next += 1
                }
                while let (number, engineer) = try await group.next() {
                    made[number] = engineer
                    if made.count % 1_000 == 0 { Note.line("\(base + made.count) engineers") }
                    if next < count {
                        let number = next
                        group.addTask { (number, try await self.make(number)) }
                        next += 1
                    }
                }
            }
            engineers += made.sorted { $0.key < $1.key }.map(\.value)
        }
        return Array(engineers.prefix(count))
    }

    /// As many supervisors as the span of control asks for.
    private func appointSupervisors(for count: Int) async throws {
        while supervisors * Self.span < count {
            supervisors += 1
            var grant = Plimsoll_V1_GrantRoleRequest()
            grant.name = Self.supervisor(supervisors)
            grant.role = Role.supervisor.rawValue
            let role = grant
            _ = try await ControlConnection.retrying {
                try await control.control.grantRole(role, options: ControlConnection.options)
            }
        }
    }

    private static func supervisor(_ number: Int) -> String { "supervisor-\(number)" }

    /// Enrols people in one more project.
    nonisolated func enrol(_ people: [Engineer], in project: String) async throws {
        for engineer in people {
            // Who is in a team already stays there, whoever decides.
            let request = Self.enrolment(
                engineer.name, project: project, token: false, decidedBy: BenchDeployment.operatorName)
            _ = try await ControlConnection.retrying {
                try await control.control.enrolEngineer(request, options: ControlConnection.options)
            }
        }
    }

    private nonisolated func make(_ number: Int) async throws -> Engineer {
        let name = "engineer-\(number + 1)"
        let enrolment = Self.enrolment(
            name, project: Self.project, token: true, decidedBy: Self.supervisor(number / Self.span + 1))
        let enrolled = try await ControlConnection.retrying {
            try await control.control.enrolEngineer(enrolment, options: ControlConnection.options)
        }
        let files = IdentityFiles(directory: deployment.identities.appending(path: name))
        var issue = Plimsoll_V1_IssueCertificateRequest()
        issue.request = try files.createKey().request(
            for: .engineer(name, worker: "bench", trustDomain: BenchDeployment.trustDomain)
        ).pem
        issue.token = enrolled.token
        issue.validityHours = 72
        let request = issue
        let chain = try await ControlConnection.retrying {
            try await control.control.issueCertificate(request, options: ControlConnection.options)
        }
        try files.store(certificatePEM: chain.certificate, trustPEM: chain.authority)
        let engineer = Engineer(name: name, identity: try files.load())
        try await agree(engineer)
        return engineer
    }

    /// Only the person's own certificate can agree.
    private nonisolated func agree(_ engineer: Engineer) async throws {
        let address = try CoordinatorAddress("127.0.0.1:\(await deployment.first.port)")
        let connection = try WorkConnection(to: address, as: engineer.identity, eventLoopGroup: group)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                // Where the connection fails, the call says so.
                try? await connection.run()
            }
            defer { tasks.cancelAll() }
            _ = try await connection.giveAgreement(notice: notice.id, version: notice.version, sha256: notice.sha256)
            connection.close()
        }
    }

    private static func notice() -> Plimsoll_V1_NoticeDocument {
        var notice = Plimsoll_V1_NoticeDocument()
        notice.id = purpose
        notice.version = 1
        notice.locale = "en"
        notice.purpose = purpose
        notice.text =
            "You are a made-up person and answer made-up tasks, so that the speed of the queue can be measured."
        notice.data = "made-up answers and the date of each"
        notice.recipients = "whoever runs the benchmark"
        notice.retention = "until the benchmark ends"
        notice.withdrawalMethod = "plimsoll consent withdraw \(purpose)"
        notice.alternativeOffered = "not being made up"
        notice.assessment = "impact assessment of the benchmark"
        notice.assessmentOn = "2026-01-05"
        notice.consultation = "nobody works here: its people are made up"
        notice.consultationOn = "2026-01-12"
        notice.validityDays = 90
        notice.material = true
        return notice
    }

    private static func enrolment(
        _ name: String, project: String, token: Bool, decidedBy: String
    ) -> Plimsoll_V1_EnrolEngineerRequest {
        var request = Plimsoll_V1_EnrolEngineerRequest()
        request.name = name
        request.zone = zone
        request.projects = [project]
        request.rule = "benchmark, version 1: everybody who was made up for it"
        request.dataUsed = "none"
        request.decidedBy = decidedBy
        request.alternativeOffered = "not being made up"
        request.token = token
        return request
    }

    /// One for the whole run: a person keeps the zone that they were enrolled with.
    private static let zone = zoneWhereItIsMorning(Date())

    /// Zones without daylight saving by their hours from UTC, from -11 to 12.
    private static let zones = [
        "Pacific/Pago_Pago", "Pacific/Honolulu", "Pacific/Gambier", "Pacific/Pitcairn", "America/Phoenix",
        "America/Costa_Rica", "America/Bogota", "America/Puerto_Rico", "America/Sao_Paulo", "America/Noronha",
        "Atlantic/Cape_Verde", "Africa/Abidjan", "Africa/Lagos", "Africa/Maputo", "Africa/Nairobi", "Asia/Dubai",
        "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok", "Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane",
        "Pacific/Noumea", "Pacific/Tarawa",
    ]

    /// A zone in which it is between ten and eleven: the shipped limits have quiet hours, and no run may depend on the
    /// hour of the machine.
    static func zoneWhereItIsMorning(_ now: Date) -> String {
        let hour = Int(now.timeIntervalSince1970 / 3_600) % 24
        let offset = 10 - hour
        return zones[(offset < -11 ? offset + 24 : offset) + 11]
    }
}
