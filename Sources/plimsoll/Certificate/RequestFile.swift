import Foundation

/// A request for a certificate on its way from a person to an operator: the enrolment token, then PKCS#10 in PEM.
struct RequestFile: Equatable {
    /// Empty where no token is needed.
    var token: String
    var request: String

    private static let tokenLine = "Enrolment-Token: "

    init(token: String, request: String) {
        self.token = token
        self.request = request
    }

    /// Reads such a text; one of another tool's making has the PEM alone.
    init(parsing text: String) {
        token =
            text.split(separator: "\n").first { $0.hasPrefix(Self.tokenLine) }
            .map { $0.dropFirst(Self.tokenLine.count).trimmingCharacters(in: .whitespaces) } ?? ""
        request = text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix(Self.tokenLine) }.joined(separator: "\n")
    }

    var text: String { (token.isEmpty ? "" : "\(Self.tokenLine)\(token)\n") + request }
}
