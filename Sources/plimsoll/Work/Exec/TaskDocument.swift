import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// What a program is told about a task, and how its answers are read. One JSON object each way.
///
/// In: `{"task", "fence", "key", "kind", "severity", "seconds_left", "payload", "instructions", "answer_schema"}`, on
/// one line, and `"problems": [{"pointer", "message"}]` when an earlier answer was refused. Out, in lines mode:
/// `{"task", "fence", "answer": ...}` or `{"task", "fence", "decline": true}`; in task mode the answer alone.
enum TaskDocument {
    /// The longest line or output that is taken from a program: an answer of 256 KiB and room for what is around it.
    static let outputBytesMax = 512 * 1024

    /// The task as one line of JSON, without the line feed. Nil when the payload is no JSON, which an import excludes.
    static func line(_ task: WorkTask) -> [UInt8]? {
        guard let payload = try? JSONValue.parse(task.payload) else { return nil }
        var object = JSONObject()
        object["task"] = .number(JSONNumber(task.lease.task))
        object["fence"] = .number(JSONNumber(task.lease.fence))
        object["key"] = .string(task.key)
        object["kind"] = .string(task.kind)
        object["severity"] = .number(JSONNumber(task.severity))
        object["seconds_left"] = .number(JSONNumber(task.timeLeft.components.seconds))
        object["payload"] = payload
        object["instructions"] = .string(task.project.instructions)
        // A project without a readable schema is the coordinator's problem; the program may still know what to do.
        object["answer_schema"] = (try? JSONValue.parse(task.project.answerSchema)) ?? .null
        if !task.problems.isEmpty {
            object["problems"] = .array(
                task.problems.map { ["pointer": .string($0.pointer), "message": .string($0.message)] })
        }
        return JSONValue.object(object).encode()
    }

    /// What a program wrote about one task in lines mode.
    enum Reply: Equatable {
        case answer(LeaseKey, [UInt8])
        case decline(LeaseKey)
    }

    /// Reads a line of lines mode; throws `CommandFailure` that says what is wrong with it.
    static func reply(_ line: [UInt8]) throws -> Reply {
        let value: JSONValue
        do {
            value = try JSONValue.parse(line)
        } catch {
            throw CommandFailure(.failed, "a line of the program is no JSON: \(error)", cause: error)
        }
        guard let task = value["task"]?.numberValue?.int64, let fence = value["fence"]?.numberValue?.int64 else {
            throw CommandFailure(.failed, "a line of the program names no task and fence")
        }
        let key = LeaseKey(task: task, fence: fence)
        switch (value["answer"], value["decline"]?.boolValue) {
        case (let answer?, nil), (let answer?, false): return .answer(key, answer.encode())
        case (nil, true): return .decline(key)
        default:
            throw CommandFailure(.failed, "a line of the program must have either an answer or \"decline\": true")
        }
    }

    /// Reads the output of task mode: exactly one JSON value.
    static func answer(_ output: [UInt8]) throws -> [UInt8] {
        do {
            return try JSONValue.parse(output).encode()
        } catch {
            throw CommandFailure(.failed, "the program's output is not one JSON value: \(error)", cause: error)
        }
    }
}
