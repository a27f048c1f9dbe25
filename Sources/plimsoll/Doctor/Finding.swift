import PlimsollModel
import PlimsollProtocol

/// One thing that `doctor` looked at.
struct Finding: Listable, Equatable {
    enum State: String { case ok, warning, failed }

    var name: String
    var state: State
    var finding: String
    /// What to do; empty when all is well.
    var remedy: String

    static var columns: [Column<Finding>] {
        [
            Column("check", "name") { .string($0.name) },
            Column("state", "state") { .string($0.state.rawValue) },
            Column("finding", "finding") { .string($0.finding) },
            Column("what to do", "remedy") { .string($0.remedy) },
        ]
    }

    init(_ name: String, _ state: State, _ finding: String, remedy: String = "") {
        self.name = name
        self.state = state
        self.finding = finding
        self.remedy = remedy
    }

    /// A finding of the coordinator.
    init(_ diagnosis: Plimsoll_V1_Diagnosis) {
        self.init(
            diagnosis.name, State(rawValue: diagnosis.state) ?? .failed, diagnosis.finding, remedy: diagnosis.remedy)
    }

    /// As a line for people: what, how it is, and below it what to do.
    var lines: [String] {
        let head =
            Table.pad(state == .ok ? "ok" : state.rawValue.uppercased(), to: 8) + name + ": "
            + Harmless.line(finding)
        return remedy.isEmpty ? [head] : [head, "        -> " + Harmless.line(remedy)]
    }
}
