import Coordinator
import Identity
import PlimsollModel
import PlimsollProtocol

/// A worker's messages, checked against the revision and the limits, as the coordinator takes them.
///
/// The hot path: no await, no allocation beyond the arrays that the coordinator keeps.
enum WorkRequest {
    /// The lowest and highest revision of the protocol spoken here.
    static let revisionMin: UInt32 = 1
    static let revisionMax: UInt32 = 1

    /// The first message of a stream.
    struct Opening {
        /// The highest revision that both sides speak.
        var revision: UInt32
        var opening: StreamOpening
    }

    /// Reads a hello. Throws `badMessage`, `unknownRevision` or `limitExceeded`.
    static func opening(
        _ message: Plimsoll_V1_WorkerMessage, caller: Caller
    ) throws(GatewayError) -> Opening {
        guard message.hasHello else {
            throw GatewayError(.badMessage, "the first message of a work stream must carry hello")
        }
        let hello = message.hello
        guard hello.revision >= revisionMin else {
            throw GatewayError(
                .unknownRevision,
                "revision \(hello.revision) of the protocol is not spoken here; "
                    + "revisions \(revisionMin) to \(revisionMax) are"
            )
        }
        try UnknownFields.check(hello)
        guard hello.inFlight >= 1 else {
            throw GatewayError(.badMessage, "hello.in_flight is 0; it is 1 to \(StreamLimits.inFlightMax)")
        }
        try limit(hello.held.count, "hello.held")
        guard let worker = caller.identity.worker else {
            throw GatewayError(.notAllowed, "a work stream needs a certificate of an engineer's worker")
        }
        var held: [LeaseReference] = []
        held.reserveCapacity(hello.held.count)
        for reference in hello.held { held.append(try lease(reference)) }
        return Opening(
            revision: min(hello.revision, revisionMax),
            opening: StreamOpening(
                person: caller.name, serial: caller.serial, worker: worker,
                inFlight: min(Int(hello.inFlight), StreamLimits.inFlightMax),
                project: hello.project.isEmpty ? nil : hello.project, held: held,
                session: Int64(bitPattern: hello.session)))
    }

    /// What became of one message.
    struct Taken {
        var request = StreamRequest()
        /// Answers that are too long to be looked at; their leases stay.
        var tooLong: [Settlement] = []
    }

    /// Reads any message. A hello in it is left to `opening`, and `isFirst` says whether one may be there. Throws
    /// `badMessage` or `limitExceeded`.
    static func take(
        _ message: Plimsoll_V1_WorkerMessage, isFirst: Bool = false
    ) throws(GatewayError) -> Taken {
        try UnknownFields.check(message)
        guard isFirst || !message.hasHello else {
            throw GatewayError(.badMessage, "hello is in the first message of a work stream only")
        }
        var taken = Taken()
        guard message.want <= StreamLimits.inFlightMax else {
            throw GatewayError(.limitExceeded, "want is \(message.want); it is at most \(StreamLimits.inFlightMax)")
        }
        taken.request.want = Int(message.want)
        taken.request.leaving = message.leaving
        if !message.submits.isEmpty { try takeSubmits(message.submits, into: &taken) }
        if !message.declines.isEmpty {
            try limit(message.declines.count, "declines")
            taken.request.declines.reserveCapacity(message.declines.count)
            for decline in message.declines {
                try UnknownFields.check(decline)
                taken.request.declines.append(Decline(lease: decline.lease, reason: try reason(decline.reason)))
            }
        }
        taken.request.releases = try leases(message.releases, "releases")
        taken.request.parks = try leases(message.parks, "parks")
        taken.request.extends = try leases(message.extends, "extends")
        return taken
    }

    private static func takeSubmits(_ submits: [Plimsoll_V1_Submit], into taken: inout Taken) throws(GatewayError) {
        try limit(submits.count, "submits")
        taken.request.submits.reserveCapacity(submits.count)
        for submit in submits {
            try UnknownFields.check(submit)
            let lease = LeaseReference(task: TaskID(submit.task), fence: Fence(submit.fence))
            guard submit.answer.count <= StreamLimits.answerBytesMax else {
                let problem = "the answer has \(submit.answer.count) bytes; \(StreamLimits.answerBytesMax) are the most"
                taken.tooLong.append(
                    Settlement(
                        lease: lease, outcome: .refusedSchema([AnswerProblem(path: "", message: problem)]),
                        message: problem))
                continue
            }
            taken.request.submits.append(SubmittedAnswer(lease: lease, answer: [UInt8](submit.answer)))
        }
    }

    private static func leases(
        _ references: [Plimsoll_V1_LeaseReference], _ field: StaticString
    ) throws(GatewayError) -> [LeaseReference] {
        guard !references.isEmpty else { return [] }
        try limit(references.count, field)
        var leases: [LeaseReference] = []
        leases.reserveCapacity(references.count)
        for reference in references { leases.append(try lease(reference)) }
        return leases
    }

    private static func lease(_ reference: Plimsoll_V1_LeaseReference) throws(GatewayError) -> LeaseReference {
        try UnknownFields.check(reference)
        guard reference.reason == .unspecified else {
            throw GatewayError(.badMessage, "a reason is in a decline only")
        }
        return reference.lease
    }

    private static func reason(_ reason: Plimsoll_V1_DeclineReason) throws(GatewayError) -> String? {
        switch reason {
        case .unspecified: nil
        case .unclear: "unclear"
        case .notMyField: "not-my-field"
        case .distressing: "distressing"
        case .other: "other"
        case .UNRECOGNIZED(let number):
            throw GatewayError(.badMessage, "\(number) is no reason for a decline")
        }
    }

    private static func limit(_ count: Int, _ field: StaticString) throws(GatewayError) {
        guard count <= StreamLimits.itemsPerMessageMax else {
            throw GatewayError(
                .limitExceeded,
                "\(field) has \(count) items; \(StreamLimits.itemsPerMessageMax) are the most in a message")
        }
    }
}

extension Plimsoll_V1_LeaseReference {
    fileprivate var lease: LeaseReference { LeaseReference(task: TaskID(task), fence: Fence(fence)) }
}
