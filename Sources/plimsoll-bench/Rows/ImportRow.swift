import Foundation

struct ImportRow: BenchRow {
    static let name = "import"
    static let summary = "tasks imported a second, command to commit over mTLS, against \\copy of the same rows"
    static let project = "import"
    static let share = 0.5

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await context.tasks.makeProject(Self.project)
        try await context.deployment.sql("create table if not exists bench_task (like plimsoll.task including all)")
        let count = context.settings.importRows
        let results = try await Alternating.run(context.settings.runs) {
            try await copy(count, context)
        } _: {
            let rate = Double(count) / (try await context.tasks.add(count, to: Self.project))
            Note.line("import: \(rate.figure) tasks/s")
            return rate
        }
        let ratio = results.second.median / results.first.median
        return [
            Measurement(
                Self.name, results.second, unit: "tasks/s", target: "0.50 of \\copy", met: ratio >= Self.share,
                ratio: ratio, ratioTo: "\\copy",
                notes: ["\\copy: \(results.first.median.figure) rows/s", "\(count) rows of 300-byte payloads"])
        ]
    }

    /// The same rows by psql into a table with the same indexes; gives rows a second.
    private func copy(_ count: Int, _ context: BenchContext) async throws -> Double {
        try await context.deployment.sql("truncate bench_task")
        let file = context.deployment.directory.appending(path: "tasks.tsv")
        defer { try? FileManager.default.removeItem(at: file) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * (BenchTasks.payloadBytes + 60))
        for number in 0..<count {
            bytes += "1\t\(number)\t1\t60\t1\t\(BenchTasks.key(number))\t".utf8
            bytes += BenchTasks.payload(number)
            bytes.append(10)
        }
        try Data(bytes).write(to: file)
        let start = Moment.now
        try await context.deployment.sql("\\copy bench_task from '\(file.path)'")
        let rate = Double(count) / (Double(Moment.now - start) / 1e9)
        Note.line("\\copy: \(rate.figure) rows/s")
        return rate
    }
}
