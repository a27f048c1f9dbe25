public import Ledger

extension LedgerError: GatewayErrorConvertible {
    /// How a peer is told: what, why and what next, in the ledger's own words, which name nobody else.
    public var gatewayError: GatewayError {
        let code: GatewayError.Code =
            switch self.code {
            case .invalid: .badMessage
            case .notFound: .notFound
            case .conflict, .stale: .conflict
            case .refused: .refused
            case .busy, .unavailable: .notReady
            case .schema, .fault: .internalFault
            }
        let retryAfter: Duration? = code == .notReady ? .seconds(1) : nil
        return GatewayError(code, description, retryAfter: retryAfter, cause: self)
    }
}
