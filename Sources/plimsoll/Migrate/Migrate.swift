import ArgumentParser
import Foundation
import Identity
import Ledger
import Logging
import PlimsollModel
import Postgres

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring a database's schema up to this build.",
        discussion: """
            Run it as the role that owns the schema or may create it; coordinators use the role \
            plimsoll_coordinator, which it makes. Any number may run at once.

            plimsoll migrate --database "host=db dbname=plimsoll user=plimsoll_owner" --operator ana --ca /etc/plimsoll/ca
            """)

    @Option(help: "libpq keywords or URI. Default: $PLIMSOLL_DATABASE, else what libpq's own variables say.")
    var database: String?
    @Flag(help: "Say which steps are missing and change nothing.")
    var dryRun = false
    @Option(
        name: .customLong("operator"),
        help: "Name the first operator of the deployment; refused when there is one already.")
    var firstOperator: String?
    @Option(help: "With --operator: the authority's folder, to issue the operator's certificate here.")
    var ca: String?
    @Option(
        name: .customLong("operator-key-dir"),
        help: "With --ca: where the operator's identity goes. Default: identities/NAME in the data folder.")
    var operatorKeyDirectory: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let conninfo = database ?? Terminal.environment["PLIMSOLL_DATABASE"] ?? ""
        if let firstOperator { try NameRule.check(name: firstOperator, of: "a person's name") }
        // Before anything is changed: a folder that is no authority would leave an operator without an identity.
        let authority = try ca.map { try CertificateAuthority.load(from: URL(filePath: $0)) }
        let steps: [Migration]
        if dryRun {
            steps = try await SchemaSetup.plan(conninfo)
        } else {
            steps = try await SchemaSetup.run(conninfo, firstOperator: firstOperator)
        }
        let titles = steps.map(\.title)
        let sentence =
            titles.isEmpty
            ? "the schema is current"
            : (dryRun ? "missing: " : "applied: ") + titles.joined(separator: ", ")
        if !dryRun, let firstOperator { try issue(to: firstOperator, by: authority) }
        output.report(
            sentence, ["applied": .bool(!dryRun), "steps": .array(titles.map(JSONValue.string))])
    }

    private func issue(to name: String, by authority: CertificateAuthority?) throws {
        guard let authority else {
            Output.talk(
                "next, for \(name)'s certificate: plimsoll cert request \(name) --role operator, "
                    + "then plimsoll cert issue \(name).request --ca DIR")
            return
        }
        let files =
            operatorKeyDirectory.map { IdentityFiles(directory: URL(filePath: $0)) }
            ?? DataDirectory.standard.identity(name)
        try DeploymentFiles.issue(
            files, as: .operator(name, trustDomain: authority.trustDomain), by: authority, now: Date())
        Output.talk("\(name)'s identity is in \(files.directory.path(percentEncoded: false))")
    }
}

/// Runs the migrator over a connection of its own.
enum SchemaSetup {
    static func plan(_ conninfo: String) async throws -> [Migration] {
        try await with(conninfo) { connection, logger in try await Migrator(logger: logger).plan(connection) }
    }

    /// Applies what is missing and names the first operator, where one is given.
    static func run(_ conninfo: String, firstOperator: String? = nil) async throws -> [Migration] {
        try await with(conninfo) { connection, logger in
            let applied = try await Migrator(logger: logger).run(connection)
            if let firstOperator { try await Ledger.nameFirstOperator(firstOperator, connection) }
            return applied
        }
    }

    private static func with<Result: Sendable>(
        _ conninfo: String, _ body: (Connection, Logger) async throws -> Result
    ) async throws -> Result {
        var logger = Logger(label: "plimsoll.migrate") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        var configuration = ConnectionConfiguration(conninfo: conninfo)
        configuration.applicationName = "plimsoll migrate"
        let connection: Connection
        do {
            connection = try await Connection.connect(configuration, logger: logger)
        } catch let error as PostgresError {
            throw CommandFailure(
                .failed, "the database cannot be reached: \(error.reason)",
                next: "name it with --database \"host=... dbname=... user=...\"", cause: error)
        }
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(connection, logger)) } catch { result = .failure(error) }
        await connection.close()
        return try result.get()
    }
}
