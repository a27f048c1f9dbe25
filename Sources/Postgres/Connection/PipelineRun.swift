/// One round trip: what was sent, in order, and what has been answered.
struct PipelineRun {
    /// What an expected answer belongs to.
    enum Step {
        case begin
        case deallocate
        case prepare(query: Int)
        case query(Int)

        var queryIndex: Int? {
            switch self {
            case .begin, .deallocate: nil
            case .prepare(let index), .query(let index): index
            }
        }
    }

    let queries: [Query]
    let file: String
    let line: Int
    var steps: [Step] = []
    /// Steps answered so far.
    var answered = 0
    var rows: [Rows] = []
    var error: PostgresError?
    var isSyncSent = false
    var isSyncSeen = false
    /// Position of the first COMMIT; its answer decides whether the outcome is known.
    var commitIndex: Int?
    var isCommitAnswered = false
    var isCommitted = false
    /// COMMIT was answered and nothing comes after it: a connection that is lost before the sync's own answer takes
    /// nothing back.
    var isDone: Bool { isCommitted && error == nil && rows.count == queries.count }
    let isAutocommit: Bool
}
