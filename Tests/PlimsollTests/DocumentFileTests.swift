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
            """
        let notice = try NoticeFile.parse(text, file: "n.yaml")
        #expect(notice.text == "Two\nlines.\n")
        #expect(notice.locale == "en")
        #expect(notice.validityDays == 90)
        #expect(notice.material)
    }

    @Test func `a notice without an alternative is refused`() throws {
        let failure = try #require(throws: CommandFailure.self) {
            try NoticeFile.parse(
                "id: a\npurpose: b\ntext: c\ndata: d\nrecipients: e\nretention: f\nwithdrawal_method: g\n",
                file: "n.yaml")
        }
        #expect(failure.message.contains("alternative_offered is missing"))
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
