import Exchange
import PlimsollModel
import PlimsollProtocol
import Synchronization
import Testing

@testable import plimsoll

extension Demo {
    static func project(_ name: String) throws -> DemoProject {
        try #require(DemoProject.all.first { $0.name == name })
    }
}

@Suite struct DemoTests {
    @Test(arguments: DemoProject.all.map(\.name))
    func `made-up answers keep to the project's schema`(name: String) async throws {
        let project = try Demo.project(name)
        let text = try project.file().document().answerSchema
        let schema = try AnswerSchema.compile(Array(text.utf8))
        let value = try JSONValue.parse(text)
        for number in 0..<500 {
            var maker = AnswerMaker(seed: "seed \(number)")
            let answer = maker.make(value).encode()
            #expect(schema.validate(answer).isEmpty, "\(String(decoding: answer, as: UTF8.self))")
        }
    }

    @Test func `the same engineer gives the same answer`() {
        let schema: JSONValue = ["type": "integer", "minimum": -1000, "maximum": 1000]
        var first = AnswerMaker(seed: "ana 1")
        var second = AnswerMaker(seed: "ana 1")
        #expect(first.make(schema) == second.make(schema))
    }

    @Test(arguments: DemoProject.all.map(\.name))
    func `the tasks can be imported`(name: String) async throws {
        let project = try Demo.project(name)
        let rest = Mutex<[UInt8]?>(project.tasks)
        var reader = TaskReader(format: .jsonl) {
            rest.withLock { rest in
                defer { rest = nil }
                return rest
            }
        }
        var count = 0
        while let batch = try await reader.next() { count += batch.count }
        let problems = reader.problems
        #expect(problems.isEmpty)
        #expect(count >= 10)
    }

    @Test func `notes read back, broken lines are passed over`() {
        let note = DemoNote(engineer: "ana", deed: .thinks, process: 12, key: "a key with blanks")
        #expect(DemoNote(line: note.line.dropLast()) == note)
        #expect(DemoNote(line: "ana thi") == nil)
        #expect(DemoNote(line: "ana dances 1 k") == nil)
    }
}
