import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// Pages in front of the task: what keys do there, and what they show.
extension ScreenState {
    /// The keys that open a page; nil for all others.
    mutating func opened(by key: Key) -> [Action]? {
        var actions: [Action] = []
        switch key {
        case .character("?"): page = .help
        case .character("w"):
            page = .why(.asked)
            actions = [.fetchWhy]
        case .character("l"):
            page = .load(.asked)
            actions = [.fetchLoad]
        case .character("a"):
            page = .agreements(AgreementPage())
            actions = [.fetchAgreements]
        case .character("m"): page = .own(OwnPage(project: job?.task.project.name))
        default: return nil
        }
        pageScroll = 0
        return actions
    }

    /// Keys while a page is shown. The task behind it and its draft stay as they are.
    mutating func pressedOnPage(_ key: Key, page rows: Int, lines: Int) -> [Action] {
        let last = max(0, lines - rows)
        switch key {
        case .control("c"): return [.leave]
        case .up where last > 0: pageScroll = max(0, pageScroll - 1)
        case .down where last > 0: pageScroll = min(last, pageScroll + 1)
        case .pageUp where last > 0: pageScroll = max(0, pageScroll - max(1, rows - 1))
        case .pageDown where last > 0, .character(" ") where last > 0:
            pageScroll = min(last, pageScroll + max(1, rows - 1))
        case .home where last > 0: pageScroll = 0
        case .end where last > 0: pageScroll = last
        default:
            switch page {
            case .agreements(var agreements): return chosen(key, &agreements)
            case .own(var own): return chosen(key, &own)
            default: page = nil
            }
        }
        return []
    }

    private mutating func chosen(_ key: Key, _ agreements: inout AgreementPage) -> [Action] {
        switch (agreements.step, key) {
        case (.choosing, .character(let character)):
            guard let digit = character.wholeNumberValue, digit > 0, digit <= AgreementPage.shownMax,
                digit <= agreements.agreed.count
            else { break }
            agreements.step = .confirming(agreements.agreed[digit - 1])
            page = .agreements(agreements)
            pageScroll = 0
            return []
        case (.confirming(let agreed), .character("y")):
            page = nil
            withdrawing = PendingWithdrawal(agreed: agreed)
            return [.withdraw(agreed.purpose)]
        case (.confirming, _):
            agreements.step = .choosing
            page = .agreements(agreements)
            return []
        default: break
        }
        page = nil
        return []
    }

    // MARK: - What was fetched

    /// Nothing where the person has left the page meanwhile.
    mutating func fetched(why fetched: ScreenPage.Fetched) { if case .why? = page { page = .why(fetched) } }

    mutating func fetched(load fetched: ScreenPage.Fetched) { if case .load? = page { page = .load(fetched) } }

    mutating func fetched(agreements fetched: AgreementPage) {
        guard case .agreements(let known)? = page, known.step == .asked else { return }
        page = .agreements(fetched)
    }

    mutating func fetched(clock: WallClock, now: Duration) { wall = (clock, now) }

    // MARK: - A withdrawal

    mutating func withdrawalStands(_ words: String) { withdrawing?.words = Harmless.line(words) }

    /// On the record: tasks under the purpose go from the screen, and their drafts from the disk (P3).
    mutating func withdrawn(_ receipt: Plimsoll_V1_ConsentReceipt) -> [Action] {
        guard let agreed = withdrawing?.agreed else { return [] }
        withdrawing = nil
        for job in jobs where Self.stands(job.task, on: agreed) { putAway(job.task.lease) }
        message = Harmless.line(
            "\(agreed.purpose): \(receipt.state), \(receipt.leasesEnded) leases ended; receipt \(receipt.receiptID)")
        return [.removeDrafts(agreed)]
    }

    /// There was nothing to withdraw, or it was refused: what was said changes nothing.
    mutating func notWithdrawn(_ words: String) {
        withdrawing = nil
        message = Harmless.line(words)
    }

