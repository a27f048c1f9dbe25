import ArgumentParser
import PlimsollModel
import QualityReview

struct TestPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Ask the coordinator's gate about cases in files; no coordinator is needed.",
        discussion: """
            A file names a policy and cases: a person's zone, agreements, worked time and open leases, an instant, what is
            asked for, and what the gate is expected to say.

              policy: policy.yaml         # a path relative to this file, or a document in place
              cases:
                - name: ten minutes off after fifty
                  zone: Europe/Berlin
                  agreements: [{purpose: taking-part, state: given, from: 2026-03-01T00:00:00+01:00, until: 2026-05-30T00:00:00+02:00}]
                  worked: [{from: 2026-03-30T09:00:00+02:00, to: 2026-03-30T09:50:00+02:00, kind: puzzle, severity: 0}]
                  at: 2026-03-30T09:55:00+02:00
                  ask: {kind: puzzle, severity: 0, effort: 5m, purposes: [taking-part]}
                  expect: {refused: break, until: 2026-03-30T10:00:00+02:00}
                - name: and then on
                  like: ten minutes off after fifty     # everything as there, except what is named here
                  at: 2026-03-30T10:00:00+02:00
                  expect: {granted: true, deadline: 2026-03-30T10:15:00+02:00}

            Also: open (leases: since, deadline, kind, severity), labels_today, former_zone (name, changed), elsewhere (hours
            a week declared), days (totals of dates long ago: day, worked), enrolled, denied, paused, want, and limits of a
            team, project or engineer. The last line counts; the exit code is 0 only when all hold.
            """)

    @Argument(help: "Files of cases.")
    var files: [String]
    @OptionGroup var output: OutputOptions

    func run() throws {
        guard !files.isEmpty else { throw CommandFailure(.wrongUse, "name at least one file of cases") }
        var passed = 0
        var faults: [JSONValue] = []
        for file in files {
            for one in try PolicyCaseFile(path: file).cases {
                let answer = one.answer()
                if one.holds(answer) {
                    passed += 1
                    continue
                }
                let zone = try? Zone.named(one.person.zone)  // An unknown zone is what the case may be about.
                let expected = Self.text(one.expected, zone)
                let came = Self.text(answer, zone)
                faults.append([
                    "file": .string(file), "case": .string(one.name), "expected": .string(expected),
                    "came": .string(came), "why": .string(Self.why(answer)),
                ])
                guard output.format == .table else { continue }
                let lines = [
                    "FAILED \(file): \(one.name)", "  expected: \(expected)", "  came:     \(came)",
                    "  why:      \(Self.why(answer))",
                ]
                for line in lines { Output.line(Harmless.line(line)) }
            }
        }
        output.report(
            "\(passed) passed, \(faults.count) failed",
            [
                "passed": .number(JSONNumber(passed)), "failed": .number(JSONNumber(faults.count)),
                "faults": .array(faults),
            ])
        if !faults.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private static func text(_ expected: GateCase.Expectation, _ zone: Zone?) -> String {
        switch expected {
        case .granted(let deadline, let count):
            return "granted" + (count.map { " \($0)" } ?? "")
                + (deadline.map { " until \(text($0, zone))" } ?? "")
        case .refused(let rule, let until):
            let end =
                switch until {
                case nil: ""
                case .never: ", with no time at which it ends"
                case .moment(let moment): " until \(text(moment, zone))"
                }
            return "refused" + (rule.map { " by \($0.rawValue)" } ?? "") + end
        }
    }

    private static func text(_ answer: GateAnswer, _ zone: Zone?) -> String {
        switch answer.decision {
        case .granted(let count, let deadline): text(.granted(deadline: deadline, count: count), zone)
        case .refused(let refusal):
            text(.refused(refusal.rule, until: refusal.until.map { .moment($0) } ?? .never), zone)
        }
    }

    private static func why(_ answer: GateAnswer) -> String {
        switch answer.decision {
        case .granted:
            return answer.bound.map { "the deadline is where \($0.rawValue) is reached" } ?? "no limit is in the way"
        case .refused(let refusal):
            // A plain yes or no has no figures.
            let figures = [("value", refusal.value), ("limit", refusal.limit)].filter { !$0.1.isEmpty }
                .map { "\($0.0) \($0.1)" }.joined(separator: ", ")
            let said = [figures, refusal.scope.map { "(\($0))" } ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
            return refusal.sentence + (said.isEmpty ? "" : " [\(said)]")
        }
    }

    private static func text(_ moment: Moment, _ zone: Zone?) -> String {
        zone.map { moment.text(in: $0) } ?? "second \(moment.seconds) of the epoch"
    }
}
