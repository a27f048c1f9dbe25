import Foundation
import Glibc
import PlimsollModel
import Postgres
import Synchronization
import TestSupport
import Testing

extension SystemTests {
    /// The worker's screen as a person has it: the real command on a terminal of its own, and a real coordinator. Each
    /// page of what is theirs opens by its key and shows what is so; then the task is as it was.
    @Suite struct OwnPagesTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#
        private static let concern = "The pictures are too small."
        private static let reply = "They will be larger."

        /// Two tasks answered and one waiting, a concern that was replied to, and somebody who looked.
        private static func prepare(_ system: LiveSystem) async throws {
            let (ada, boss) = (system.identity("ada"), system.operatorIdentity)
            try await system.publishNotices(purposes)
            try await system.createProject("data", schema: schema, overlap: 1, purposes: purposes)
            try await system.enrol(["ada"], projects: ["data"], purposes: purposes)
            try await system.importTasks(["t1", "t2"], project: "data")
            let worker = try system.launch(
                Products.plimsoll,
                [
                    "work", "--project", "data", "--server", system.servers, "--identity", ada.plain, "--max", "2",
                    "--exec", "cat >/dev/null; echo 4",
                ], log: "pages-answers")
            let code = await worker.end(within: .seconds(60))
            #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(worker.errorText)")
            try await system.importTasks(["t3"], project: "data")
            let raised = try JSONValue.parse(
                await system.succeed(["concern", "raise", concern, "--project", "data", "-o", "json"], as: ada))
            let id = try #require(raised["id"]?.intValue)
            try await system.succeed(["concern", "list"], as: boss)
            try await system.succeed(["concern", "answer", "\(id)", reply], as: boss)
            try await system.succeed(["policy", "show", "--for", "ada"], as: boss)
        }

        /// What is to be seen while the task is in front.
        private static let task = ["data t3  kind test", "s send  d decline"]
        private static let choosing = ["What is held of you, and what you may say.", "8  pull the cord"]

        /// The pages that a key opens, each with something that only a coordinator knows, but for the help.
        private static let pages: [(key: String, shows: [String])] = [
            ("?", ["choose; of several choices", "park: keep it for later"]),
            ("l", ["ada, Europe/Berlin, ", "your load; the line is what may not be passed", "day-time", "document"]),
            ("a", ["What you agree to.", "1  taking-part, needed by data"]),
            ("w", ["Why this task is yours now", "ada, Europe/Berlin, "]),
        ]

        /// What a digit opens on the page of what is held of a person.
        private static let topics: [(digit: String, shows: [String])] = [
            ("1", ["Your answers, and what became of them", "t1", "t2", "accepted"]),
            ("2", ["Your labels and leased time by day", "LABELS AN HOUR"]),
            ("3", ["Who looked at what is held of you", "certificate", "concern", "limits", LiveSystem.operatorName]),
            ("4", ["Why you were chosen for each project, and by whom", "everybody of the test", "watching"]),
            ("5", ["Everything that is held of you, table by table", "person", "kept:"]),
            ("6", ["Your concerns, and what was replied", concern, reply]),
        ]

        @Test func `each page of a person's own opens by its key, shows what is so, and gives the task back`()
            async throws
        {
            try await LiveSystem.with(.init(policy: "bench")) { system in
                try await Self.prepare(system)
                try await WorkScreen.with(system, as: "ada") { screen in
                    try await screen.see(Self.task)
                    for page in Self.pages {
                        screen.type(page.key)
                        try await screen.see(page.shows + ["any other key goes back"])
                        if page.key == "w" { try await Self.readToTheEnd(screen) }
                        screen.type("x")
                        try await screen.see(Self.task)
                    }
                    screen.type("m")
                    try await screen.see(Self.choosing)
                    for topic in Self.topics {
                        screen.type(topic.digit)
                        try await screen.see(topic.shows)
                        if topic.digit == "2" { #expect(screen.shown.contains(/data +2\b/), "\(screen.shown)") }
                        screen.type("x")
                        try await screen.see(Self.choosing)
                    }
                    try await Self.askAboutTheCord(screen)
                    screen.type("x")
                    try await screen.see(Self.task)

                    screen.type("q")
                    #expect(try await screen.ending() == 0, "\(screen.shown)")
                    // The usual screen is back, with the last word on it.
                    #expect(screen.output.contains("\u{1B}[?1049l"))
                    #expect(screen.output.contains("plimsoll work: 0 accepted"), "\(screen.output.suffix(500))")
                }
                // Looking costs nothing: what was in hand is given back, and no key that opened a page said anything.
                let isBack = try await eventually(within: .seconds(30)) { try await Self.rows(system, "lease") == 0 }
                #expect(isBack)
                for (table, count) in [("parked", 0), ("label", 2), ("cord", 0), ("concern", 1)] {
                    #expect(try await Self.rows(system, table) == Int64(count), "\(table)")
                }
            }
        }

        private static func rows(_ system: LiveSystem, _ table: String) async throws -> Int64 {
            try await system.asDatabaseOwner {
                try await $0.query(Query(.unprepared("select count(*) from \(table)")))[0].int8(0)
            }
        }

        /// A page that is longer than the screen goes on.
        private static func readToTheEnd(_ screen: WorkScreen) async throws {
            screen.type("\u{1B}[F")
            try await screen.see(["why you were chosen", "everybody of the test", "any other key goes back"])
        }

        /// One digit asks, and only `y` pulls it.
        private static func askAboutTheCord(_ screen: WorkScreen) async throws {
            screen.type("8")
            try await screen.see(["Pull the cord of data?", "any other key does not"])
            screen.type("n")
            try await screen.see(choosing)
        }
    }
}