    private static func stands(_ task: WorkTask, on agreed: AgreementPage.Agreed) -> Bool {
        agreed.projects.contains(task.project.name) || PurposeName.severity(task.severity)?.rawValue == agreed.purpose
    }

    // MARK: - Lines

    /// The page's lines, however many rows there are; nil while a task is shown, or the wait for one.
    func pageLines(width: Int) -> [ScreenLine]? {
        if let withdrawing { return told(Self.withdrawalLines(withdrawing), width) }
        switch page {
        case nil: return nil
        case .help: return Self.help.flatMap { TextWidth.wrap($0, width) }.map { ScreenLine(text: $0) }
        case .load(let fetched): return self.fetched(fetched, width: width)
        case .why(let fetched):
            guard let job else { return self.fetched(fetched, width: width) }
            return whyLines(job, width: width) + [ScreenLine(text: "")] + self.fetched(fetched, width: width)
        case .agreements(let agreements): return told(Self.lines(agreements), width)
        case .own(let own): return told(own.lines, width)
        }
    }

    private func fetched(_ fetched: ScreenPage.Fetched, width: Int) -> [ScreenLine] {
        switch fetched {
        case .asked: [ScreenLine(text: " asking the coordinator ...", style: .faint)]
        case .failed(let words): told([.init(text: "It cannot be asked now: \(words)", isStrong: true)], width)
        case .lines(let lines):
            // They are laid out already; only a narrow screen breaks them again.
            lines.flatMap { line in
                TextWidth.wrap(line.text, width).map { ScreenLine(text: $0, style: line.isStrong ? .strong : .plain) }
            }
        }
    }

    private func told(_ lines: [LoadText.Line], _ width: Int) -> [ScreenLine] {
        lines.flatMap { line in
            TextWidth.wrap(Harmless.line(line.text), width - 2).map {
                ScreenLine(text: " " + $0, style: line.isStrong ? .strong : .plain)
            }
        }
    }

    private static func lines(_ page: AgreementPage) -> [LoadText.Line] {
        func line(_ text: String, _ isStrong: Bool = false) -> LoadText.Line { .init(text: text, isStrong: isStrong) }
        func needed(_ agreed: AgreementPage.Agreed) -> String {
            agreed.projects.isEmpty ? "no project of yours" : agreed.projects.joined(separator: ", ")
        }
        switch page.step {
        case .asked: return [line("asking the coordinator ...")]
        case .failed(let words):
            return [
                line("Your agreements cannot be listed now: \(words)", true),
                line("You can still withdraw one by its name, and that is repeated until it is recorded:"),
                line("  plimsoll consent withdraw PURPOSE"),
            ]
        case .choosing where page.agreed.isEmpty:
            return [line("You agree to nothing now, so nothing can be withdrawn.")]
        case .choosing:
            var lines = [line("What you agree to. A digit takes it back; no reason is asked for.", true), line("")]
            for (index, agreed) in page.agreed.prefix(AgreementPage.shownMax).enumerated() {
                lines.append(line("  \(index + 1)  \(agreed.purpose), needed by \(needed(agreed))"))
            }
            if page.agreed.count > AgreementPage.shownMax {
                lines.append(line("  and more: plimsoll consent list, plimsoll consent withdraw PURPOSE"))
            }
            return lines
        case .confirming(let agreed):
            return [
                line("Withdraw \(agreed.purpose)?", true), line(""),
                line(
                    "At once and for good: your tasks under it end, their drafts go, and your labels are left out of "
                        + "every later export for it. It costs you nothing. Needed by \(needed(agreed))."),
                line(""), line("y withdraws it; any other key does not"),
            ]
        }
    }

    private static func withdrawalLines(_ withdrawal: PendingWithdrawal) -> [LoadText.Line] {
        [
            .init(text: "You have withdrawn \(withdrawal.agreed.purpose). Your word stands.", isStrong: true),
            .init(text: ""), .init(text: withdrawal.words, isStrong: true), .init(text: ""),
            .init(text: "Until it is recorded no task is taken or shown; what you wrote for other work is kept."),
        ]
    }
}
