/// How long, how often and how many.
struct BenchSettings: Sendable {
    /// Before figures count.
    var warmUp = Duration.seconds(10)
    /// While they count.
    var measured = Duration.seconds(60)
    /// Runs of each figure, alternating with what it is compared to; the median counts.
    var runs = 5
    /// Connected workers in the rows about latency, a killed coordinator and the start of a shift.
    var workers = 6_500
    /// Streams of the row about connections, and how long they are held.
    var connections = 10_000
    var hold = Duration.seconds(600)
    /// Tasks of the large backlog.
    var backlog = 10_000_000
    /// Rows of one import.
    var importRows = 500_000
    /// Events of the chain that is verified.
    var chainEvents = 500_000
    /// Over how long the workers of a fleet connect.
    var ramp = Duration.seconds(10)
    var peers = false
    /// Whether statement statistics are collected and shown.
    var statements = false

    /// Small and quick: shows that everything runs, not how fast.
    static var short: BenchSettings {
        var settings = BenchSettings()
        settings.warmUp = .seconds(2)
        settings.measured = .seconds(5)
        settings.runs = 1
        settings.workers = 200
        settings.connections = 300
        settings.hold = .seconds(10)
        settings.backlog = 100_000
        settings.importRows = 20_000
        settings.chainEvents = 100_000
        settings.ramp = .seconds(2)
        return settings
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var nanoseconds: UInt64 { UInt64(seconds * 1e9) }
}
