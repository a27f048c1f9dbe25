import ArgumentParser
import Foundation
import Gateway
import Logging

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a coordinator against a PostgreSQL that is there.",
        discussion: """
            The file is YAML:

              database: host=db1,db2 dbname=plimsoll user=plimsoll_coordinator target_session_attrs=read-write
              listen: 0.0.0.0:7443
              advertise: labels.example.org:7443
              identity: /etc/plimsoll/coordinator      # key.pem, cert.pem, ca.pem
              authority: /etc/plimsoll/ca              # ca.key, ca.pem; only where certificates are issued
              log: info
              shutdown: 30s
              database_connections: 8
              limits: {connections: 12000, connections_per_person: 8}
              times: {heartbeat: 5s, stream_ttl: 60s}
              audit:                                   # signed heads of the chain, outside the database
                head_file: /var/log/plimsoll/heads.jsonl
                head_command: [/usr/local/bin/keep-head]    # one JSON line on its standard input

            SIGTERM and SIGINT end it in order, SIGHUP reads the certificate again. Any number of coordinators may run.
            """)

    @Option(name: .customLong("config"), help: "The configuration, a YAML file.")
    var file: String
    @Flag(help: "Read and check the configuration and what it names, then end.")
    var check = false
    @Flag(help: ArgumentHelp("End when standard input closes.", visibility: .hidden))
    var exitWithParent = false

    func run() async throws {
        let configuration = try ServeConfiguration(path: file)
        var logger = Logger(label: "plimsoll") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
        let files = OpenFiles.raise()
        if files < LocalChecks.openFilesWanted {
            logger.warning(
                "few open files allowed", metadata: ["limit": "\(files)", "wanted": "\(LocalChecks.openFilesWanted)"])
        }
        let process = try CoordinatorProcess(configuration: configuration, logger: logger)
        try await process.checkDatabase()
        if check { return Output.line("\(file) is in order") }
        try await process.run(exitWithParent: exitWithParent)
    }
}
