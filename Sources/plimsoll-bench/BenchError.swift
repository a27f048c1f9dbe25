/// Why a row, or the whole benchmark, could not be run.
struct BenchError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code to act on.
    enum Code: String, Sendable {
        /// A file or program that the benchmark needs is not there.
        case missing
        /// A program that it runs ended with an error.
        case program
        /// The coordinator did not do what the row needs.
        case coordinator
        /// Somebody ended the benchmark.
        case interrupted
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { message }
}
