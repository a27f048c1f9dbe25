import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import plimsoll

@Suite struct EraseTextTests {
    @Test func `before an erasure it is said what goes, what stays and that it is for good`() {
        let whole = EraseMe.before(nil).joined(separator: "\n")
        for words in [
            "goes: your answers and late answers", "your name", "under a pseudonym: what you agreed to",
            "which policies and notices you put in force", "cannot be undone", "certificate ends",
        ] {
            #expect(whole.contains(words), "\(words)")
        }
        let one = EraseMe.before("training").joined(separator: "\n")
        for words in ["answers that stand on training", "stays: you, your other answers", "cannot be undone"] {
            #expect(one.contains(words), "\(words)")
        }
        #expect(!one.contains("your name") && !one.contains("certificate"))
    }

    @Test func `afterwards it is said what went and what stayed`() {
        let whole = EraseMe.text(
            .with {
                $0.receipts = [
                    .with {
                        $0.purpose = "training"
                        $0.state = "withdrawn"
                        $0.receiptID = "r1"
                    }
                ]
                $0.labels = 3
                $0.lateAnswers = 1
                $0.pseudonym = "erased-0a"
                $0.chainDetails = 12
            })
        for words in [
            "training: withdrawn; receipt r1", "removed for good: 3 labels, 1 late answer", "told what to drop",
            "12 details of the record", "stand under erased-0a", "does nothing any more",
        ] {
            #expect(whole.contains(words), "\(words)")
        }
        let one = EraseMe.text(.with { $0.labels = 2 })
        #expect(one.contains("you and your other answers stay") && !one.contains("certificate"), "\(one)")
    }
}
