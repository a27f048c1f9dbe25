public import Coordinator
public import Identity
public import Ledger
public import Logging
public import PlimsollModel

extension GatewayServer {
    /// The gateway of a coordinator: work streams to its dispatcher, everything else over the ledger. `authority` nil:
    /// certificates are issued elsewhere. `signer` signs receipts as this coordinator; nil: none is given out.
    public init(
        configuration: GatewayConfiguration, coordinator: Coordinator, ledger: Ledger,
        authority: CertificateAuthority?, signer: CoordinatorSigner? = nil, logger: Logger
    ) throws(GatewayError) {
        try self.init(
            configuration: configuration, dispatch: coordinator,
            desk: LedgerDesk(ledger: ledger, authority: authority),
            services: [
                ControlService(
                    ledger: ledger, authority: authority,
                    process: ProcessDiagnosis(
                        times: coordinator.times, gatewayTimes: configuration.times, limits: configuration.limits),
                    turns: StreamTurns(configuration.limits, configuration.times)),
                AuditService(ledger: ledger),
                ReceiptsService(ledger: ledger, signer: signer),
                OrganisationService(ledger: ledger), ConcernService(ledger: ledger),
                ExportsService(ledger: ledger, turns: StreamTurns(configuration.limits, configuration.times)),
                DeploymentService(ledger: ledger),
                PersonService(ledger: ledger, turns: StreamTurns(configuration.limits, configuration.times)),
                HoursService(ledger: ledger),
            ], logger: logger)
    }
}
