import Coordinator
import Foundation
import Gateway
import Testing

@testable import plimsoll

@Suite struct ServeConfigurationTests {
    private static let least = "database: host=/tmp\nidentity: coordinator\n"

    private func failure(_ text: String) throws -> CommandFailure {
        try #require(throws: CommandFailure.self) {
            try ServeConfiguration(text: text, file: "/etc/plimsoll/c.yaml")
        }
    }

    @Test func `the least configuration takes the defaults and is relative to its file`() throws {
        let read = try ServeConfiguration(text: Self.least, file: "/etc/plimsoll/c.yaml")
        #expect(read.database == "host=/tmp")
        #expect(read.listen == ServerAddress(host: "127.0.0.1", port: 7443))
        #expect(read.advertise == read.listen)
        #expect(read.identity.path(percentEncoded: false) == "/etc/plimsoll/coordinator")
        #expect(read.authority == nil)
        #expect(read.logLevel == "info")
    }

    @Test func `everything can be set`() throws {
        let text =
            Self.least + """
                listen: "[::]:9000"
                advertise: labels.example.org
                authority: /etc/ca
                reflection: true
                log: debug
                shutdown: 90s
                database_connections: 12
                limits: {connections: 50, connections_per_person: 2, calls_per_second_per_person: 5}
                times:
                  heartbeat: 1s
                  stream_ttl: 4s
                audit: {head_file: heads.jsonl, head_command: [keep-head, --quietly]}
                """
        let read = try ServeConfiguration(text: text, file: "/etc/plimsoll/c.yaml")
        #expect(read.listen == ServerAddress(host: "::", port: 9000))
        #expect(read.advertise == ServerAddress(host: "labels.example.org", port: 7443))
        #expect(read.authority?.path(percentEncoded: false) == "/etc/ca")
        #expect(read.reflection)
        #expect(read.shutdown == .seconds(90))
        #expect(read.poolConnections == 12)
        #expect(read.limits.connectionsMax == 50)
        #expect(read.limits.connectionsPerPersonMax == 2)
        #expect(read.times.streamTimeToLive == .seconds(4))
        #expect(read.audit.headFile?.path(percentEncoded: false) == "/etc/plimsoll/heads.jsonl")
        #expect(read.audit.headCommand == ["keep-head", "--quietly"])
    }

    @Test(arguments: [
        ("identity: c\n", "database is missing"),
        ("database: x\n", "identity is missing"),
        (least + "listn: here\n", "line 3, column 1: listn is not known"),
        (least + "listen: here:port\n", "line 3, column 9: listen must be host:port"),
        (least + "log: loud\n", "line 3, column 6: log must be one of"),
        (least + "shutdown: soon\n", "line 3, column 11: shutdown must be a duration"),
        (least + "limits: {connections: 0}\n", "line 3, column 23: limits.connections must be a whole number from 1"),
        (least + "database_connections: 7\n", "database_connections must be a whole number from 8"),
        (least + "limits: {wishes: 3}\n", "line 3, column 10: limits.wishes is not known"),
        (least + "times: {heartbeat: 3s, stream_ttl: 4s}\n", "times.stream_ttl must be at least twice the heartbeat"),
        (least + "audit: {file: heads.jsonl}\n", "line 3, column 9: audit.file is not known"),
        (least + "identity: again\n", "identity"),
        ("- a\n- b\n", "the document must be a mapping"),
        ("a: [1\n", "is no YAML"),
        ("", "is empty"),
    ])
    func `a wrong configuration is refused with its place`(text: String, says: String) throws {
        let failure = try failure(text)
        #expect(failure.status == .wrongUse)
        #expect(failure.message.contains("/etc/plimsoll/c.yaml"))
        #expect(failure.message.contains(says), "\(failure.message)")
    }

    @Test func `what up writes is what serve reads`() throws {
        let text = DeploymentFiles.configuration(
            database: #"host='/tmp/a "b"' user=x"#, listen: ServerAddress(host: "127.0.0.1", port: 7444),
            identity: URL(filePath: "/data/coordinator-2"), authority: URL(filePath: "/data/ca"),
            headFile: URL(filePath: "/data/heads.jsonl"), times: Demo.times)
        let read = try ServeConfiguration(text: text, file: "/data/coordinator-2.yaml")
        #expect(read.database == #"host='/tmp/a "b"' user=x"#)
        #expect(read.listen.port == 7444)
        #expect(read.identity.path(percentEncoded: false) == "/data/coordinator-2")
        #expect(read.audit.headFile?.path(percentEncoded: false) == "/data/heads.jsonl")
        #expect(read.times.heartbeat == .seconds(1))
        #expect(read.times.streamTimeToLive == .seconds(4))
    }
}
