public import Coordinator
public import Identity
public import Ledger
public import Logging

extension GatewayServer {
    /// The gateway of a coordinator: work streams to its dispatcher, everything else over the ledger. `authority` nil:
    /// certificates are issued elsewhere.
    public init(
        configuration: GatewayConfiguration, coordinator: Coordinator, ledger: Ledger,
        authority: CertificateAuthority?, logger: Logger
    ) throws(GatewayError) {
        try self.init(
            configuration: configuration, dispatch: coordinator,
            desk: LedgerDesk(ledger: ledger, authority: authority),
            services: [
                ControlService(
                    ledger: ledger, authority: authority,
                    process: ProcessDiagnosis(
                        times: coordinator.times, gatewayTimes: configuration.times, limits: configuration.limits)),
                AuditService(ledger: ledger),
            ], logger: logger)
    }
}
