import Coordinator
import GRPCCore
import Identity
import Ledger
import PlimsollProtocol

/// `plimsoll.v1.Control` over the ledger: what operators, supervisors and reviewers ask. Who may call what was decided
/// before (`MethodRules`); each method turns messages into values and back, and nothing else.
struct ControlService: Plimsoll_V1_Control.SimpleServiceProtocol {
    let ledger: Ledger
    /// Who could be given something, for lists that others see.
    let availability: Availability
    /// nil: this deployment's authority is elsewhere, and certificates are issued there.
    let authority: CertificateAuthority?
    /// What `doctor` is told of this process.
    let process: ProcessDiagnosis
    /// Whose export is read when.
    let turns: StreamTurns

    init(
        ledger: Ledger, authority: CertificateAuthority?, process: ProcessDiagnosis = ProcessDiagnosis(),
        turns: StreamTurns = StreamTurns()
    ) {
        self.ledger = ledger
        availability = Availability(ledger: ledger)
        self.authority = authority
        self.process = process
        self.turns = turns
    }
}

extension GatewayError {
    /// What is answered where a certificate is asked for and no authority is at hand.
    static let noAuthority = GatewayError(
        .refused,
        "this coordinator does not hold the deployment's certificate authority; issue it where that is: "
            + "plimsoll cert issue --ca DIR, or ask a coordinator that has `authority` in its configuration")
}
