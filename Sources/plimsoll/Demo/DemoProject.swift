import Exchange
import PlimsollModel

/// A project of the demo with its tasks, as they lie in the executable.
struct DemoProject: Sendable {
    let name: String
    let description: [UInt8]
    let tasks: [UInt8]

    static let all = [
        DemoProject(
            name: "puzzles", description: PackageResources.demo_puzzles_project_json,
            tasks: PackageResources.demo_puzzles_jsonl + crashing),
        DemoProject(
            name: "replies", description: PackageResources.demo_replies_project_json,
            tasks: PackageResources.demo_replies_jsonl),
        DemoProject(
            name: "scenarios", description: PackageResources.demo_scenarios_project_json,
            tasks: PackageResources.demo_scenarios_jsonl),
        DemoProject(
            name: "changes", description: PackageResources.demo_changes_project_json,
            tasks: PackageResources.demo_changes_jsonl),
        DemoProject(
            name: "challenges", description: PackageResources.demo_challenges_project_json,
            tasks: PackageResources.demo_challenges_jsonl),
        DemoProject(
            name: glances, description: PackageResources.demo_glances_project_json,
            tasks: PackageResources.demo_glances_jsonl),
    ]

    /// Tasks of a few seconds, for the engineer who comes to a break.
    static let glances = "glances"
    /// What everybody else is enrolled in.
    static let shared = all.map(\.name).filter { $0 != glances }

    /// The key of the task that ends every worker that opens it.
    static let crashingKey = "puzzles-crash"

    private static let crashing = Array(
        (#"{"key": "\#(crashingKey)", "kind": "coding puzzle", "payload": {"title": "A task that ends programs", "#
            + #""text": "Every worker that opens this one dies.", "demo": "crash"}}"# + "\n").utf8)

    /// The project as `project create` takes it. What the file calls a name is a title; names are short.
    func file() throws -> ProjectFile {
        var file = try ProjectFile(
            text: String(decoding: description, as: UTF8.self), file: "demo-\(name).project.json")
        file.name = name
        return file
    }
}
