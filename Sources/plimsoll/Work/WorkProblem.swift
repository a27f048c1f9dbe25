import WorkerKit

/// Why `plimsoll work` ended early: what, why and what next, and the exit code.
struct WorkProblem: Error, CustomStringConvertible {
    /// The exit codes that this command has (design.md, section 12).
    enum Code: Int32 {
        case failed = 1
        case wrongUse = 2
        case refused = 3
        case notAuthorized = 4
        case notFound = 5
        case conflict = 6
    }

    let code: Code
    let message: String
    let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The one place that maps a worker's errors to exit codes.
    init(_ error: WorkerError) {
        let code: Code =
            switch error.code {
            case .badConfiguration: .wrongUse
            case .notAuthorized, .badIdentity, .badCertificate: .notAuthorized
            case .refused: .refused
            case .notFound: .notFound
            case .conflict: .conflict
            case .unreachable, .protocolBroken, .closed: .failed
            }
        self.init(code, error.message, cause: error)
    }

    var description: String { message }
}
