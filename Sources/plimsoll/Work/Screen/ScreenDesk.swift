import Foundation
import GRPCCore
import Identity
import PlimsollProtocol
import SwiftProtobuf

/// What the screen asks of a coordinator besides its tasks, each over a connection of its own, so that neither keys nor
/// tasks wait for an answer.
final class ScreenDesk: Sendable {
    enum Question: Sendable {
        case why, load, agreements
        /// Within `clockSpread`.
        case clock
        case own(OwnPage.Topic)
        case concern(String, project: String?)
        /// Of a project.
        case cord(String)
        /// The purpose.
        case withdrawal(String)
    }

    enum Word: Sendable {
        case why(ScreenPage.Fetched)
        case load(ScreenPage.Fetched)
        case clock(WallClock)
        case agreements(AgreementPage)
        case own(OwnPage.Topic, ScreenPage.Fetched)
        /// What became of a cord.
        case said(String)
        case raised(concern: String, String)
        case notRaised(concern: String, String)
        /// Not on the record yet, and why.
        case withdrawalStands(String)
        case withdrawn(Plimsoll_V1_ConsentReceipt)
        case notWithdrawn(String)
    }

    private let addresses: [ServerAddress]
    private let identity: IdentityFiles
    private let own: OwnWithdrawals
    private let questions: AsyncStream<Question>
    private let asked: AsyncStream<Question>.Continuation

    /// More than a person presses before the first is answered; a withdrawal is asked once and keys then do nothing.
    private static let questionsMax = 16
    /// Quiet hours begin for many at the same minute, and their screens must not all connect at once.
    private static let clockSpread = Duration.seconds(30)

    init(addresses: [ServerAddress], identity: IdentityFiles, own: OwnWithdrawals) {
        self.addresses = addresses
        self.identity = identity
        self.own = own
        (questions, asked) = AsyncStream.makeStream(
            of: Question.self, bufferingPolicy: .bufferingNewest(Self.questionsMax))
    }

    /// Returns at once; the answer comes as a word.
    func ask(_ question: Question) {
        if case .withdrawal(let purpose) = question { own.begin(purpose) }
        asked.yield(question)
    }

    /// Answers until it is cancelled. A withdrawal without a receipt by then keeps its mark.
    func run(usesBlocks: Bool, say: @Sendable @escaping (Word) -> Void) async {
        await withDiscardingTaskGroup { group in
            for await question in questions {
                group.addTask { await self.answer(question, usesBlocks: usesBlocks, say) }
            }
            group.cancelAll()
        }
    }

    private func answer(_ question: Question, usesBlocks: Bool, _ say: @Sendable (Word) -> Void) async {
        switch question {
        case .load:
            say(
                .load(
                    await fetched {
                        try await LoadText(
                            $0.workQueue.showMe(.init(), options: ControlClient.callOptions), usesBlocks: usesBlocks
                        ).lines
                    }))
        case .why:
            say(
                .why(
                    await fetched { client in
                        let why = try await client.person.explain(.init(), options: ControlClient.callOptions)
                        let chosen = try await client.organisation.listSelections(
                            .init(), options: ControlClient.callOptions)
                        return WhyText(why, chosen.selections).lines
                    }))
        case .agreements:
            do {
                say(.agreements(AgreementPage(try await withCoordinator { try await $0.agreements() })))
            } catch {
                var page = AgreementPage()
                page.step = .failed(CommandFailure(error).message)
                say(.agreements(page))
            }
        case .clock: if let clock = await ownClock() { say(.clock(clock)) }
        case .own(let topic): say(.own(topic, await fetched { try await topic.lines($0) }))
        case .concern(let text, let project):
            let (isDone, words) = await outcome("your concern was not raised") {
                RaiseConcern.sentence(of: try await $0.raiseConcern(text, project: project, anonymous: false))
            }
            say(isDone ? .raised(concern: text, words) : .notRaised(concern: text, words))
        case .cord(let project):
            say(
                .said(
                    await outcome("the cord was not pulled") {
                        PullCord.sentence(of: try await $0.pullCord(of: project), project: project)
                    }.words))
        case .withdrawal(let purpose): await withdraw(purpose, say)
        }
    }

    /// Nil where nobody answers: the screen goes on in durations.
    private func ownClock() async -> WallClock? {
        // Throws only when it is cancelled, and then nobody looks any more.
        guard (try? await Task.sleep(for: Self.clockSpread * Double.random(in: 0...1))) != nil else { return nil }
        // A failure takes nothing away but a few words, and is not worth others.
        let me = try? await withCoordinator {
            try await $0.workQueue.showMe(.init(), options: ControlClient.callOptions)
        }
        return me.map { WallClock(atMicroseconds: $0.atMicroseconds, zone: $0.zone) }
    }

    private func outcome(
        _ failure: String, _ words: (ControlClient) async throws -> String
    ) async -> (isDone: Bool, words: String) {
        do { return (true, try await withCoordinator(words)) } catch {
            return (false, "\(failure): \(CommandFailure(error).message)")
        }
    }

    private func withdraw(_ purpose: String, _ say: @Sendable (Word) -> Void) async {
        do {
            let mark = WithdrawalMark(directory: identity.directory)
            let receipt = try await StandingWithdrawal(purpose: purpose, mark: mark).run(say: {
                say(.withdrawalStands($0))
            }) {
                try await withCoordinator { client in
                    try await client.workQueue.withdrawAgreement(
                        .with { $0.purpose = purpose }, options: StandingWithdrawal.callOptions)
                }
            }
            own.end(purpose)
            say(.withdrawn(receipt))
        } catch {
            // Cancelled because the person leaves: the word waits at the mark, and the command says so.
            guard !Task.isCancelled else { return }
            own.end(purpose)
            say(.notWithdrawn("\(purpose) was not withdrawn: \(CommandFailure(error).message)"))
        }
    }

    private func fetched(
        _ lines: (ControlClient) async throws -> [LoadText.Line]
    ) async -> ScreenPage.Fetched {
        do { return .lines(try await withCoordinator(lines)) } catch { return .failed(CommandFailure(error).message) }
    }

    private func withCoordinator<Result: Sendable>(
        _ body: (ControlClient) async throws -> Result
    ) async throws -> Result {
        try await ControlClient.with(addresses, identity: identity, body)
    }
}
