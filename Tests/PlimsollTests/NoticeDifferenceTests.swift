import PlimsollProtocol
import Testing

@testable import plimsoll

@Suite struct NoticeDifferenceTests {
    private let old: Plimsoll_V1_NoticeDocument = {
        var notice = Plimsoll_V1_NoticeDocument()
        notice.id = "training"
        notice.version = 1
        notice.recipients = "us"
        notice.retention = "a year"
        notice.text = (1...12).map { "line \($0)\n" }.joined()
        return notice
    }()

    @Test func `what is the same differs in nothing but the version`() {
        var new = old
        new.version = 2
        let difference = NoticeDifference(from: old, to: new)
        #expect(difference.isEmpty && difference.shown == ["nothing differs but the version"])
    }

    @Test func `fields are named with both values, the text by its lines`() {
        var new = old
        new.recipients = "us and them"
        new.assessment = "DPIA 4"
        new.text = old.text.replacing("line 6\n", with: "line six\nand a half\n")
        let difference = NoticeDifference(from: old, to: new)
        #expect(
            difference.shown == [
                "recipients:", "- us", "+ us and them", "assessment.reference:", "- (nothing)", "+ DPIA 4", "text:",
                "  ...", "  line 4", "  line 5", "- line 6", "+ line six", "+ and a half", "  line 7", "  line 8",
                "  ...",
            ])
    }

    @Test func `a text that begins or ends otherwise is shown from its edge`() {
        var new = old
        new.text = "line 0\n" + old.text + "line 13"
        let difference = NoticeDifference(from: old, to: new)
        #expect(
            difference.text == [
                "+ line 0", "  line 1", "  line 2", "  ...", "  line 11", "  line 12", "+ line 13",
            ])
    }

    @Test func `a text of very many lines is compared as a whole`() {
        var new = old
        new.text = String(repeating: "a\n", count: 3_000)
        let difference = NoticeDifference(from: old, to: new)
        #expect(difference.text.count == 3_012)
    }
}
