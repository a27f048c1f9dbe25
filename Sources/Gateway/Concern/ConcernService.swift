import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Concerns` over the ledger. Of a concern without a name the caller goes no further than this file, and
/// is written to no log.
struct ConcernService: Plimsoll_V1_Concerns.SimpleServiceProtocol {
    let ledger: Ledger

    func raiseConcern(
        request: Plimsoll_V1_RaiseConcernRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_RaiseConcernResponse {
        let token = request.anonymous ? ConcernToken.make() : nil
        let voice: ConcernVoice =
            if let token { .withoutName(tokenHash: token.hash) } else { .named(try context.caller.name) }
        let (id, due) = try await ledger.raiseConcern(request.text, project: request.project.orNil, voice: voice)
        return .with {
            // The number is in lists that others see; the author's token is enough.
            $0.id = token == nil ? id : 0
            $0.token = token?.token ?? ""
            $0.dueOn = due.description
        }
    }

    func listConcerns(
        request: Plimsoll_V1_ListConcernsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListConcernsResponse {
        let reader = try context.concernReader
        let addressed = try await ledger.concerns(for: reader)
        try await ledger.recordRead(.list(.concerns, of: addressed.compactMap(\.author)), by: reader.name)
        let own = try await ledger.ownConcerns(of: reader.name)
        return .with {
            $0.addressed = addressed.map { .init($0) }
            $0.own = own.map { .init($0) }
        }
    }

    func answerConcern(
        request: Plimsoll_V1_AnswerConcernRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_AnswerConcernResponse {
        try await ledger.answerConcern(request.id, request.text, by: context.concernReader)
        return .init()
    }

    func showConcern(
        request: Plimsoll_V1_ShowConcernRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ConcernDocument {
        .init(try await ledger.concern(tokenHash: ConcernToken.hash(request.token)))
    }

    func pullCord(
        request: Plimsoll_V1_PullCordRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_PullCordResponse {
        let outcome = try await ledger.pullCord(project: request.project, by: context.caller.name)
        return .with { $0.outcome = outcome.rawValue }
    }

    func listCords(
        request: Plimsoll_V1_ListCordsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListCordsResponse {
        let cords = try await ledger.cords(for: context.concernReader)
        return .with {
            $0.cords = cords.map { cord in
                .with {
                    $0.project = cord.project
                    $0.pausedOn = cord.pausedOn.description
                }
            }
        }
    }

    func resumeCord(
        request: Plimsoll_V1_ResumeCordRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ResumeCordResponse {
        try await ledger.resumeCord(project: request.project, by: context.concernReader)
        return .init()
    }

    func weeklyDigest(
        request: Plimsoll_V1_WeeklyDigestRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_WeeklyDigestResponse {
        let week = ISOWeek(request.week)
        guard week != nil || request.week.isEmpty else {
            throw GatewayError(.badMessage, "“\(request.week)” is no week; write for example 2026-W10")
        }
        return .init(try await ledger.weeklyDigest(week))
    }
}

extension ServerContext {
    fileprivate var concernReader: ConcernReader {
        get throws { ConcernReader(name: try caller.name, isOperator: try caller.role == .operator) }
    }
}

extension Plimsoll_V1_ConcernDocument {
    init(_ concern: ConcernRow) {
        self.init()
        id = concern.id
        project = concern.project ?? ""
        kind = concern.kind.rawValue
        author = concern.author ?? ""
        text = concern.text
        raisedOn = concern.raisedOn.description
        dueOn = concern.dueOn.description
        daysOverdue = UInt32(clamping: concern.daysOverdue)
        answers = concern.answers.map { answer in
            .with {
                $0.by = answer.by
                $0.on = answer.on.description
                $0.text = answer.text
            }
        }
    }
}

extension Plimsoll_V1_WeeklyDigestResponse {
    init(_ digest: WeeklyDigest) {
        self.init()
        week = digest.week.description
        smallestGroup = UInt32(clamping: digest.k)
        figures = WeeklyDigest.Figure.allCases.map(\.rawValue)
        rows = digest.rows.map { row in
            .with {
                $0.project = row.project ?? ""
                $0.cells = WeeklyDigest.Figure.allCases.map { .init(row.cells[$0] ?? .hidden) }
                $0.declines = .init(row.declines)
            }
        }
    }
}

extension Plimsoll_V1_DigestCell {
    init(_ cell: WeeklyDigest.Cell) {
        self.init()
        if case .count(let number) = cell { count = UInt32(clamping: number) }
    }
}
