import Foundation
import PlimsollModel
import QualityReview
import Testing

@testable import plimsoll

/// Our own boundary tables (P2) are files that anyone could have written for `plimsoll policy test`.
@Suite struct PolicyCaseTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "PolicyCases")
    static let files: [String] = {
        // Without the folder there are no arguments, and the test below says so.
        let found = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return found.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test(arguments: files)
    func `every case of a file holds`(file: String) throws {
        for one in try PolicyCaseFile(path: Self.folder.appending(path: file).path).cases {
            let answer = one.answer()
            #expect(one.holds(answer), "\(one.name): expected \(one.expected), came \(answer)")
        }
    }

    @Test func `the tables reach every rule`() throws {
        var refused: Set<Rule> = []
        var count = 0
        for file in Self.files {
            for one in try PolicyCaseFile(path: Self.folder.appending(path: file).path).cases {
                count += 1
                if case .refused(let rule?, _) = one.expected { refused.insert(rule) }
            }
        }
        #expect(count > 100)
        #expect(refused == Set(Rule.allCases), "missing: \(Set(Rule.allCases).subtracting(refused))")
    }

    private func write(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "cases-\(UUID().uuidString).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private func complaint(_ text: String) throws -> String {
        let file = try write(text)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try #require(throws: CommandFailure.self) { try PolicyCaseFile(path: file) }.message
    }

    private static let head = "policy: {format: 1}\ncases:\n"

    @Test func `a file that cannot be read says where`() throws {
        let unknown = try complaint(
            Self.head + "  - name: a\n    worked_hours: 3\n    at: 2026-03-30T09:00:00Z\n")
        #expect(unknown.contains("line 4, column 5") && unknown.contains("worked_hours"))
        let noOffset = try complaint(
            Self.head + "  - name: a\n    at: 2026-03-30T09:00:00\n    ask: {}\n    expect: {granted: true}\n")
        #expect(noOffset.contains("line 4, column 9") && noOffset.contains("offset"))
        let rule = try complaint(
            Self.head + "  - name: a\n    at: 2026-03-30T09:00:00Z\n    ask: {}\n    expect: {refused: boredom}\n")
        #expect(rule.contains("line 6, column 23") && rule.contains("day-time"))
        let like = try complaint(Self.head + "  - name: a\n    like: b\n")
        #expect(like.contains("names no case above"))
        let policy = try complaint("policy: {limits: {open-leases: many}}\ncases: [{name: a}]\n")
        #expect(policy.contains("open-leases takes"))
        #expect(try complaint("cases: []\npolicy: {format: 1}\n").contains("at least one case"))
    }

    /// It would be green, whatever the gate says of it.
    @Test(arguments: [
        ("{refused: break, deadline: 2026-03-30T10:00:00Z}", 40, "cases[0].expect.deadline does not go with “refused”"),
        ("{refused: break, count: 2}", 37, "cases[0].expect.count does not go with “refused”"),
        ("{refused: break, granted: true}", 39, "cases[0].expect.granted does not go with “refused”"),
        ("{granted: true, until: 2026-03-30T10:00:00Z}", 36, "cases[0].expect.until does not go with “granted: true”"),
        ("{granted: false, count: 1}", 37, "cases[0].expect.count does not go with “granted: false”"),
    ])
    func `what would be compared with nothing is an error`(expect: String, column: Int, words: String) throws {
        let said = try complaint(
            Self.head + "  - name: a\n    at: 2026-03-30T09:00:00Z\n    ask: {}\n    expect: \(expect)\n")
        #expect(said.contains("line 6, column \(column): \(words)"), "\(said)")
    }

    @Test func `a case that does not hold is told from one that does`() throws {
        let file = try write(
            Self.head + """
                  - name: holds
                    at: 2026-03-30T09:00:00Z
                    ask: {effort: 5m}
                    expect: {granted: true, deadline: 2026-03-30T09:15:00Z}
                  - name: another deadline
                    like: holds
                    expect: {granted: true, deadline: 2026-03-30T09:15:01Z}
                  - name: a refusal instead
                    like: holds
                    expect: {refused: break}
                  - name: another rule
                    like: holds
                    at: 2026-03-30T03:00:00Z
                    expect: {refused: break}
                  - name: another end
                    like: another rule
                    expect: {refused: quiet-hours, until: never}
                """)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let cases = try PolicyCaseFile(path: file).cases
        #expect(cases.map { $0.holds($0.answer()) } == [true, false, false, false, false])
    }

    @Test func `validate says where not even the usual task fits`() throws {
        #expect(ValidatePolicy.warning(.defaults).isEmpty)
        let exact = try PolicyDocument(proposed: "limits: {continuous-time: 5m, break: 5m}")
        #expect(ValidatePolicy.warning(exact).isEmpty)
        let short = ValidatePolicy.warning(try PolicyDocument(proposed: "limits: {continuous-time: 299s, break: 5m}"))
        #expect(
            short.hasPrefix("tasks with an estimate of 5m are leased to nobody: the longest that fits is 4m (break)"),
            "\(short)")
    }

    @Test(arguments: [
        ("open-leases: 0", "open-leases is 0"), ("quiet-hours: 08:00-07:59", "quiet-hours 08:00-07:59"),
        ("daily-rest: 24h", "daily-rest is 24h"),
    ])
    func `validate says what would stop everyone`(line: String, word: String) throws {
        let warning = ValidatePolicy.warning(try PolicyDocument(proposed: "limits: {\(line)}"))
        #expect(warning.hasPrefix("this policy would stop everyone: \(word)"), "\(warning)")
    }
}
