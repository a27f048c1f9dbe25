extension Moment {
    /// In UTC, to the microsecond: 2026-03-30T07:55:00.000000Z.
    public var rfc3339: String {
        let seconds = microseconds.floored(by: 1_000_000)
        let day = seconds.floored(by: 86_400)
        let second = seconds - day * 86_400
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(LocalDay(Int32(clamping: day)))T\(digits(second / 3_600, 2)):\(digits(second / 60 % 60, 2)):"
            + "\(digits(second % 60, 2)).\(digits(microseconds - seconds * 1_000_000, 6))Z"
    }
}

extension Int64 {
    fileprivate func floored(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
