import ArgumentParser
import Foundation
import Identity
import PlimsollModel
import PlimsollProtocol

struct VerifyAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify that nobody changed the record, here and not by a coordinator's word.",
        discussion: """
            Checks each event's salted hash, each link and the one before it, each head's signature against the \
            deployment's authority, and, with --heads, the chain against the heads that left the database when they were \
            signed (`audit: {head_file: ...}` of `serve`; `plimsoll up` keeps DATA/heads.jsonl). It finds what was \
            edited, deleted, moved, cut off or forked, and names the first such place. Without --heads it cannot find a \
            chain that was cut off together with its heads, or signed anew by someone with a coordinator's key.

            Links are verified here for every event. What people did for themselves (agreements, their own limits and \
            hours, named concerns) is nobody else's to read, so the coordinator compares those details with their hashes \
            and says what it found.

            Exit code 1 when anything is wrong.
            """)

    @Option(help: "A file of signed heads.")
    var heads: String?
    @Option(help: "The deployment's authorities, PEM. Default: ca.pem of the identity.")
    var ca: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let trust = try ca.map { try TrustBundle(pem: TextFile.read($0)) } ?? connection.identityFiles().load().trust
        let audit = ChainAudit(trust: trust, heads: heads)
        let progress = Progress("verifying the chain", unit: "events")
        defer { progress.finish() }
        let result = try await connection.withCoordinator { try await audit.run($0, progress: progress) }
        progress.finish()
        Output.talk(Self.statistics(result))
        let facts = Self.facts(result)
        guard let first = result.verifier.faults.first else {
            return output.report(
                ([Self.sentence(result)] + Self.limits(result, heads: heads)).joined(separator: "\n"), facts)
        }
        if [.json, .yaml].contains(output.format) { output.write(facts) }
        let more = result.verifier.faults.dropFirst().map { "\n  also: \($0.kind.rawValue): \($0.finding)" }.joined()
        let unnamed = result.verifier.faultCount - result.verifier.faults.count
        throw CommandFailure(
            .failed,
            "the record was changed: \(first.kind.rawValue): \(first.finding); \(first.kind.meaning)\(more)"
                + (unnamed > 0 ? "\n  and \(ProgressPicture.grouped(unnamed)) more" : ""), next: first.kind.remedy)
    }

    static func statistics(_ result: ChainAudit.Result) -> String {
        func rate(_ time: Duration) -> String {
            let seconds = Double(time.microseconds) / 1_000_000
            return ProgressPicture.grouped(Int(Double(result.verifier.events) / max(seconds, 0.000_001)))
        }
        func seconds(_ time: Duration) -> String {
            let hundredths = time.milliseconds / 10
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }
        return "verified \(ProgressPicture.grouped(Int(result.verifier.events))) events in \(seconds(result.time)) s "
            + "(\(rate(result.time))/s; this side alone \(rate(result.computing))/s)"
    }

    private static func sentence(_ result: ChainAudit.Result) -> String {
        let verifier = result.verifier
        var text =
            "the chain is whole: \(Counted.of(verifier.events, "event")), \(Counted.of(verifier.heads, "signed head"))"
            + (verifier.lastSignedAt.map {
                ", signed up to link \(verifier.lastSigned) at \(Plimsoll_V1_ConsentReceipt.moment($0.microseconds))"
            } ?? "")
        if verifier.erased > 0 { text += "; \(Counted.of(verifier.erased, "detail")) erased" }
        if verifier.withheld > 0 {
            text +=
                "; \(Counted.of(verifier.withheld, "detail")) of what people did for themselves compared by the coordinator"
        }
        return text
    }

    /// What an audit cannot tell.
    private static func limits(_ result: ChainAudit.Result, heads: String?) -> [String] {
        let verifier = result.verifier
        let unsigned = verifier.lastLink - verifier.lastSigned
        var tail: [String] = []
        if unsigned > 0 { tail.append("\(Counted.of(unsigned, "link")) since the last signed head") }
        if result.end.waiting > 0 {
            tail.append(
                "\(Counted.of(result.end.waiting, "event")) not sealed yet, the oldest for "
                    + DurationText.readable(result.end.oldestWaiting))
        }
        var lines = [
            "not covered by a signature yet: \(tail.isEmpty ? "nothing" : tail.joined(separator: ", "))"
        ]
        lines.append(
            heads.map { "compared with \(Counted.of(verifier.witnesses, "head")) of \($0)" }
                ?? "not compared with heads outside the database (--heads FILE): a chain that was cut off together with "
                + "its heads looks whole")
        return lines
    }

    private static func facts(_ result: ChainAudit.Result) -> JSONValue {
        let verifier = result.verifier
        func number(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
        return [
            "ok": .bool(verifier.faultCount == 0), "events": number(verifier.events), "erased": number(verifier.erased),
            "withheld": number(verifier.withheld), "heads": number(verifier.heads),
            "file_heads": number(verifier.witnesses), "last_link": number(verifier.lastLink),
            "last_signed": number(verifier.lastSigned), "not_sealed": number(result.end.waiting),
            "oldest_not_sealed_milliseconds": number(result.end.oldestWaiting.milliseconds),
            "fault_count": number(Int64(verifier.faultCount)),
            "faults": .array(
                verifier.faults.map { fault in
                    [
                        "kind": .string(fault.kind.rawValue), "link": fault.seq.map(number) ?? .null,
                        "event": fault.event.map(number) ?? .null, "finding": .string(fault.finding),
                        "meaning": .string(fault.kind.meaning), "remedy": .string(fault.kind.remedy),
                    ]
                }),
        ]
    }
}
