import Foundation
import PrivateCluster

/// PgQueuer and Procrastinate from PyPI in a throw-away environment, on the same cluster, each in a database of its
/// own.
actor Peers {
    private let context: BenchContext
    private let environment: URL
    private var rates: [String: [Double]] = [:]
    private var best: (peer: String, batch: Int)?

    static let names = ["pgqueuer", "procrastinate"]
    static let batches = [1, 10, 100, 1_000]
    private static let packages = [
        "pgqueuer==1.6.0", "asyncpg", "procrastinate==3.10.0", "psycopg[binary]", "uvloop",
    ]
    /// Jobs made ready for each second that is measured.
    private static let jobsPerSecond = 12_000

    init(_ context: BenchContext) {
        self.context = context
        environment = context.deployment.directory.appending(path: "peers")
    }

    private var python: String { environment.appending(path: "bin/python").path }

    /// Installs them. Needs python3 with venv, and PyPI.
    func prepare() async throws {
        Note.line("installing \(Self.packages.joined(separator: ", ")) into a throw-away environment")
        let directory = context.deployment.directory
        try await Program.run("/usr/bin/env", ["python3", "-m", "venv", environment.path], in: directory)
        try await Program.run(
            python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + Self.packages, in: directory)
        for name in Self.names { try await context.deployment.sql("create database peer_\(name)") }
    }

    /// Each at each batch size once, in a shorter run; the best of all is what counts afterwards.
    func findBest() async throws {
        for name in Self.names {
            for batch in Self.batches {
                let rate = try await measure(name, batch: batch, share: 0.25)
                rates["\(name) at \(batch)"] = [rate]
                if rate > (best.flatMap { rates["\($0.peer) at \($0.batch)"]?.first } ?? 0) { best = (name, batch) }
            }
        }
        if let best { Note.line("best peer: \(best.peer) at batch \(best.batch)") }
    }

    /// The best one at its best batch size, in a run of full length.
    func measureBest() async throws -> Double {
        guard let best else { throw BenchError(.missing, "no peer could be measured") }
        return try await measure(best.peer, batch: best.batch, share: 1)
    }

    func measurements(best runs: [Double]) -> [Measurement] {
        let name = best.map { "\($0.peer) at batch \($0.batch)" } ?? "none"
        return [Measurement("best peer", runs, unit: "jobs/s", notes: [name])]
            + rates.sorted { $0.key < $1.key }.map { Measurement("peer \($0.key)", $0.value, unit: "jobs/s") }
    }

    private func measure(_ name: String, batch: Int, share: Double) async throws -> Double {
        let seconds = max(2, context.settings.measured.seconds * share)
        let warmUp = max(1, context.settings.warmUp.seconds * share)
        let jobs = Int(Double(Self.jobsPerSecond) * (seconds + warmUp) * (name == "pgqueuer" ? 1 : 0.25))
        let text = try await Program.run(
            python,
            [
                try Repository.file("Deploy/bench/peer_\(name).py").path, "--batch", "\(batch)", "--jobs", "\(jobs)",
                "--warm-up", "\(warmUp)", "--measured", "\(seconds)",
            ], in: context.deployment.directory,
            environment: [
                "PGHOST": context.deployment.cluster.host, "PGUSER": "plimsoll_owner", "PGDATABASE": "peer_\(name)",
                "PEER_DSN": context.deployment.cluster.conninfo(database: "peer_\(name)"),
            ])
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("rate ") }),
            let rate = Double(line.dropFirst(5))
        else { throw BenchError(.program, "\(name) gave no rate: \(text.suffix(500))") }
        Note.line("\(name), batch \(batch): \(rate.figure) jobs/s")
        return rate
    }
}
