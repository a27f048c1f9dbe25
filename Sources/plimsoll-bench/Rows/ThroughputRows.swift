import Synchronization

struct ThroughputBatchRow: BenchRow {
    static let name = "throughput-batch"
    static let summary = "accepted labels a second through mTLS, 64 streams, batches of 32; with --peers, beside them"
    static let streams = 64
    static let batch = 32
    static let timesPeer = 5.0

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let throughput = Throughput(context: context, streams: Self.streams, batch: Self.batch)
        var peers: Peers?
        if context.settings.peers {
            let made = Peers(context)
            try await made.prepare()
            try await made.findBest()
            peers = made
        }
        var mine: [Double] = []
        var floors: [Double] = []
        var best: [Double] = []
        var remark = ""
        for _ in 0..<context.settings.runs {
            floors.append(try await context.floor.measure())
            if let peers { best.append(try await peers.measureBest()) }
            let run = try await throughput.run(Self.name, expecting: mine.max())
            mine.append(run.rate)
            remark = run.remark
        }
        var row = Measurement(
            Self.name, mine, unit: "labels/s", target: "5 x best peer", ratio: mine.median / floors.median,
            ratioTo: "floor", notes: ["last run: \(remark)"])
        var rows: [Measurement] = []
        if let peers {
            row.ratio = mine.median / best.median
            row.ratioTo = "best peer"
            row.met = mine.median >= Self.timesPeer * best.median
            row.notes.append("\((mine.median / floors.median).figure) of floor")
            rows += await peers.measurements(best: best)
        }
        return [row, Measurement("throughput-batch floor", floors, unit: "tasks/s")] + rows
    }
}

struct ThroughputSingleRow: BenchRow {
    static let name = "throughput-single"
    static let summary = "the same, one task at a time per stream, 512 streams"
    static let streams = 512
    static let target = 10_000.0

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let throughput = Throughput(context: context, streams: Self.streams, batch: 1)
        let last = Mutex("")
        let results = try await Alternating.run(context.settings.runs) {
            try await context.floor.measure()
        } _: {
            let run = try await throughput.run(Self.name, expecting: nil)
            last.withLock { $0 = run.remark }
            return run.rate
        }
        return [
            Measurement(
                Self.name, results.second, unit: "labels/s", target: "10,000",
                met: results.second.median >= Self.target, ratio: results.second.median / results.first.median,
                ratioTo: "floor", notes: ["last run: \(last.withLock { $0 })"])
        ]
    }
}

struct ThroughputLimitsRow: BenchRow {
    static let name = "throughput-limits"
    static let summary = "one task at a time with the shipped limits and 2,048 engineers, beside throughput-single"
    static let streams = 2_048
    static let streamsShort = 256
    static let share = 0.9

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let isShort = context.settings.runs == 1 && context.settings.measured.seconds < 10
        let single = Throughput(context: context, streams: ThroughputSingleRow.streams, batch: 1)
        let limits = Throughput(context: context, streams: isShort ? Self.streamsShort : Self.streams, batch: 1)
        let results = try await Alternating.run(context.settings.runs) {
            try await context.applyPolicy(file: BenchContext.benchPolicy)
            return try await single.run(ThroughputSingleRow.name, expecting: nil).rate
        } _: {
            try await context.applyPolicy(file: BenchContext.defaultPolicy)
            return try await limits.run(Self.name, expecting: nil).rate
        }
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let ratio = results.second.median / results.first.median
        return [
            Measurement(
                Self.name, results.second, unit: "labels/s", target: "0.90 of single", met: ratio >= Self.share,
                ratio: ratio, ratioTo: "single", notes: ["single beside it: \(results.first.median.figure)"])
        ]
    }
}

struct GateRow: BenchRow {
    static let name = "gate"
    static let summary = "throughput-batch with every limit set against every limit null"
    static let share = 0.9

    /// Every limit null that may be.
    static let withoutLimits = """
        format: 1
        name: bench-none
        limits:
          open-leases: none
          day-time: none
          week-time: none
          day-tasks: none
          continuous-time: none
          break: none
          lease-lifetime: none
          parked-leases: none
          parked-time: 72h
          daily-rest: 11h
          weekly-rest: none
          weekly-rest-days: none
          quiet-hours: none
          kind-day: none
          kind-week: none
          severity-2-day: none
          severity-3-day: none

        """

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let throughput = Throughput(
            context: context, streams: ThroughputBatchRow.streams, batch: ThroughputBatchRow.batch)
        let results = try await Alternating.run(context.settings.runs) {
            try await context.applyPolicy(Self.withoutLimits, named: "every limit null")
            return try await throughput.run("every limit null", expecting: nil).rate
        } _: {
            try await context.applyPolicy(file: BenchContext.benchPolicy)
            return try await throughput.run(Self.name, expecting: nil).rate
        }
        let ratio = results.second.median / results.first.median
        return [
            Measurement(
                Self.name, results.second, unit: "labels/s", target: "0.90 of no limits", met: ratio >= Self.share,
                ratio: ratio, ratioTo: "no limits", notes: ["no limits: \(results.first.median.figure)"])
        ]
    }
}
