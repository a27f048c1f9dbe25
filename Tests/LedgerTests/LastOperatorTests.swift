import Ledger
import Testing

@Suite struct LastOperatorTests {
    @Test func nobodyShutsOutTheLastOperatorWhoCanAct() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await ledger.grantRole(.operator, to: "olga", by: "migrate")
            func refused(_ body: () async throws -> Void) async {
                let error = await #expect(throws: LedgerError.self) { try await body() }
                #expect(error?.code == .refused && error?.message == "olga is the last operator")
            }
            await refused { _ = try await ledger.deny(.person("olga"), reason: "a test", by: "olga") }
            await refused { try await ledger.revokeRole(.operator, from: "olga", reason: "a test", by: "olga") }
            try await ledger.grantRole(.operator, to: "oz", by: "olga")
            _ = try await ledger.deny(.person("oz"), reason: "a test", by: "olga")
            // Who is denied is no other.
            await refused { _ = try await ledger.deny(.person("olga"), reason: "a test", by: "olga") }
            await refused { try await ledger.revokeRole(.operator, from: "olga", reason: "a test", by: "olga") }
            try await ledger.grantRole(.operator, to: "ute", by: "olga")
            try await ledger.revokeRole(.operator, from: "olga", reason: "a test", by: "ute")
        }
    }
}
