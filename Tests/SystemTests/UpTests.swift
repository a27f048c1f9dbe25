import Exchange
import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// `plimsoll up` as a person runs it: the demonstration from end to end, and the end of everything it started.
    @Suite struct UpTests {
        /// The demonstration's projects: name, tasks, and answers to each.
        private static let projects = [
            ("puzzles", 2), ("replies", 3), ("scenarios", 2), ("changes", 2), ("challenges", 1),
            ("glances", 1),
        ]

        @Test func `the demonstration shows what it promises and leaves exports that verify`() async throws {
            try await with { folder in
                let data = folder.appending(path: "demo")
                let started = ContinuousClock.now
                let up = try Program(
                    Products.plimsoll, ["up", "--demo", "--data", data.plain, "--listen", "127.0.0.1:0"],
                    log: folder.appending(path: "demo"))
                let code = await up.end(within: .seconds(240))
                if code == nil { await up.destroy() }
                progress("demo: \(code ?? -1) after \(ContinuousClock.now - started)")
                #expect(code == 0, "\(up.errorText)")
                let said = up.errorText
                for scene in [
                    "each reads the notice and agrees", "declined", "is killed with", "was delivered again, and",
                    "is frozen with", "came late; it is kept for a human, not lost", "is in quarantine",
                    "is refused every lease: ", "[agreement]", "is parked for her and not lost", "after the break",
                    "takes the agreement back", "records to drop", "a second export leaves them out",
                ] {
                    #expect(said.contains(scene), "the demonstration says \"\(scene)\": \(said)")
                }
                // What was killed with a task in hand is what came again.
                let killed = try #require(said.firstMatch(of: /worker is killed with (\S+) in hand/)).1
                let again = try #require(said.firstMatch(of: /(\S+) was delivered again/)).1
                #expect(killed == again)
                let frozen = try #require(said.firstMatch(of: /worker is frozen with (\S+) in hand/)).1
                let late = try #require(said.firstMatch(of: /answer to (\S+) came late/)).1
                #expect(frozen == late)
                // The last lines are the manifests' paths, one for each project.
                let lines = up.outputText.split(separator: "\n").map(String.init)
                let manifests = lines.suffix(Self.projects.count)
                var withdrawn = 0
                #expect(manifests.count == Self.projects.count)
                for ((project, overlap), path) in zip(Self.projects, manifests) {
                    #expect(path.hasSuffix("/\(project)/manifest.json"), "\(lines)")
                    let second = URL(filePath: path).deletingLastPathComponent()
                    let first = second.deletingLastPathComponent().deletingLastPathComponent()
                        .appending(path: "1").appending(path: project)
                    let before = try await Self.answers(first, folder)
                    let after = try await Self.answers(second, folder)
                    #expect(before.values.allSatisfy { $0.count == overlap && Set($0).count == overlap }, "\(before)")
                    // What the first export must drop is one person's, and is what the second has left out.
                    let dropped = try ExportManifest.newest(in: first.plain).dropped
                    #expect(Set(dropped.map(\.annotator)).count == (dropped.isEmpty ? 0 : 1), "\(dropped)")
                    for (key, people) in before {
                        let gone = dropped.filter { $0.taskKey == key }
                        #expect(gone.allSatisfy { people.contains($0.annotator) })
                        #expect(after[key, default: []].count == people.count - gone.count, "\(key)")
                    }
                    withdrawn += dropped.count
                }
                #expect(withdrawn > 0)
                let left = try await eventually(within: .seconds(10)) { Self.processes(of: data).isEmpty }
                #expect(left, "still there: \(Self.processes(of: data))")
            }
        }

        /// Who has answered each task, by the pseudonyms of the export, which is checked against its manifest.
        private static func answers(_ directory: URL, _ folder: URL) async throws -> [String: [String]] {
            #expect(try ExportManifest.verify(directory: directory.plain).isEmpty)
            let verify = try Program(
                Products.plimsoll, ["label", "verify", directory.plain],
                log: folder.appending(path: "verify-\(directory.lastPathComponent)"))
            #expect(await verify.end() == 0, "\(verify.errorText)")
            let data = try Data(contentsOf: directory.appending(path: "labels.jsonl"))
            var people: [String: [String]] = [:]
            for line in data.split(separator: 0x0A) {
                let row = try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
                let key = try #require(row["task_key"] as? String)
                people[key, default: []].append(try #require(row["annotator"] as? String))
            }
            #expect(!people.isEmpty)
            return people
        }

        @Test func `nothing outlives up, whether it is told to end or killed, and the next one starts clean`()
            async throws
        {
            try await with { folder in
                let data = folder.appending(path: "up")
                let first = try await Self.start(data, folder, "first")
                let server = try String(contentsOf: data.appending(path: "server"), encoding: .utf8)
                let names = Set(Self.processes(of: data).map(\.name))
                #expect(names.contains("postgres") && names.contains("plimsoll"), "\(names)")
                try await Self.command(["project", "list"], data, folder)
                // A second one in the same folder is told who is there, and does no harm.
                let second = try await Self.command(
                    ["up", "--data", data.plain, "--listen", "127.0.0.1:0"], nil, folder, expecting: 6)
                #expect(second.contains("already, as process \(first.processID)"), "\(second)")
                #expect(second.contains("next: "), "\(second)")
                #expect(try String(contentsOf: data.appending(path: "server"), encoding: .utf8) == server)
                try await Self.command(["notice", "list"], data, folder)
                // Killed without a word, it takes everything along.
                first.signal(SIGKILL)
                await first.end()
                let isGone = try await eventually(within: .seconds(30)) { Self.processes(of: data).isEmpty }
                #expect(isGone, "outlived a kill -9: \(Self.processes(of: data))")
                let again = try await Self.start(data, folder, "again")
                try await Self.command(["doctor"], data, folder)
                // A coordinator that dies is started again.
                let coordinator = try #require(
                    Self.processes(of: data).first { $0.name == "plimsoll" && $0.id != again.processID })
                kill(coordinator.id, SIGKILL)
                let isBack = try await eventually(within: .seconds(30)) {
                    Self.processes(of: data).contains {
                        $0.name == "plimsoll" && $0.id != again.processID && $0.id != coordinator.id
                    }
                }
                #expect(isBack, "\(again.errorText)")
                again.signal(SIGTERM)
                let code = await again.end(within: .seconds(60))
                #expect(code == 0, "up ended with \(code ?? -1): \(again.errorText)")
                #expect(again.errorText.contains("everything is kept in"), "\(again.errorText)")
                #expect(Self.processes(of: data).isEmpty, "outlived SIGTERM: \(Self.processes(of: data))")
                #expect(!FileManager.default.fileExists(atPath: data.appending(path: "server").plain))
            }
        }

        // MARK: - Parts

        /// Runs `body` with a folder of its own; what it started there is gone afterwards, and the folder too.
        private func with(_ body: (URL) async throws -> Void) async throws {
            let folder = try TestFolder.make("up")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let result: Result<Void, any Error>
            do { result = .success(try await body(folder)) } catch { result = .failure(error) }
            for process in Self.processes(of: folder) { kill(process.id, SIGKILL) }
            _ = try await eventually(within: .seconds(10)) { Self.processes(of: folder).isEmpty }
            try FileManager.default.removeItem(at: folder)
            try result.get()
        }

        private static func start(_ data: URL, _ folder: URL, _ log: String) async throws -> Program {
            let program = try Program(
                Products.plimsoll, ["up", "--data", data.plain, "--listen", "127.0.0.1:0"],
                log: folder.appending(path: log))
            let isUp = try await eventually(within: .seconds(90)) {
                program.outputText.contains("Plimsoll is up") || program.exitCode != nil
            }
            guard isUp, program.exitCode == nil else { throw SystemFailure("up: \(program.errorText)") }
            return program
        }

        /// Runs a command on the deployment in `data`; gives what it said.
        @discardableResult
        private static func command(
            _ words: [String], _ data: URL?, _ folder: URL, expecting code: Int32 = 0
        ) async throws -> String {
            let log = folder.appending(path: "command")
            let program = try Program(
                Products.plimsoll, words, log: log, environment: data.map { ["PLIMSOLL_DATA": $0.plain] } ?? [:])
            let ended = await program.end(within: .seconds(60))
            let said = program.outputText + program.errorText
            #expect(ended == code, "plimsoll \(words.joined(separator: " ")): \(said)")
            for file in [program.output, program.errors] { try FileManager.default.removeItem(at: file) }
            return said
        }

        private struct Running: CustomStringConvertible {
            let id: Int32
            let name: String
            var description: String { "\(name) (\(id))" }
        }

        /// Processes that work in a folder or were told of it.
        private static func processes(of folder: URL) -> [Running] {
            let path = folder.plain.hasSuffix("/") ? String(folder.plain.dropLast()) : folder.plain
            let manager = FileManager.default
            let all = (try? manager.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.compactMap { name in
                // Whatever cannot be read has ended in between.
                guard let id = Int32(name), id != getpid(),
                    let state = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
                    let close = state.lastIndex(of: ")"), !state[close...].hasPrefix(") Z"),
                    let open = state.firstIndex(of: "(")
                else { return nil }
                let place = (try? manager.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")) ?? ""
                let words = manager.contents(atPath: "/proc/\(id)/cmdline").map { String(decoding: $0, as: UTF8.self) }
                guard place.hasPrefix(path) || words?.contains(path) == true else { return nil }
                return Running(id: id, name: String(state[state.index(after: open)..<close]))
            }
        }
    }
}
