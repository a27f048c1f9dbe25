import Foundation
import Identity

/// The whole command: starting the program, reading and checking the file, mutual TLS, COPY, commit, its answer.
struct ImportRow: BenchRow {
    static let name = "import"
    static let summary = "tasks imported a second by `plimsoll task import`, whole, against \\copy of the same rows"
    static let project = "import"
    static let share = 0.5

    func run(_ context: BenchContext) async throws -> [Measurement] {
        try await context.tasks.makeProject(Self.project)
        try await context.deployment.sql("create table if not exists bench_task (like plimsoll.task including all)")
        let count = context.settings.importRows
        var copied: [Double] = []
        var imported: [Double] = []
        for run in 0..<context.settings.runs {
            copied.append(try await copy(count, context))
            imported.append(try await command(from: run * count, count, context))
        }
        try await context.deployment.sql("truncate bench_task")
        let ratio = imported.median / copied.median
        return [
            Measurement(
                Self.name, imported, unit: "tasks/s", target: "0.50 of \\copy", met: ratio >= Self.share,
                ratio: ratio, ratioTo: "\\copy",
                notes: ["\\copy: \(copied.median.figure) rows/s", "\(count) rows of 300-byte payloads"])
        ]
    }

    /// A file of new tasks brought in by the command line; gives tasks a second.
    private func command(from first: Int, _ count: Int, _ context: BenchContext) async throws -> Double {
        let file = try write("tasks.jsonl", first..<first + count, context) { number, bytes in
            bytes += #"{"key":"\#(BenchTasks.key(number))","kind":"rating","payload":"#.utf8
            bytes += BenchTasks.payload(number)
            bytes += "}\n".utf8
        }
        defer { try? FileManager.default.removeItem(at: file) }
        let deployment = context.deployment
        let port = await deployment.first.port
        let start = Moment.now
        let output = try await Program.run(
            deployment.plimsoll.path,
            [
                "task", "import", file.path, "--project", Self.project, "--server", "127.0.0.1:\(port)", "--identity",
                deployment.operatorFiles.directory.path, "-o", "json",
            ], in: deployment.directory)
        let rate = Double(count) / (Double(Moment.now - start) / 1e9)
        guard output.contains("\(count)") else {
            throw BenchError(.coordinator, "not all \(count) tasks were imported: \(output.suffix(400))")
        }
        Note.line("import: \(rate.figure) tasks/s")
        return rate
    }

    /// The same rows by psql into a table with the same indexes; gives rows a second.
    private func copy(_ count: Int, _ context: BenchContext) async throws -> Double {
        try await context.deployment.sql("truncate bench_task")
        let file = try write("tasks.tsv", 0..<count, context) { number, bytes in
            bytes += "1\t\(number)\t1\t60\t1\t\(BenchTasks.key(number))\t".utf8
            bytes += BenchTasks.payload(number)
            bytes.append(10)
        }
        defer { try? FileManager.default.removeItem(at: file) }
        let start = Moment.now
        try await context.deployment.sql("\\copy bench_task from '\(file.path)'")
        let rate = Double(count) / (Double(Moment.now - start) / 1e9)
        Note.line("\\copy: \(rate.figure) rows/s")
        return rate
    }

    private func write(
        _ name: String, _ numbers: Range<Int>, _ context: BenchContext, row: (Int, inout [UInt8]) -> Void
    ) throws -> URL {
        let file = context.deployment.directory.appending(path: name)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(numbers.count * (BenchTasks.payloadBytes + 80))
        for number in numbers { row(number, &bytes) }
        try Data(bytes).write(to: file)
        return file
    }
}
