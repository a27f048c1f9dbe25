import ArgumentParser
import Foundation
import Glibc
import Identity
import WorkerKit

struct Crowd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Be many engineers, each with an own certificate, connection and stream.")

    @Option(help: "Coordinators, host:port with commas between; each engineer tries them in an order of its own.")
    var server: String
    @Option(help: "A folder with an identity's folder for each engineer.")
    var identities: String
    @Option(help: "The engineers' names, with commas between.")
    var engineers: String
    @Option(help: "Only tasks of this project.")
    var project: String?
    @Option(help: "Where to write what happens; appended to.")
    var diary: String
    @Option(help: "Leases in flight for each engineer.")
    var inFlight = 10
    @Option(help: "Recorded answers (task, engineer, answer; apart by tabs). Without it everything is answered.")
    var recorded: String?
    @Option(help: "Answers a second of all engineers together; 0: as fast as it goes.")
    var rate = 0

    /// A second ask for the end cuts the time to finish what is held.
    private static let drainWait = Duration.seconds(10)

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let diary = try Diary(path: diary)
        let labels = try recorded.map { try RecordedLabels(path: $0) }
        let pacer = rate > 0 ? Pacer(rate: rate) : nil
        let people = try engineers.split(separator: ",").map { name in
            let name = String(name)
            var limits = WorkerLimits.defaults
            limits.drainWait = Self.drainWait
            let configuration = try WorkerConfiguration(
                addresses: server.split(separator: ",").map(String.init),
                identity: IdentityFiles(directory: URL(filePath: identities).appending(path: name)),
                project: project, inFlight: inFlight, clientVersion: "plimsoll-replay/1", limits: limits)
            return ReplayedEngineer(
                name: name, recorded: labels.map { $0.answers[name] ?? [:] }, configuration: configuration,
                diary: diary, pacer: pacer)
        }
        let end = EndWish { for person in people { person.leave() } }
        defer { end.cancel() }
        let failures = await withTaskGroup(of: Bool.self) { group in
            let pacing = pacer.map { pacer in Task { await pacer.run() } }
            for person in people { group.addTask { await person.run() } }
            var failures = 0
            for await isFine in group where !isFine { failures += 1 }
            pacing?.cancel()
            return failures
        }
        diary.flush()
        FileHandle.standardError.write(Data("\(people.count) engineers, \(diary.counted) labels\n".utf8))
        if failures > 0 { throw ExitCode(1) }
    }
}