/// `plimsoll work` on a pseudo-terminal of 80x24, and what stands on its screen.
private final class WorkScreen: Sendable {
    private let master: CInt
    private let slave: CInt
    private let program: Program
    private let seen = Mutex<[UInt8]>([])

    private static let patience = Duration.seconds(30)

    /// For the length of `body`; the process is gone afterwards, also when the body throws.
    static func with(
        _ system: LiveSystem, as name: String, _ body: (WorkScreen) async throws -> Void
    ) async throws {
        let screen = try WorkScreen(system, as: name)
        let result: Result<Void, any Error>
        do { result = .success(try await body(screen)) } catch { result = .failure(error) }
        await screen.program.destroy()
        try result.get()
    }

    private init(_ system: LiveSystem, as name: String) throws {
        var (master, slave): (CInt, CInt) = (-1, -1)
        var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
        guard openpty(&master, &slave, nil, nil, &size) == 0 else {
            throw SystemFailure("there is no terminal to be had: errno \(errno)")
        }
        // Other programs of this test process must not keep it open: that it closes is how its own ends with us.
        for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
        (self.master, self.slave) = (master, slave)
        program = try Program(
            Products.plimsoll, ["work", "--server", system.servers, "--identity", system.identity(name).plain],
            log: system.folder.appending(path: "screen-\(name)"),
            environment: ["TERM": "xterm", "LC_ALL": "C", "LANG": "C"],
            terminal: FileHandle(fileDescriptor: slave, closeOnDealloc: false))
    }

    deinit {
        close(slave)
        close(master)
    }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        let count = write(master, bytes, bytes.count)
        #expect(count == bytes.count, "the terminal took \(count) of \(bytes.count) bytes")
    }

    /// Everything that was written.
    var output: String { seen.withLock { String(decoding: $0, as: UTF8.self) } }

    /// The lines that stand there now, from the top. Each is drawn as a whole, after its place and how it stands out.
    var shown: String {
        var lines: [Int: Substring] = [:]
        for match in output.matches(of: /\u{1B}\[(\d+);1H(?:\u{1B}\[[0-9;]*m)*([^\u{1B}]*)/) {
            if let row = Int(match.1) { lines[row] = match.2 }
        }
        return lines.sorted { $0.key < $1.key }.map { String($0.value) }.joined(separator: "\n")
    }

    /// Waits until all of this stands there.
    func see(_ texts: [String]) async throws {
        let sees = try await eventually(within: Self.patience) {
            collect()
            let shown = shown
            return texts.allSatisfy { shown.contains($0) }
        }
        guard sees else {
            let end = program.exitCode.map { "; it ended with \($0)" } ?? ""
            throw SystemFailure("the screen does not show \(texts)\(end):\n\(shown)")
        }
    }

    /// The exit code; nil when it goes on.
    func ending() async throws -> Int32? {
        _ = try await eventually(within: Self.patience) {
            // A terminal that nobody reads would hold it up.
            collect()
            return program.exitCode != nil
        }
        collect()
        return program.exitCode
    }

    private func collect() {
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(master, &block, block.count)
            guard count > 0 else { return }
            seen.withLock { $0.append(contentsOf: block[..<count]) }
        }
    }
}
