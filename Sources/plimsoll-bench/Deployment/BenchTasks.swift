import Foundation
import GRPCCore
import PlimsollProtocol
import Synchronization

/// Projects and their tasks, imported by the public call; knows how many are left.
final class BenchTasks: Sendable {
    private let control: ControlConnection
    private struct Project {
        var imported = 0
        var leased = 0
    }
    private let projects = Mutex<[String: Project]>([:])

    /// Tasks of one message: with 300 bytes each well below the coordinator's 4 MiB.
    private static let messageTasks = 2_000
    static let payloadBytes = 300
    /// Most of one import, so that none runs for minutes in one transaction.
    private static let importMax = 1_000_000

    /// What every worker answers, valid under `answerSchema`.
    static let answer = Data(#"{"label":"good"}"#.utf8)
    private static let answerSchema = """
        {"type":"object","properties":{"label":{"type":"string","enum":["good","bad"]}},\
        "required":["label"],"additionalProperties":false}
        """

    init(control: ControlConnection) { self.control = control }

    /// Makes the project where it is not there yet.
    func makeProject(_ name: String) async throws {
        guard projects.withLock({ $0[name] == nil }) else { return }
        var project = Plimsoll_V1_ProjectDocument()
        project.name = name
        project.instructions = "Say whether it is good or bad."
        project.answerSchema = Self.answerSchema
        project.overlap = 1
        project.weight = 1
        project.purposes = [People.purpose]
        project.effortSeconds = 60
        project.namedPersons = [BenchDeployment.operatorName]
        _ = try await control.control.createProject(project, options: ControlConnection.options)
        projects.withLock { $0[name] = Project() }
    }

    /// Tasks that nobody has had yet.
    func left(in project: String) -> Int {
        projects.withLock { ($0[project]?.imported ?? 0) - ($0[project]?.leased ?? 0) }
    }

    /// Notes what workers took.
    func took(_ count: Int, from project: String) { projects.withLock { $0[project]?.leased += count } }

    /// Imports until at least `count` tasks are left.
    func fill(_ project: String, to count: Int) async throws {
        let missing = count - left(in: project)
        guard missing > 0 else { return }
        if missing >= 100_000 { Note.line("importing \(Double(missing).figure) tasks into \(project)") }
        var rest = missing
        while rest > 0 {
            let part = min(rest, Self.importMax)
            _ = try await add(part, to: project)
            rest -= part
            if rest > 0 { Note.line("\(Double(missing - rest).figure) of \(Double(missing).figure)") }
        }
    }

    /// One import; gives its duration from the first byte to the answer after the commit, in seconds.
    @discardableResult
    func add(_ count: Int, to project: String) async throws -> Double {
        let first = projects.withLock { $0[project]?.imported ?? 0 }
        let start = Moment.now
        let response = try await control.control.importTasks(
            requestProducer: { writer in
                var message = Plimsoll_V1_ImportTasksRequest()
                message.header.project = project
                message.header.source = "plimsoll-bench"
                try await writer.write(message)
                var next = first
                while next < first + count {
                    let end = min(next + Self.messageTasks, first + count)
                    var message = Plimsoll_V1_ImportTasksRequest()
                    message.tasks = (next..<end).map(Self.task)
                    try await writer.write(message)
                    next = end
                }
                var last = Plimsoll_V1_ImportTasksRequest()
                last.total = UInt64(count)
                try await writer.write(last)
            })
        let seconds = Double(Moment.now - start) / 1e9
        guard response.imported == UInt64(count) else {
            throw BenchError(.coordinator, "\(response.imported) of \(count) tasks were imported")
        }
        projects.withLock { $0[project]?.imported += count }
        return seconds
    }

    private static func task(_ number: Int) -> Plimsoll_V1_ImportTask {
        var task = Plimsoll_V1_ImportTask()
        task.key = key(number)
        task.kind = "rating"
        task.payload = Data(payload(number))
        return task
    }

    static func key(_ number: Int) -> String { "task-\(number)" }

    /// A JSON object of `payloadBytes` bytes.
    static func payload(_ number: Int) -> [UInt8] {
        var bytes = Array(#"{"number":""#.utf8)
        bytes.reserveCapacity(payloadBytes)
        bytes += String(number).utf8
        bytes += #"","text":""#.utf8
        while bytes.count < payloadBytes - 2 { bytes.append(UInt8(97 + (bytes.count &* 7 &+ number) % 26)) }
        bytes += #""}"#.utf8
        return bytes
    }
}
