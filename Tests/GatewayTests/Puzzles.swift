import Ledger

/// The project of several suites: three puzzles, and Ann and Bob, who were enrolled and agreed.
enum Puzzles {
    /// `agreements`: the purposes, and after how many days their agreements end; nil: as long as a notice says nothing.
    static func fill(
        _ ledger: Ledger, answerSchema: String, agreements: [(purpose: String, days: Int?)]
    ) async throws {
        _ = try await ledger.createProject(
            ProjectDraft(
                name: "puzzles", instructions: "Look.", answerSchema: answerSchema, overlap: 1,
                purposes: agreements.map(\.purpose), namedPersons: ["Ada Boss"]), by: "olga")
        for (purpose, days) in agreements {
            _ = try await ledger.publishNotice(
                NoticeDraft(
                    id: purpose, version: 1, locale: "en", purpose: purpose, text: "Read.", data: "labels",
                    recipients: "the team", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
                    alternativeOffered: "the usual work",
                    assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
                    consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"),
                    validityDays: days, isMaterial: false), by: "olga")
        }
        let keys = ["t0", "t1", "t2"]
        _ = try await ledger.importTasks(
            AsyncThrowingStream<ImportPiece, any Error> { continuation in
                continuation.yield(ImportPiece(request: ImportRequest(project: "puzzles", source: "test")))
                continuation.yield(
                    ImportPiece(
                        tasks: keys.map {
                            TaskDraft(key: $0, kind: "puzzle", severity: 0, priority: 0, payload: Array("{}".utf8))
                        }))
                continuation.yield(ImportPiece(total: keys.count))
                continuation.finish()
            }, by: "olga")
        try await ledger.grantRole(.supervisor, to: "boss", by: "olga")
        for name in ["ann", "bob"] {
            _ = try await ledger.enrolEngineer(
                name, zone: "Europe/Berlin", projects: ["puzzles"],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: "boss", alternativeOffered: "the usual work"),
                by: "olga")
            for (purpose, _) in agreements {
                let notice = try await ledger.notices(id: purpose)[0]
                _ = try await ledger.giveAgreement(
                    notice: purpose, version: 1, sha256: notice.sha256,
                    voice: ConsentVoice(name: name, certificateSerial: "0a"))
            }
        }
    }
}
