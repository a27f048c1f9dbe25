struct BacklogRow: BenchRow {
    static let name = "backlog"
    static let summary = "throughput with a backlog of 10 million tasks, held by refilling, against 10 thousand"
    static let small = 10_000
    static let share = 0.9

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await context.applyPolicy(file: BenchContext.benchPolicy)
        let people = try await context.people.first(ThroughputBatchRow.streams)
        for project in ["shallow", "deep"] {
            try await context.tasks.makeProject(project)
            try await context.people.enrol(people, in: project)
        }
        try await context.tasks.fill("deep", to: context.settings.backlog)
        var shallow = Throughput(
            context: context, streams: ThroughputBatchRow.streams, batch: ThroughputBatchRow.batch)
        shallow.project = "shallow"
        shallow.heldBacklog = Self.small
        var deep = shallow
        deep.project = "deep"
        deep.heldBacklog = context.settings.backlog
        let (first, second) = (shallow, deep)
        let results = try await Alternating.run(context.settings.runs) {
            try await first.run("backlog of \(Double(Self.small).figure)", expecting: nil).rate
        } _: {
            try await second.run("backlog of \(Double(context.settings.backlog).figure)", expecting: nil).rate
        }
        let ratio = results.second.median / results.first.median
        return [
            Measurement(
                Self.name, results.second, unit: "labels/s", target: "0.90 of shallow", met: ratio >= Self.share,
                ratio: ratio, ratioTo: "shallow",
                notes: [
                    "backlog held at \(Double(context.settings.backlog).figure) by importing while it runs",
                    "at \(Double(Self.small).figure): \(results.first.median.figure) labels/s",
                ])
        ]
    }
}
