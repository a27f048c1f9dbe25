import Postgres

enum RetentionStatements {
    /// See the function, which knows the times. A walk over tables that are small, or kept by the day.
    static let forget = Statement("retention_forget", "select forget_past($1, $2)")
    /// The same of corrections and looks.
    static let forgetHours = Statement("retention_forget_hours", "select forget_hours($1, $2)")
}

extension Ledger {
    /// Rows removed by one statement.
    static let forgetStep: Int32 = 10_000

    /// Tables whose rows go one by one when their time is over; the others that the inventory keeps by days are
    /// partitioned and go by the day.
    static let forgotten = [
        "certificate", "enrolment_token", "delivery_failure", "contribution", "read_access",
    ]
    static let forgottenHours = ["time_correction", "throughput_look"]

    /// Removes what is past the time that the inventory names; gives the number of rows. Call it every hour, with
    /// `dropOldPartition` beside it.
    @discardableResult
    public func forgetPast() async throws -> Int {
        var total = 0
        for (tables, statement) in [
            (Self.forgotten, RetentionStatements.forget), (Self.forgottenHours, RetentionStatements.forgetHours),
        ] {
            for table in tables {
                while true {
                    let gone = try await read(Query(statement, .text(table), .int4(Self.forgetStep)))[0].int8(0)
                    total += Int(gone)
                    if gone < Int64(Self.forgetStep) { break }
                }
            }
        }
        return total
    }
}
