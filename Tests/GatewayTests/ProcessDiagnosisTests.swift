import Ledger
import PlimsollModel
import Testing

@testable import Coordinator
@testable import Gateway

@Suite struct ProcessDiagnosisTests {
    private func row(_ name: String, _ process: ProcessDiagnosis) throws -> DiagnosisRow {
        try #require(process.rows().first { $0.name == name })
    }

    @Test func `every named time and size is shown as it is in force`() throws {
        var process = ProcessDiagnosis(openFiles: { 65_536 })
        let shown = Dictionary(uniqueKeysWithValues: process.rows().map { ($0.name, $0.finding) })
        #expect(
            shown == [
                "coordinator's open files": "up to 65536 for 12000 connections",
                "time: heartbeat": "5s",
                "time: stream TTL": "1m after the last heartbeat, reconnecting included",
                "time: coordinator life": "3s, renewed every 1s; stops granting after 2s",
                "time: cut off": "after 3s without the database workers are told to stop",
                "time: presenting": "15s after adoption",
                "time: lease length": "3 times the effort estimate, at least 2m, at most 50m",
                "time: deadline grace": "5s", "time: handshake": "5s", "time: hello": "5s",
                "size: connections a person": "8", "size: leases in flight a stream": "64",
                "size: payload and answer": "256 KiB",
            ])
        #expect(process.rows().allSatisfy { $0.state == .ok && $0.remedy.isEmpty })
        process.times.heartbeat = .milliseconds(500)
        process.limits.connectionsPerPersonMax = 3
        #expect(try row("time: heartbeat", process).finding == "500 ms")
        #expect(try row("size: connections a person", process).finding == "3")
    }

    @Test func `what does not fit together says what to do`() throws {
        func expectWarning(_ name: String, _ change: (inout ProcessDiagnosis) -> Void) throws {
            var process = ProcessDiagnosis(openFiles: { 65_536 })
            change(&process)
            let warnings = process.rows().filter { $0.state != .ok }
            #expect(warnings.map(\.name) == [name])
            #expect(warnings.allSatisfy { !$0.remedy.isEmpty })
        }
        try expectWarning("time: heartbeat") { $0.times.streamTimeToLive = .seconds(9) }
        try expectWarning("time: coordinator life") { $0.times.selfStop = .milliseconds(2_001) }
        try expectWarning("time: coordinator life") { $0.times.lifeRenewal = .seconds(2) }
        try expectWarning("time: presenting") { $0.times.presenting = .seconds(4) }
        try expectWarning("coordinator's open files") { $0.limits.connectionsMax = 65_536 }
        try expectWarning("coordinator's open files") { $0.openFiles = { 12_000 } }
    }
}
