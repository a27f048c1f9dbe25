import ArgumentParser
import Identity
import Testing
import WorkerKit

@testable import plimsoll

@Suite("plimsoll work: options")
struct WorkCommandTests {
    private func configuration(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> WorkerConfiguration {
        try WorkCommand.parse(arguments).configuration(environment)
    }

    @Test func serversAreRepeatedOrSeparatedByCommas() throws {
        let configuration = try configuration([
            "--identity", "/d", "--server", "a:1,b:2", "--server", "c:3", "--project", "p", "--max", "5",
            "--in-flight", "8",
        ])
        #expect(configuration.addresses.map(\.description) == ["a:1", "b:2", "c:3"])
        #expect(configuration.identity.keyPath == "/d/key.pem")
        #expect(configuration.project == "p")
        #expect(configuration.answersMax == 5)
        #expect(configuration.inFlight == 8)
    }

    @Test func theEnvironmentFillsWhatIsNotSaid() throws {
        let environment = ["PLIMSOLL_SERVER": "a:1, b:2", "PLIMSOLL_IDENTITY": "/e"]
        #expect(try configuration([], environment).addresses.count == 2)
        #expect(try configuration(["--server", "c:3"], environment).addresses.map(\.host) == ["c"])
    }

    @Test(arguments: [
        [], ["--identity", "/d"], ["--server", "a:1"], ["--identity", "/d", "--server", "a"],
        ["--identity", "/d", "--server", "a:1", "--in-flight", "65"],
        ["--identity", "/d", "--server", "a:1", "--max", "0"], ["--identity", "/d", "--server", "a:1", "--exec", ""],
    ])
    func wrongUseIsExitCodeTwo(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try configuration(arguments) }
        #expect(error.map { CommandFailure($0).status } == .wrongUse)
    }

    @Test(arguments: [
        (WorkerError.Code.notAuthorized, Int32(4)), (.badIdentity, 4), (.refused, 3), (.notFound, 5), (.conflict, 6),
        (.unreachable, 1), (.badConfiguration, 2),
    ])
    func everyErrorHasItsExitCode(from: WorkerError.Code, to: Int32) {
        #expect(CommandFailure(WorkerError(from, "x")).status.rawValue == to)
    }
}
