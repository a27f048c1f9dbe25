import GRPCCore
import Identity
import PlimsollModel
import Testing

@testable import plimsoll

@Suite struct ExitStatusTests {
    @Test(arguments: [
        (RPCError.Code.invalidArgument, plimsoll.ExitStatus.wrongUse), (.failedPrecondition, .refused),
        (.unauthenticated, .notAuthorized), (.permissionDenied, .notAuthorized), (.notFound, .notFound),
        (.alreadyExists, .conflict), (.aborted, .conflict), (.unavailable, .failed), (.internalError, .failed),
        (.resourceExhausted, .failed), (.deadlineExceeded, .failed), (.unknown, .failed),
    ])
    func `a coordinator's answer has its exit code`(code: RPCError.Code, status: plimsoll.ExitStatus) {
        #expect(CommandFailure(RPCError(code: code, message: "no")).status == status)
    }

    @Test func `the coordinator's words are kept`() {
        let failure = CommandFailure(RPCError(code: .notFound, message: "there is no project x"))
        #expect(failure.description == "there is no project x")
    }

    @Test func `an error says what next`() {
        #expect(CommandFailure(.failed, "what", next: "how").description == "what\n  next: how")
        #expect(CommandFailure(RPCError(code: .unauthenticated, message: "no")).description.contains("next: "))
    }

    @Test func `errors below have their codes`() {
        #expect(CommandFailure(IdentityError(.fileMissing, "x")).status == .notFound)
        #expect(CommandFailure(IdentityError(.fileUnsafe, "x")).status == .wrongUse)
        #expect(CommandFailure(ModelError(.badPolicy, "x")).status == .wrongUse)
    }

    @Test func `the codes are those of the manual`() {
        let codes: [plimsoll.ExitStatus] = [.done, .failed, .wrongUse, .refused, .notAuthorized, .notFound, .conflict]
        #expect(codes.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6])
    }
}
