import PlimsollProtocol
import SwiftProtobuf
import Testing

@testable import plimsoll

/// What `consent list` advises about an agreement that ends soon.
@Suite struct ConsentListTests {
    private func advice(newVersionOf notice: String) -> String {
        Plimsoll_V1_NoticeAgreement.with {
            $0.notice = .with {
                $0.id = "training-east"
                $0.purpose = "training"
            }
            $0.state = "given"
            $0.endsInSeconds = 864_000
            $0.newVersionOf = notice
        }.endingAdvice
    }

    @Test func `an agreement whose time is up soon can be renewed at once`() {
        let text = advice(newVersionOf: "")
        #expect(text.hasSuffix("silence does not renew it: plimsoll consent give training"), "\(text)")
    }

    @Test func `one that a new version ends can be given again from then on, and not before`() {
        let text = advice(newVersionOf: "training-east")
        #expect(text.contains("plimsoll notice show training-east --diff"), "\(text)")
        #expect(text.hasSuffix("from then on: plimsoll consent give training"), "\(text)")
    }
}
