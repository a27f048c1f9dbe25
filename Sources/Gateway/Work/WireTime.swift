/// Durations as the protocol carries them: whole units, never below zero, capped by the field's width.
extension Duration {
    private static let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000

    /// Milliseconds, rounded down: a worker must not count on more time than there is.
    var wireMilliseconds: UInt32 { UInt32(clamping: wholeMilliseconds) }

    var wireMilliseconds64: UInt64 { UInt64(clamping: wholeMilliseconds) }

    /// Seconds, rounded down.
    var wireSeconds: UInt32 { UInt32(clamping: components.seconds) }

    private var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return product.addingReportingOverflow(attoseconds / Self.attosecondsPerMillisecond).partialValue
    }
}
