import PlimsollModel

/// One project's line in the table at the end.
struct DemoSummary: Listable {
    var project: String
    var tasks: Int
    var labels: Int
    var annotators: Int
    var late: Int
    var quarantined: Int
    /// Records of the first export that a withdrawal took back.
    var dropped: Int
    var manifest: String

    static var columns: [Column<DemoSummary>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("tasks", "tasks", right: true) { .number(JSONNumber($0.tasks)) },
            Column("labels", "labels", right: true) { .number(JSONNumber($0.labels)) },
            Column("people", "annotators", right: true) { .number(JSONNumber($0.annotators)) },
            Column("late", "late", right: true) { .number(JSONNumber($0.late)) },
            Column("quarantined", "quarantined", right: true) { .number(JSONNumber($0.quarantined)) },
            Column("withdrawn", "withdrawn", right: true) { .number(JSONNumber($0.dropped)) },
        ]
    }
}
