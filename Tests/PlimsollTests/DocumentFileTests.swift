import PlimsollModel
import PlimsollProtocol
import Testing

@testable import plimsoll

@Suite struct DocumentFileTests {
    @Test func `a notice is read with its defaults`() throws {
        let text = """
            id: training
            purpose: training
            text: |
              Two
              lines.
            data: answers
            recipients: us
            retention: a year
            withdrawal_method: plimsoll consent withdraw training
            alternative_offered: the work before
            assessment: {reference: DPIA 3, date: 2026-03-02}
            consultation: {reference: works council minutes 7, date: 2026-03-09}
            """
        let notice = try NoticeFile.parse(text, file: "n.yaml")
        #expect(notice.text == "Two\nlines.\n")
        #expect(notice.locale == "en")
        #expect(notice.validityDays == 90)
        #expect(notice.material)
        #expect(notice.assessment == "DPIA 3" && notice.assessmentOn == "2026-03-02")
        #expect(notice.consultation == "works council minutes 7" && notice.consultationOn == "2026-03-09")
    }

    @Test func `a notice without an alternative is refused`() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try NoticeFile.parse(
                "id: a\npurpose: b\ntext: c\ndata: d\nrecipients: e\nretention: f\nwithdrawal_method: g\n",
                file: "n.yaml")
        }
        #expect(
            failure.message.hasSuffix(
                "lacks: alternative_offered, assessment.reference, assessment.date, consultation.reference, "
                    + "consultation.date"), "\(failure.message)")
    }

    @Test(arguments: ["part-of", "part_of", "contract_clause"]) func `a clause of another document is no notice`(
        key: String
    ) throws {
        let failure = try #require(throws: CommandFailure.self) {
            try NoticeFile.parse("id: a\n\(key): contract 7\n", file: "n.yaml")
        }
        #expect(failure.message.contains("n.yaml, line 2, column"))
        #expect(failure.message.contains("stands on a document of its own"), "\(failure.message)")
    }

    @Test func `an answer schema keeps its members in order and its texts as text`() throws {
        let file = try ProjectFile(
            text: "name: p\nanswer_schema: {type: string, enum: [\"1\", yes, 2]}\neffort: 90s\n", file: "p.yaml")
        #expect(file.answerSchema == #"{"type":"string","enum":["1",true,2]}"#)
        #expect(file.effort == .seconds(90))
    }

    @Test func `a project says what it lacks`() throws {
        let failure = try #require(throws: CommandFailure.self) {
            _ = try ProjectFile(text: "name: p\n", file: "p.yaml").document()
        }
        #expect(failure.message.contains("instructions, an answer schema, a named person"))
    }

    @Test func `what is not named stays`() throws {
        var document = try Demo.project("puzzles").file().document()
        let before = document
        try ProjectFile(text: "weight: 9\n", file: "p.yaml").apply(to: &document)
        #expect(document.weight == 9)
        #expect(document.instructions == before.instructions && document.overlap == before.overlap)
    }

    @Test func `a request file carries its token`() {
        let file = RequestFile(token: "abcd-efgh", request: "-----BEGIN CERTIFICATE REQUEST-----\nx\n")
        #expect(RequestFile(parsing: file.text) == file)
        #expect(RequestFile(parsing: "-----BEGIN").token.isEmpty)
    }
}
