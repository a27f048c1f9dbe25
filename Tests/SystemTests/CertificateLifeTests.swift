import Foundation
import GRPCCore
import Identity
import PlimsollProtocol
import SwiftProtobuf
import TestSupport
import Testing

extension SystemTests {
    /// Certificates of processes that run: changed under them, renewed by them, and those of strangers.
    @Suite struct CertificateLifeTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#
        private static let openssl = URL(filePath: "/usr/bin/openssl")

        private static func prepare(_ system: LiveSystem, _ project: String, tasks: Int) async throws {
            try await system.publishNotices(purposes)
            try await system.createProject(project, schema: schema, overlap: 1, purposes: purposes)
            try await system.importTasks((1...tasks).map { "t\($0)" }, project: project)
            try await system.enrol(["ada"], projects: [project], purposes: purposes)
        }

        // MARK: - The coordinator's

        @Test func `SIGHUP puts a new certificate in use without ending a stream, and a bad one is not used`()
            async throws
        {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await Self.prepare(system, "hup", tasks: 3)
                let files = IdentityFiles(directory: system.folder.appending(path: "coordinator-1"))
                let first = try files.certificate().serial
                #expect(try await Self.servedSerial(system) == first)
                try await TestStream.with(system, "ada", at: 0, project: "hup") { ada in
                    try await Self.answerOne(ada)
                    let second = try Self.renewCoordinator(system, files)
                    #expect(second != first)
                    // On disk alone it is nothing to a process that runs.
                    #expect(try await Self.servedSerial(system) == first)
                    try system.coordinator(0).signal(SIGHUP)
                    let isUsed = try await eventually(within: .seconds(10)) {
                        try await Self.servedSerial(system) == second
                    }
                    #expect(isUsed, "\(system.logTail(0))")
                    try await Self.answerOne(ada)
                    try Data("nonsense".utf8).write(to: URL(filePath: files.certificatePath))
                    try system.coordinator(0).signal(SIGHUP)
                    let isSaid = try await eventually(within: .seconds(10)) {
                        system.logTail(0).contains("certificate and key stay as they were")
                    }
                    #expect(isSaid, "\(system.logTail(0))")
                    #expect(try await Self.servedSerial(system) == second)
                    try await Self.answerOne(ada)
                }
                #expect(try system.coordinator(0).exitCode == nil)
            }
        }

        private static func renewCoordinator(_ system: LiveSystem, _ files: IdentityFiles) throws -> String {
            let identity = try files.certificate().identity
            let issued = try CertificateAuthority.load(from: system.authority).issue(
                request: files.key().request(for: identity), as: identity, dnsNames: ["localhost"],
                ipAddresses: ["127.0.0.1"], now: Date())
            try files.store(issued)
            return issued.serial
        }

        /// The serial of the certificate that a new connection is shown.
        private static func servedSerial(_ system: LiveSystem) async throws -> String {
            let identity = IdentityFiles(directory: system.operatorIdentity)
            let shown = try await Machine.run(
                openssl,
                [
                    "s_client", "-connect", system.address(0), "-alpn", "h2", "-CAfile", identity.trustPath, "-cert",
                    identity.certificatePath, "-key", identity.keyPath,
                ])
            guard let start = shown.output.range(of: "-----BEGIN CERTIFICATE-----"),
                let end = shown.output.range(of: "-----END CERTIFICATE-----")
            else { throw SystemFailure("no certificate was shown: \(shown)") }
            let file = try system.file("served.pem", String(shown.output[start.lowerBound..<end.upperBound]) + "\n")
            let serial = try await Machine.run(openssl, ["x509", "-in", file.plain, "-noout", "-serial"])
            return serial.output.trimmingCharacters(in: .whitespacesAndNewlines)
                .replacingOccurrences(of: "serial=", with: "").lowercased()
        }

        private static func answerOne(_ stream: TestStream) async throws {
            try await stream.send(.with { $0.want = 1 })
            let lease = try await stream.next { $0.leases.first }
            let settled = try await stream.submit(lease, "3")
            #expect(settled.outcome == .accepted)
        }

        // MARK: - A worker's

        /// Long enough for a worker to begin with it and too short for it to end with it. The certificate is dated back
        /// by a minute, so two thirds of its life are over after a third of this.
        private static let shortLife = Duration.seconds(60)

        @Test func `a worker renews its certificate by itself and works on past the old one's end`() async throws {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await Self.prepare(system, "life", tasks: 1)
                let files = IdentityFiles(directory: system.identity("ada"))
                let key = try files.key().pem
                let old = try Self.shorten(system, files)
                let end = ContinuousClock.now + Self.shortLife
                let worker = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", "life", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--exec", "cat >/dev/null; echo 5",
                    ], log: "life")
                let isRenewed = try await eventually(within: Self.shortLife) {
                    worker.errorText.contains("the certificate was renewed") || worker.exitCode != nil
                }
                #expect(isRenewed && worker.exitCode == nil, "\(worker.errorText)")
                let content = try files.load()
                #expect(content.certificate.serial != old && content.key.pem != key)
                #expect(content.certificate.notAfter > Date(timeIntervalSinceNow: 3_600))
                let listed = try await system.succeed(["cert", "list", "ada"], as: system.operatorIdentity)
                #expect(listed.contains(content.certificate.serial), "\(listed)")
                // Past the old one's end, a new connection included.
                try await Task.sleep(until: end + .seconds(1), clock: .continuous)
                try await system.killCoordinator(0)
                try system.startCoordinator(0)
                try await system.waitUntilServing(0)
                try await system.importTasks(["later"], project: "life")
                let isAnswered = try await eventually(within: .seconds(60)) {
                    try await system.asOperator { control in
                        try await control.listTasks(
                            .with {
                                $0.project = "life"
                                $0.state = "done"
                                $0.limit = 10
                            }
                        ).tasks.count
                    } == 2
                }
                #expect(isAnswered, "\(worker.errorText)")
                worker.signal(SIGTERM)
                let code = await worker.end(within: .seconds(40))
                #expect(code == 0, "\(worker.errorText)")
            }
        }

        /// Puts a certificate in place that ends soon; its serial.
        private static func shorten(_ system: LiveSystem, _ files: IdentityFiles) throws -> String {
            let identity = try files.certificate().identity
            let issued = try CertificateAuthority.load(from: system.authority).issue(
                request: files.key().request(for: identity), as: identity, validity: shortLife, now: Date())
            try files.store(issued)
            return issued.serial
        }

        @Test func `a certificate that somebody else has in a person's name is told at their next hello, once`()
            async throws
        {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await Self.prepare(system, "told", tasks: 1)
                func told() async throws -> [String] {
                    try await TestStream.with(system, "ada", at: 0, project: "told") { ada in
                        // The answer to a want comes after whatever the hello brought.
                        try await ada.send(.with { $0.want = 1 })
                        _ = try await ada.next { $0.leases.isEmpty && !$0.hasIdle ? nil : true }
                        return ada.messages.flatMap(\.message.notifications).filter { $0.kind == .certificate }
                            .map(\.message)
                    }
                }
                // The one in use is no news.
                #expect(try await told().isEmpty)
                // One that somebody else holds, who had the person's token.
                let other = IdentityFiles(directory: system.folder.appending(path: "other"))
                let token = try await system.asOperator { control in
                    try await control.enrolEngineer(
                        .with {
                            $0.name = "ada"
                            $0.zone = "Europe/Berlin"
                            $0.projects = ["told"]
                            $0.rule = "test, version 1: everybody of the test"
                            $0.dataUsed = "none"
                            $0.decidedBy = LiveSystem.operatorName
                            $0.alternativeOffered = "watching"
                            $0.token = true
                        }
                    ).token
                }
                let request = try other.createKey().request(
                    for: .engineer("ada", worker: "other", trustDomain: LiveSystem.trustDomain)
                ).pem
                let serial = try await system.asOperator { control in
                    try await control.issueCertificate(
                        .with {
                            $0.request = request
                            $0.token = token
                            $0.validityHours = 1
                        }
                    ).serial
                }
                let news = try await told()
                #expect(news.count == 1 && news[0].contains(serial) && news[0].contains("/worker/other"), "\(news)")
                #expect(try await told().isEmpty)
            }
        }

        // MARK: - Strangers

        @Test(.needsMounting)
        func `an authority in the system's trust store vouches for nobody, neither caller nor coordinator`()
            async throws
        {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                // Another authority that calls itself by our trust domain, and that this machine trusts.
                let publicCA = try CertificateAuthority.create(
                    trustDomain: LiveSystem.trustDomain, in: system.folder.appending(path: "public-ca"), now: Date())
                let store = try system.file("store.pem", publicCA.certificatePEM)
                let mallory = try Self.identity(
                    system, .operator(LiveSystem.operatorName, trustDomain: LiveSystem.trustDomain), by: publicCA,
                    trust: publicCA.certificatePEM + CertificateAuthority.load(from: system.authority).certificatePEM)
                try await system.killCoordinator(0)
                let server = try Self.trusting(
                    store, system, ["serve", "--config", system.configuration(0).plain], "real")
                let serves = try await eventually(within: .seconds(30)) {
                    try await system.run(["project", "list"], as: system.operatorIdentity).code == 0
                }
                #expect(serves, "\(server.errorText)")
                // The store works: OpenSSL takes the stranger's certificate by it.
                let takes = try Self.launch(
                    store, system, [Self.openssl.plain, "verify", mallory.certificatePath], "takes")
                #expect(await takes.end() == 0, "\(takes.errorText)")
                // As a caller.
                let refused = try await system.run(["project", "list"], as: mallory.directory)
                #expect(refused.code == 1, "\(refused)")
                #expect(refused.errors.contains("no coordinator answers"), "\(refused)")
                // And as a coordinator, for a client that trusts ours alone.
                try await Self.pose(system, publicCA, store)
            }
        }

        /// Runs a coordinator with a certificate of the stranger's authority where clients expect the real one.
        private static func pose(_ system: LiveSystem, _ stranger: CertificateAuthority, _ store: URL) async throws {
            let files = try identity(
                system, .coordinator("mallory", trustDomain: LiveSystem.trustDomain), by: stranger,
                trust: stranger.certificatePEM)
            let address = "127.0.0.1:\(try LiveSystem.freePort())"
            let text = try String(contentsOf: system.configuration(0), encoding: .utf8)
                .replacingOccurrences(of: system.address(0), with: address)
                .replacingOccurrences(
                    of: system.folder.appending(path: "coordinator-1").plain + "\n", with: files.directory.plain + "\n"
                )
                .split(separator: "\n").filter { !$0.hasPrefix("authority:") }.joined(separator: "\n")
            let configuration = try system.file("mallory.yaml", text + "\n")
            let fake = try trusting(store, system, ["serve", "--config", configuration.plain], "fake")
            let listens = try await eventually(within: .seconds(30)) {
                fake.errorText.contains("listening") || fake.exitCode != nil
            }
            #expect(listens && fake.exitCode == nil, "\(fake.errorText)")
            let client = try trusting(
                store, system,
                ["project", "list", "--server", address, "--identity", system.operatorIdentity.plain], "client")
            let code = await client.end(within: .seconds(60))
            #expect(code == 1, "a stranger's coordinator was spoken to: \(client.outputText)")
            #expect(client.errorText.contains("no coordinator answers"), "\(client.errorText)")
        }

        /// A key and a certificate in a folder of their own.
        private static func identity(
            _ system: LiveSystem, _ identity: PeerIdentity, by authority: CertificateAuthority, trust: String
        ) throws -> IdentityFiles {
            let files = IdentityFiles(directory: system.folder.appending(path: "stranger-\(identity.role.rawValue)"))
            let key = KeyPair()
            let isServer = identity.role == .coordinator
            let issued = try authority.issue(
                request: key.request(for: identity), as: identity, dnsNames: isServer ? ["localhost"] : [],
                ipAddresses: isServer ? ["127.0.0.1"] : [], now: Date())
            try files.store(certificatePEM: issued.pem, trustPEM: trust, key: key)
            return files
        }

        /// `plimsoll` on a machine whose trust store is `store`.
        private static func trusting(
            _ store: URL, _ system: LiveSystem, _ words: [String], _ log: String
        ) throws -> Program {
            try launch(store, system, [Products.plimsoll.plain] + words, log)
        }

        /// A program in a world of its own, in which every place where trust stores are looked for has this one.
        private static func launch(
            _ store: URL, _ system: LiveSystem, _ words: [String], _ log: String
        ) throws -> Program {
            let script = """
                set -e
                store=$1; shift
                for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
                    if [ -e "$file" ]; then mount --bind "$store" "$file"; fi
                done
                exec "$@"
                """
            return try system.launch(
                URL(filePath: "/usr/bin/unshare"), ["-m", "/bin/sh", "-c", script, "sh", store.plain] + words,
                log: log, environment: ["SSL_CERT_FILE": store.plain])
        }
    }
}
